"""The whole chain with the tiny checkpoint: what was asked is what comes out, the same seed says the same."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import Duration, EmotionWeights, Waveform
from indextts2.errors import Cancelled, CheckpointMismatch, InputError
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.handles import SpeechModels
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import EmotionRequest, SpeakSettings, emotion_of, speak
from indextts2.values.report import speech_report

TEXT = "Hello there."
FAST = SpeakSettings(sampling=SamplingSettings(max_tokens=40), flow=FlowSettings(steps=2))


@pytest.fixture(scope="module")
def models(tiny_checkpoint) -> SpeechModels:
    return load_speech(open_checkpoint(tiny_checkpoint))


def noise(seed: int = 0, seconds: float = 1.0) -> Waveform:
    samples = torch.randn(1, 1, round(seconds * 24_000), generator=torch.Generator().manual_seed(seed))
    return Waveform((0.1 * samples).clamp(-1, 1), 24_000)


def spoken(models: SpeechModels, **arguments) -> torch.Tensor:
    given = {"settings": FAST, "duration": Duration("tokens", 10), **arguments}
    return speak(models, TEXT, noise(), **given).waveform.samples


@pytest.mark.parametrize("samples", [12_345, 22_050])
def test_a_length_asked_for_is_met_to_the_sample(models, samples):
    speech = speak(models, TEXT, noise(), duration=Duration("samples", samples), settings=FAST)
    assert speech.waveform.samples.shape == (1, 1, samples)


def test_the_same_seed_gives_the_same_speech_and_every_stage_has_its_own(models):
    assert torch.equal(spoken(models, seed=3), spoken(models, seed=3))
    assert not torch.equal(spoken(models, seed=3), spoken(models, seed=4))
    other_mel = SpeakSettings(FAST.sampling, FAST.decoding, FAST.flow, seeds={"s2m": 9})
    speech = speak(models, TEXT, noise(), duration=Duration("tokens", 10), settings=other_mel, seed=3)
    assert speech.seeds == {"t2s": 3, "s2m": 9, "emotion": 3}
    assert not torch.equal(speech.waveform.samples, spoken(models, seed=3))


def test_what_the_text_lost_is_told_with_the_speech(models):
    text = "<pause 2s> Hello 世界. [happy 0.6x]"
    speech = speak(models, text, noise(), duration=Duration("tokens", 39), settings=FAST)
    assert speech.warnings == prepare_text(models.t2s.front_end, text).warnings
    assert "A pause before the first word" in speech_report(speech.reports, warnings=speech.warnings)


def test_a_reference_encoded_beforehand_gives_the_same_speech(models):
    reference = encode_reference(models.encoder, noise())
    given = {"duration": Duration("tokens", 10), "settings": FAST}
    assert torch.equal(speak(models, TEXT, reference, **given).waveform.samples, spoken(models))


def test_weights_of_zero_change_nothing_and_other_weights_do(models):
    zero = EmotionRequest(weights=EmotionWeights.of())
    happy = EmotionRequest(weights=EmotionWeights.of(happy=0.8))
    assert torch.equal(spoken(models, emotion=zero), spoken(models))
    assert not torch.equal(spoken(models, emotion=happy), spoken(models))


@pytest.mark.parametrize("request_", [
    EmotionRequest(weights=EmotionWeights.of(sad=0.7), strength=0.0),
    EmotionRequest(recording=noise(5), strength=0.0),
])  # fmt: skip
def test_a_strength_of_zero_is_the_speakers_own_emotion(models, request_):
    speaker = condition_speaker(models.t2s, encode_reference(models.encoder, noise()))
    emotion = emotion_of(models, speaker, request_)
    assert emotion is not None
    torch.testing.assert_close(emotion.vector, speaker.emotion_vector)


def test_progress_never_runs_backwards_and_ends_full(models):
    seen: list[tuple[int, int]] = []
    spoken(models, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen) and len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]
    assert len({done for done, _ in seen}) > 5


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_cancelling_works_in_every_stage(models, share):
    def stop(done: int, total: int) -> None:
        if done > share * total:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        spoken(models, progress=stop)
    assert spoken(models).numel()  # the next run works


def test_two_kinds_of_emotion_at_once_are_refused():
    with pytest.raises(InputError, match="not by weights and text"):
        EmotionRequest(weights=EmotionWeights.of(), text="sad")


def test_only_the_emotion_of_a_recording_goes_beyond_a_strength_of_one():
    with pytest.raises(InputError, match="at most 1, but is 1.5"):
        EmotionRequest(weights=EmotionWeights.of(sad=0.5), strength=1.5)
    with pytest.raises(InputError, match="at most 1, but is 1.5"):
        EmotionRequest(text="How sad!", strength=1.5)
    assert EmotionRequest(recording=noise(), strength=1.5).strength == 1.5


def test_reading_an_emotion_without_a_model_says_what_is_missing(models):
    with pytest.raises(InputError, match="No text-to-emotion model"):
        spoken(models, emotion=EmotionRequest(text="How sad!"))


def test_a_reference_of_another_checkpoint_is_refused(models):
    reference = encode_reference(models.encoder, noise())
    foreign = type(reference)(**{
        name: getattr(reference, name) for name in reference.__slots__ if name != "fingerprint"
    }, fingerprint="someone else")  # fmt: skip
    with pytest.raises(CheckpointMismatch, match="someone else"):
        speak(models, TEXT, foreign, settings=FAST)
