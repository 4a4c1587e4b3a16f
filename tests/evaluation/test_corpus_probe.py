"""The probes that ask whether a corpus's styles can be told apart, on noise whose colour is known."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from indextts2.config import EMOTIONS
from indextts2.contracts import Waveform
from indextts2.errors import InputError
from indextts2.evaluation.corpus_probe import Measured, guess_by_prosody, main, relative, told, voices_of
from indextts2.evaluation.learned_probe import BANDS, fit_learned_probe, log_mel_bands
from indextts2.evaluation.prosody import FEATURE_NAMES, prosody_features
from indextts2.training.data.corpus_data import Utterance

RATE = 16_000
STYLES = ("calm", "angry", "sad")


def spectrogram(style, seed, frames=60):
    """Noise that is louder in a band that only the style decides."""
    mel = np.random.default_rng(seed).normal(size=(BANDS, frames)).astype(np.float32)
    first = 20 * STYLES.index(style)
    mel[first : first + 20] += 1.5
    return torch.from_numpy(mel)


def drawn(count, first_seed):
    labels = [STYLES[number % len(STYLES)] for number in range(count)]
    return [spectrogram(label, first_seed + number) for number, label in enumerate(labels)], labels


def test_a_learned_probe_tells_what_it_has_not_heard_and_no_more():
    probe = fit_learned_probe(*drawn(24, 0), epochs=16)
    assert probe.accuracy(*drawn(30, 1000)) > 0.9
    mels, labels = drawn(30, 2000)
    shuffled = [labels[int(place)] for place in np.random.default_rng(0).permutation(len(labels))]
    assert probe.accuracy(mels, shuffled) < 0.7


def test_a_learned_probe_repeats_itself_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    mels, labels = drawn(6, 0)
    first, second = (fit_learned_probe(mels, labels, epochs=1).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.rand(1), expected)


def test_a_learned_probe_takes_utterances_of_any_length_and_refuses_a_single_class():
    probe = fit_learned_probe(*drawn(6, 0), epochs=1)
    assert len(probe.predict([spectrogram("sad", 1, frames) for frames in (1, 47, 600)])) == 3
    with pytest.raises(InputError, match="two classes"):
        fit_learned_probe([spectrogram("sad", 1)], ["sad"])


def test_log_mel_bands_are_those_of_the_judges_rate():
    mel = log_mel_bands(Waveform(torch.randn(1, 1, RATE, generator=torch.Generator().manual_seed(0)), RATE))
    assert mel.shape == (BANDS, 100)


def utterance(name, voices, style, speed=1.0):
    source = {"generator": "kokoro-82m", **({"voice": voices[0]} if len(voices) == 1 else {"voices": list(voices)})}
    return Utterance(name, "", "train", "+".join(voices), "en", "a text", "a", 1.0, RATE, 8000, Path(), source=source,
                     style=style, speed=speed)  # fmt: skip


def heard(name, voices, style, value, speed=1.0):
    return Measured(utterance(name, voices, style, speed), np.full(2, value), torch.full((3, 4), float(value)))


def test_a_recording_is_measured_against_the_neutral_speech_of_its_speaker_at_the_usual_pace():
    items = [heard(f"n{speed}", ("anna",), "neutral", 10 * speed, speed) for speed in (0.7, 0.99, 1.0, 1.01)]
    items += [heard("s", ("anna",), "sad", 12.0), heard("alone", ("ben",), "sad", 12.0)]
    (kept,) = relative(items)
    assert kept.utterance.id == "s"
    np.testing.assert_allclose(kept.features, 2.0)
    assert torch.allclose(kept.mel, torch.full((3, 4), 2.0))


def test_nobody_is_asked_about_a_voice_that_was_learned_from_even_in_a_blend():
    singles = [(f"v{number}",) for number in range(8)]
    items = [heard(f"{voices}", voices, "sad", 0.0) for voices in [*singles, ("v0", "v4"), ("v0", "v1")]]
    asked_in_all = []

    def guess(known, asked):
        learned = {voice for item in known for voice in voices_of(item.utterance)}
        assert not learned & {voice for item in asked for voice in voices_of(item.utterance)}
        asked_in_all.extend(item.utterance.id for item in asked)
        return ["sad" if "v1" not in item.utterance.id else "calm" for item in asked]

    result = told(items, guess, groups=4)
    assert result.recordings == len(asked_in_all) == 9  # the blend of two groups is never asked about
    assert "('v0', 'v4')" in asked_in_all and "('v0', 'v1')" not in asked_in_all
    assert result.share == result.by_style["sad"] == pytest.approx(8 / 9)
    assert result.confusion == {"sad": {"sad": 8, "calm": 1}}
    with pytest.raises(InputError, match="groups of voices"):
        told(items[:2], guess, groups=4)


def test_prosody_tells_styles_of_other_voices():
    random = np.random.default_rng(0)
    items = [
        Measured(utterance(f"{voice}{style}{turn}", (f"v{voice}",), style),
                 random.normal(size=3) + 6.0 * np.eye(3)[place], torch.zeros(2, 2))
        for voice in range(4) for place, style in enumerate(STYLES) for turn in range(6)
    ]  # fmt: skip
    assert told(items, guess_by_prosody).share > 0.95


def corpus_of(folder, styles):
    rows = []
    for number, (voice, style) in enumerate((voice, style) for voice in "abcd" for style in styles):
        hertz = 120.0 + 25.0 * EMOTIONS.index(style) if style in EMOTIONS else 120.0
        time = np.arange(RATE) / RATE
        samples = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3)) * 0.1
        soundfile.write(folder / f"{number}.wav", samples, RATE)
        rows.append(
            {"id": f"{number}", "path": f"{number}.wav", "split": "train", "speaker": voice, "language": "en",
             "source": {"generator": "kokoro-82m", "voice": voice}, "style": style, "text": "four words are here",
             "phonemes": "a", "phoneme_durations": None, "seconds": 1.0, "sample_rate": RATE, "bandwidth_hz": 8000}
        )  # fmt: skip
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_the_command_reports_both_probes_of_a_corpus(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("indextts2.evaluation.corpus_probe.guess_by_network", guess_by_prosody)
    corpus_of(tmp_path, ("neutral", "happy", "angry", "sad"))
    assert main([str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["prosody"]["recordings"] == report["network"]["recordings"] == 12
    assert set(report["prosody"]["by_style"]) == {"happy", "angry", "sad"}
    assert main([str(tmp_path / "missing")]) == 1


def waved(samples):
    return Waveform(torch.from_numpy(samples.astype(np.float32))[None, None], RATE)


def voice(hertz=150.0, *, seconds=1.0, noise=0.0, weaken=0.0, seed=0):
    """A pulse-like tone; every second period weaker, with breath."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.cos(2 * np.pi * hertz * harmonic * time) / harmonic for harmonic in range(1, 12))
    tone = tone * (1.0 - weaken * (0.5 - 0.5 * np.cos(np.pi * hertz * time)))
    return 0.1 * tone + noise * np.random.default_rng(seed).normal(size=len(time))


