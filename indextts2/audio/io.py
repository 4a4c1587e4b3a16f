"""Audio files to and from `Waveform`, through soundfile."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..atomic import write_bytes
from ..contracts import Waveform
from ..errors import AudioError
from ..foreign import shown
from .resample import resample_sinc

BLOCK = 2**18  # samples read or written at once; the encoders of Ogg take no hour in one piece
MOST_VALUES = 2**30  # samples of all channels: six hours of mono at 48 kHz, 4 GiB


def read_audio(path: str | Path) -> Waveform:
    """Read a file of any format libsndfile knows. samples: (1, channels, samples).

    Raises AudioError when the file is missing, empty or not audio.
    """
    import soundfile

    source = Path(path)
    if not os.path.isfile(source):  # which, unlike Path, takes names of any length
        raise AudioError(f"There is no audio file at {shown(str(source), 200)}. Check the path.")
    try:
        with soundfile.SoundFile(source) as file:
            samples, sample_rate = _blocks(source, file), file.samplerate
    except (soundfile.SoundFileError, OSError, ValueError, MemoryError) as error:
        raise AudioError(f"{source} cannot be read as audio ({error}). Convert it to WAV, FLAC, OGG or MP3.") from error
    if samples.shape[0] == 0:
        raise AudioError(f"{source} holds no samples. Use another file.")
    return Waveform(torch.from_numpy(samples.T.copy())[None], int(sample_rate))


def _blocks(source: Path, file: Any) -> Any:
    """All samples of an open file, (samples, channels) float32: as many as it has, whatever its header claims."""
    import numpy as np

    most = MOST_VALUES // max(1, file.channels)
    blocks: list[Any] = []
    count = 0
    while (block := file.read(BLOCK, dtype="float32", always_2d=True)).shape[0]:
        count += block.shape[0]
        if count > most:
            raise AudioError(f"{source} is longer than {most / file.samplerate / 3600:.0f} hours. Cut it into pieces.")
        blocks.append(block)
    return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.float32)


def write_wav(path: str | Path, waveform: Waveform) -> None:
    """Write 16-bit PCM; samples beyond [-1, 1] are clipped. Takes one item: samples (1, channels, samples).

    Raises AudioError for a batch, and when the file cannot be written.
    """
    _write(path, waveform, AudioFormat("WAV", "PCM_16"))


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """A kind of audio file, in the words of libsndfile. sample_rate: the only one it takes; None for any usual one."""

    container: str
    coding: str
    sample_rate: int | None = None


FORMATS: dict[str, AudioFormat] = {
    ".wav": AudioFormat("WAV", "PCM_16"),
    ".flac": AudioFormat("FLAC", "PCM_16"),
    ".ogg": AudioFormat("OGG", "VORBIS"),
    ".opus": AudioFormat("OGG", "OPUS", 48_000),
    ".mp3": AudioFormat("MP3", "MPEG_LAYER_III"),
}
"""Audio formats by the suffix of a file."""


def format_of(path: str | Path) -> AudioFormat:
    """The kind of file that a suffix asks for; a name without one is a WAV. Raises AudioError for one not written."""
    suffix = Path(path).suffix.lower()
    if suffix and suffix not in FORMATS:
        raise AudioError(f"Audio is written as {', '.join(FORMATS)}, but got '{suffix}'. Choose one of these suffixes.")
    import soundfile

    wanted = FORMATS[suffix or ".wav"]
    if not soundfile.check_format(wanted.container, wanted.coding):
        raise AudioError(f"The libsndfile of this machine does not write {suffix}. Update soundfile, or write .wav.")
    return wanted


def write_audio(path: str | Path, waveform: Waveform) -> None:
    """Write what the suffix says: WAV, FLAC, Ogg Vorbis, Opus (at 48 kHz) or MP3. Takes one item.

    Raises AudioError for another suffix, for a batch, and when the file cannot be written.
    """
    wanted = format_of(path)
    if wanted.sample_rate not in (None, waveform.sample_rate):
        samples = resample_sinc(waveform.samples[0].detach().cpu().float(), waveform.sample_rate, wanted.sample_rate)
        waveform = Waveform(samples[None], wanted.sample_rate)
    _write(path, waveform, wanted)


def _write(path: str | Path, waveform: Waveform, wanted: AudioFormat) -> None:
    import soundfile

    if waveform.samples.shape[0] != 1:
        raise AudioError(
            f"A file holds one item, but got a batch of {waveform.samples.shape[0]}. Write them one by one."
        )
    samples = waveform.samples[0].detach().to("cpu", torch.float32).clamp(-1.0, 1.0).T.numpy()
    content = io.BytesIO()  # libsndfile does not say that a disk is full
    try:
        with soundfile.SoundFile(
            content, "w", waveform.sample_rate, samples.shape[1], format=wanted.container, subtype=wanted.coding
        ) as file:
            for begin in range(0, samples.shape[0], BLOCK):
                file.write(samples[begin : begin + BLOCK])
    except (soundfile.SoundFileError, ValueError) as error:
        raise AudioError(f"{path} cannot be written ({error}). Write another format, or another rate.") from error
    write_bytes(path, content.getvalue(), AudioError)


PCM_SCALE = 32_768  # of 16-bit samples; libsndfile rounds down
UNKNOWN_LENGTH = 0xFFFFFFFF  # of a WAV that is still being written


def pcm_bytes(samples: torch.Tensor) -> bytes:
    """16-bit little-endian PCM of (samples,) float32; samples beyond [-1, 1] are clipped."""
    scaled = samples.detach().to("cpu", torch.float32).mul(PCM_SCALE).floor()
    return scaled.clamp(-PCM_SCALE, PCM_SCALE - 1).to(torch.int16).numpy().astype("<i2").tobytes()


def wav_header(sample_rate: int) -> bytes:
    """The head of a WAV of one 16-bit channel whose length is not known yet; players read such a one to its end."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", UNKNOWN_LENGTH, b"WAVE") + form + struct.pack("<4sI", b"data", UNKNOWN_LENGTH)
