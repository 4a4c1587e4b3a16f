"""The style probe and the prosody features it reads, on synthetic tones whose prosody is known."""

import numpy as np
import pytest
import torch

from indextts2.contracts import Waveform
from indextts2.errors import AudioError, InputError
from indextts2.evaluation.probe import cross_validated_accuracy, fit_probe, left_out_guesses
from indextts2.evaluation.prosody import FEATURE_NAMES, prosody_features

RATE = 16_000


def cloud(distance, seed=0, count=40):
    random = np.random.default_rng(seed)
    labels = [name for name in ("calm", "angry", "sad") for _ in range(count)]
    centres = {"calm": (0.0, 0.0), "angry": (distance, 0.0), "sad": (0.0, distance)}
    return np.array([random.normal(centres[label], 1.0) for label in labels]), labels


def tone(base=150.0, *, seconds=1.0, end=None, tremor=0.0, loud_high=0.0):
    time = np.arange(round(seconds * RATE)) / RATE
    f0 = np.linspace(base, end or base, len(time)) * (1.0 + tremor * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    samples = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    samples = samples + loud_high * np.sin(20 * phase)
    quiet = np.zeros(RATE // 10)
    whole = np.concatenate([quiet, 0.1 * samples, quiet])
    return Waveform(torch.from_numpy(whole.astype(np.float32))[None, None], RATE)


def test_classes_far_apart_are_found_and_classes_on_top_of_each_other_are_not():
    assert cross_validated_accuracy(*cloud(6.0)) > 0.95
    assert cross_validated_accuracy(*cloud(0.0)) == pytest.approx(1 / 3, abs=0.12)


def test_a_group_is_told_by_the_others_alone():
    features, labels = cloud(6.0)
    groups = [place % 4 for place in range(len(labels))]
    right = [guess == label for guess, label in zip(left_out_guesses(features, labels, groups), labels, strict=True)]
    assert np.mean(right) > 0.95
    # what holds in one group alone cannot be told from the others
    alone = np.array(
        [[1.0 if group == 3 and label == "sad" else 0.0] for group, label in zip(groups, labels, strict=True)]
    )
    noise = np.random.default_rng(0).normal(0.0, 0.1, alone.shape)
    guesses = left_out_guesses(alone + noise, labels, groups)
    of_three = [guess == label for guess, label, group in zip(guesses, labels, groups, strict=True) if group == 3]
    assert np.mean(of_three) < 0.7
    with pytest.raises(InputError, match="two groups"):
        left_out_guesses(features, labels, ["one"] * len(labels))


def test_a_probe_fitted_on_one_set_reads_another():
    probe = fit_probe(*cloud(6.0, seed=1))
    assert probe.accuracy(*cloud(6.0, seed=2)) > 0.95
    assert probe.predict(np.array([[6.0, 0.0]])) == ["angry"]


def test_a_constant_feature_does_no_harm():
    features, labels = cloud(6.0)
    assert cross_validated_accuracy(np.hstack([features, np.ones((len(labels), 1))]), labels) > 0.95


def test_a_probe_needs_two_classes_and_cross_validation_two_of_each():
    with pytest.raises(InputError, match="two classes"):
        fit_probe(np.zeros((2, 1)), ["calm", "calm"])
    with pytest.raises(InputError, match="two utterances"):
        cross_validated_accuracy(np.zeros((3, 1)), ["calm", "calm", "sad"])


def test_pitch_is_measured_in_semitones_over_100_hz():
    assert prosody_features(tone(200.0), "abcdef").f0_mean == pytest.approx(12.0, abs=0.3)


def test_a_rising_tone_has_a_rising_slope_and_a_wider_range():
    flat, rising = prosody_features(tone(150.0), "abc"), prosody_features(tone(120.0, end=180.0), "abc")
    assert rising.f0_slope > 5.0 > abs(flat.f0_slope) * 5
    assert rising.f0_range > flat.f0_range + 2.0


def test_tremolo_shows_as_tremor_and_a_bright_tone_as_tilt():
    plain = prosody_features(tone(), "abc")
    assert prosody_features(tone(tremor=0.03), "abc").f0_tremor > plain.f0_tremor + 0.1
    assert prosody_features(tone(loud_high=0.5), "abc").tilt > plain.tilt + 3.0


def test_the_rate_counts_letters_per_second_of_speech_without_the_silence_around_it():
    assert prosody_features(tone(seconds=1.0), "ten letters").rate == pytest.approx(10.0, rel=0.1)


def test_the_pitch_of_a_low_breathy_voice_is_found():
    breath = np.random.default_rng(3).normal(size=tone(100.0).samples.shape[-1]).astype(np.float32)
    breath = np.diff(breath, prepend=breath[:1])  # more of it the higher the frequency
    breathy = Waveform(tone(100.0).samples + 0.3 * torch.from_numpy(breath), RATE)
    assert prosody_features(breathy, "abc").f0_mean == pytest.approx(0.0, abs=0.3)


def test_silence_has_no_prosody():
    with pytest.raises(AudioError, match="voiced"):
        prosody_features(Waveform(torch.zeros(1, 1, RATE), RATE), "abc")


def test_the_vector_follows_the_order_of_the_names():
    features = prosody_features(tone(), "abc")
    assert features.vector()[FEATURE_NAMES.index("rate")] == features.rate