def test_breath_lowers_harmonicity_and_creak_shows_as_subharmonics():
    plain = prosody_features(waved(voice()), "abc")
    breathy = prosody_features(waved(voice(noise=0.03)), "abc")
    creaky = prosody_features(waved(voice(weaken=0.3)), "abc")
    assert plain.harmonicity > breathy.harmonicity + 5.0
    assert creaky.subharmonics > plain.subharmonics + 0.02


def test_pauses_are_counted_and_measured_between_words_alone():
    quiet = np.zeros(round(0.3 * RATE))
    spoken = np.concatenate([quiet, voice(), quiet, voice(), quiet])
    features = prosody_features(waved(spoken), "abc")
    assert features.pauses == pytest.approx(1 / 2.3, rel=0.1)
    assert features.pause_length == pytest.approx(0.3, abs=0.08)
    alone = prosody_features(waved(voice()), "abc")
    assert alone.pauses == alone.pause_length == 0.0


def test_level_is_in_db_and_a_fade_is_what_is_lost_from_start_to_end():
    loud, soft = (prosody_features(waved(scale * voice()), "abc").level for scale in (1.0, 0.5))
    assert loud - soft == pytest.approx(6.0, abs=0.1)
    fading = voice() * 10 ** (np.linspace(0.0, -12.0, RATE) / 20)
    assert prosody_features(waved(fading), "abc").fade == pytest.approx(-12.0, abs=2.0)


def test_a_rise_at_the_end_shows_against_the_mean():
    time = np.arange(RATE) / RATE
    f0 = np.where(time < 0.7, 150.0, 150.0 * 2.0 ** ((time - 0.7) / 0.3 * 6.0 / 12.0))
    rising = sum(np.cos(2 * np.pi * harmonic * np.cumsum(f0) / RATE) / harmonic for harmonic in range(1, 12))
    assert prosody_features(waved(0.1 * rising), "abc").f0_end > 1.5
    assert abs(prosody_features(waved(voice()), "abc").f0_end) < 0.3
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == 18
