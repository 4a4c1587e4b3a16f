"""Audio files are what their names say, or are refused by name before the work."""

from __future__ import annotations

import pytest
import soundfile
import torch

from indextts2.audio.io import FORMATS, format_of, read_audio, write_audio
from indextts2.contracts import Waveform
from indextts2.errors import AudioError

RATE = 22_050


@pytest.fixture(scope="module")
def tone() -> Waveform:
    time = torch.arange(RATE) / RATE
    return Waveform((0.5 * torch.sin(2 * torch.pi * 440 * time)).view(1, 1, -1), RATE)


@pytest.mark.parametrize(
    ("suffix", "container", "coding"),
    [(".wav", "WAV", "PCM_16"), (".flac", "FLAC", "PCM_16"), (".ogg", "OGG", "VORBIS"), (".opus", "OGG", "OPUS"),
     (".mp3", "MP3", "MPEG_LAYER_III"), (".MP3", "MP3", "MPEG_LAYER_III")],
)  # fmt: skip
def test_a_suffix_is_the_kind_of_the_file(tone, tmp_path, suffix, container, coding):
    if not soundfile.check_format(container, coding):
        pytest.skip(f"libsndfile here does not write {suffix}")
    path = tmp_path / f"tone{suffix}"
    write_audio(path, tone)
    found = soundfile.info(path)
    assert (found.format, found.subtype) == (container, coding)
    assert abs(found.duration - 1.0) < 0.1
    assert 0.2 < float(read_audio(path).samples.abs().max()) < 0.7


def test_a_name_without_a_suffix_is_a_wav_and_an_unknown_suffix_is_refused(tone, tmp_path):
    assert format_of("speech") == FORMATS[".wav"]
    for name in ("a.m4a", "a.aac", "a.txt"):
        with pytest.raises(AudioError, match="Audio is written as .wav, .flac, .ogg, .opus, .mp3"):
            write_audio(tmp_path / name, tone)
