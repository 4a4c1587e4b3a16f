"""Sound moved to the times that its words were asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.contracts import SpokenWord, SpokenWords
from indextts2.errors import InputError
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.stages.mel_to_audio import mel_to_audio
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.semantic_to_mel import FlowSettings, semantic_to_mel
from indextts2.stages.speak import SpeakSettings, speak, speaker_of
from indextts2.stages.t2s.spoken_words import words_in_time
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from indextts2.stages.t2s.word_times import place_words
from indextts2.stages.word_borders import silences_of, snapped_words
from indextts2.stages.words_on_time import heard_words, moved_words, on_time
from tests.stages.test_speak import noise

RATE = 16_000
NEAR = 0.011 * RATE  # of a border of sound, which is looked for in windows of 20 ms
FAST = SpeakSettings(sampling=SamplingSettings(mode="sample", max_tokens=20), flow=FlowSettings(steps=1))


def sounds(*stretches, seconds=3.0):
    """Audio with a tone in each stretch of seconds, and silence between."""
    samples = torch.zeros(round(seconds * RATE))
    for first, end in stretches:
        count = round((end - first) * RATE)
        samples[round(first * RATE) : round(first * RATE) + count] = 0.5 * torch.sin(torch.arange(count) * 0.3)
    return samples


def begins(samples):
    """Seconds at which each sound begins."""
    ends = [end for _, end in silences_of(samples, RATE)]
    return [end / RATE for end in ends if end < len(samples)]


TWO = sounds((0.6, 1.0), (1.5, 2.0))


@pytest.mark.parametrize(
    ("starts", "heard"),
    [
        ((0.52,), (0.52, 1.42)),  # what follows without a time of its own goes with it
        ((0.52, 1.5), (0.52, 1.5)),
        ((0.6, 1.42), (0.6, 1.42)),
        ((1.56,), (0.6, 1.56)),  # sound that is early comes later
        ((0.3,), (0.6, 1.5)),  # too far to be the same word
        ((0.52, 0.8), (0.6, 1.5)),  # a second time inside the same sound: nothing could keep both
        ((0.8,), (0.6, 1.5)),
    ],
)
def test_words_behind_a_silence_are_heard_from_their_times_on(starts, heard):
    moved, shifts = on_time(TWO, RATE, starts)
    assert len(moved) == len(TWO)
    assert begins(moved) == pytest.approx(heard, abs=NEAR / RATE)
    assert bool(shifts) == (heard != (0.6, 1.5))


def test_a_sound_moves_whole_and_unchanged():
    moved, (first, *_) = on_time(TWO, RATE, [0.52])
    kept = TWO[first.first : first.end]
    assert torch.equal(moved[first.first - first.earlier : first.end - first.earlier], kept)


def test_no_sound_comes_later_than_the_time_its_words_should_have_ended_by():
    assert begins(on_time(TWO, RATE, [1.56], ends=[2.02])[0])[1] == pytest.approx(1.51, abs=NEAR / RATE)


def test_no_sound_is_lost_at_the_ends_or_swallows_the_silence_before_it():
    full = sounds((0.0, 0.9), (1.05, 2.0), seconds=2.02)
    late, _ = on_time(full, RATE, [1.15])
    assert late[-round(0.1 * RATE) :].abs().max() > 0.4 and len(late) == len(full)
    early, _ = on_time(full, RATE, [0.92])
    gap = early[round(0.91 * RATE) : round(0.93 * RATE)]
    assert not gap.any() and early[round(0.95 * RATE) :].abs().max() > 0.4


def test_words_go_with_their_sounds():
    words = SpokenWords(tuple(SpokenWord(str(n), round(at * RATE), round((at + 0.3) * RATE))
                              for n, at in enumerate((0.55, 1.5))), RATE, len(TWO))  # fmt: skip
    moved, shifts = on_time(TWO, RATE, [0.52, 1.5])
    found = snapped_words(moved_words(words, shifts), moved)
    assert [word.start / RATE for word in found.words] == pytest.approx([0.52, 1.5], abs=NEAR / RATE)
    assert moved_words(words, ()) is words


def test_the_chain_of_single_stages_is_as_exact_as_speak(tiny_checkpoint):
    models = load_speech(open_checkpoint(tiny_checkpoint))
    text = prepare_text(models.t2s.front_end, "<at 0.2s> Hello there. <pause 0.1s> <at 1s> Good day.")
    speaker = speaker_of(models, noise())
    semantic = text_to_semantic(models.t2s, text, speaker, sampling=FAST.sampling)
    semantic = place_words(models.t2s, text, semantic, speaker)
    mel = semantic_to_mel(models.s2m, semantic, speaker, flow=FAST.flow)
    assert mel.starts_at == (0.2, 1.0) and mel.ends_by == ()
    speech = mel_to_audio(models.vocoder, mel)
    whole = speak(models, text, speaker, settings=FAST, words=True)
    assert torch.equal(speech.waveform.samples, whole.waveform.samples)
    words = words_in_time(models.t2s, text, semantic, speaker)
    assert heard_words(words, speech) == whole.words
    with pytest.raises(InputError, match="Connect the words of the text that this mel was made of"):
        heard_words(replace(words, sample_count=5), speech)
