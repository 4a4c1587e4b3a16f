"""Speech for models that move lips: whole frames, a room under the pauses, a clean track, an open mouth."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import SpokenWord, SpokenWords, Waveform
from indextts2.errors import AudioError, InputError
from indextts2.stages.lip_sync import LipSyncSettings, prepare_lip_sync

RATE = 16_000
PLAIN = LipSyncSettings(sample_rate=RATE, stereo=False)


def speech(seconds=1.93):
    """A tone, half a second of digital silence, a tone half as loud."""
    tone = 0.5 * torch.sin(torch.arange(round(seconds * RATE)).float() * 0.2)
    tone[8000:16_000] = 0.0
    tone[16_000:] *= 0.5
    return Waveform(tone[None, None], RATE)


@pytest.mark.parametrize(("rate", "step", "frames"), [(25.0, 1, 49), (25.0, 8, 49), (16.0, 4, 33), (24.0, 8, 49)])
def test_both_tracks_last_a_whole_number_of_frames_that_the_model_takes(rate, step, frames):
    made = prepare_lip_sync(speech(), LipSyncSettings(rate, 44_100, True, step))
    assert made.frame_count == frames == len(made.mouth) and (step == 1 or frames % step == 1)
    assert made.track.samples.shape == made.clean.samples.shape == (1, 2, round(frames * 44_100 / rate))


def test_audio_of_whole_frames_gets_no_further_one():
    assert prepare_lip_sync(speech(1.6), PLAIN).frame_count == 40


def test_the_room_fills_the_pauses_and_nothing_else():
    made = prepare_lip_sync(speech(), PLAIN)
    room = (made.track.samples - made.clean.samples)[0, 0]
    level = 20 * room[9000:15_000].square().mean().sqrt().log10()
    assert abs(float(level) + 65.0) < 1.0
    assert int((room[:7000] != 0).sum()) == 0 and int((made.clean.samples[0, 0, 9000:15_000] != 0).sum()) == 0


def test_the_same_seed_gives_the_same_room_and_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    first = prepare_lip_sync(speech(), PLAIN).track.samples
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))
    assert torch.equal(first, prepare_lip_sync(speech(), PLAIN).track.samples)
    other = prepare_lip_sync(speech(), LipSyncSettings(sample_rate=RATE, stereo=False, seed=1)).track.samples
    assert not torch.equal(first, other)


def test_the_mouth_is_wide_where_it_is_loud_and_closed_in_pauses_and_between_words():
    made = prepare_lip_sync(speech(), PLAIN)
    assert made.mouth[3] == 1.0 and made.mouth[20] == 0.0 and 0.4 < made.mouth[44] < 0.6
    words = SpokenWords((SpokenWord("a", 0, 4000),), RATE, round(1.93 * RATE))
    assert prepare_lip_sync(speech(), PLAIN, words=words).mouth[8] == 0.0 < made.mouth[8]


def test_what_cannot_be_prepared_is_refused_by_name():
    with pytest.raises(InputError, match="belong to audio of 1.000 s"):
        prepare_lip_sync(speech(), PLAIN, words=SpokenWords((), RATE, RATE))
    with pytest.raises(AudioError, match="no sound"):
        prepare_lip_sync(Waveform(torch.zeros(1, 1, RATE), RATE), PLAIN)
    with pytest.raises(AudioError, match="2 in a batch"):
        prepare_lip_sync(Waveform(torch.ones(2, 1, RATE), RATE), PLAIN)
    with pytest.raises(InputError, match="room tone lies"):
        LipSyncSettings(room_tone=3.0)
