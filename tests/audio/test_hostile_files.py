"""Audio files whose headers claim more than they hold, and names that are none."""

from __future__ import annotations

import resource
import struct

import numpy as np
import pytest
import soundfile

from indextts2.audio.io import read_audio
from indextts2.errors import AudioError


def flac_that_claims(samples: int) -> bytes:
    """A FLAC header of 16-bit stereo at 48 kHz, and nothing behind it."""
    rate, channels, bits = 48_000, 2, 16
    packed = (rate << 44) | ((channels - 1) << 41) | ((bits - 1) << 36) | samples
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + bytes([0x80, 0, 0, len(info)]) + info + bytes(53)


def wav_that_claims(size: int) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", size)
        + bytes(200)
    )


CLAIMS = {
    "a FLAC of 2**36 samples": flac_that_claims(2**36 - 1),
    "a WAV of 4 GiB": wav_that_claims(2**32 - 1),
    "an AU of 4 GiB": b".snd" + struct.pack(">IIIII", 24, 2**32 - 2, 6, 24_000, 2) + bytes(80),
    "an MP3 frame alone": b"\xff\xfb\x90\x00" + b"Xing" + struct.pack(">II", 1, 2**32 - 1) + bytes(90),
}


@pytest.mark.parametrize("content", CLAIMS.values(), ids=CLAIMS)
def test_a_header_alone_takes_no_memory(tmp_path, content):
    path = tmp_path / "claim.flac"
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        assert read_audio(path).samples.numel() < 10_000
    except AudioError as error:
        assert "\n" not in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize("length", [1, 2**18 - 1, 2**18, 2**18 + 1, 600_000])
def test_a_file_is_read_whole_in_blocks(tmp_path, length):
    samples = np.random.default_rng(length).uniform(-0.9, 0.9, (length, 2)).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", samples, 24_000, subtype="FLOAT")
    read = read_audio(tmp_path / "x.wav")
    assert read.sample_rate == 24_000 and np.array_equal(read.samples[0].numpy(), samples.T)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "missing.wav", "~nobody/x.wav", ""])
def test_a_name_that_is_no_file_is_one_sentence(tmp_path, name):
    with pytest.raises(AudioError):
        read_audio(tmp_path / name)
