"""Audio files to and from `Waveform`, through soundfile."""

from __future__ import annotations

from pathlib import Path

import torch

from ..contracts import Waveform
from ..errors import AudioError


def read_audio(path: str | Path) -> Waveform:
    """Read a file of any format libsndfile knows. samples: (1, channels, samples).

    Raises AudioError when the file is missing, empty or not audio.
    """
    import soundfile

    source = Path(path)
    if not source.is_file():
        raise AudioError(f"There is no audio file at {source}. Check the path.")
    try:
        samples, sample_rate = soundfile.read(source, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise AudioError(f"{source} cannot be read as audio ({error}). Convert it to WAV, FLAC, OGG or MP3.") from error
    if samples.shape[0] == 0:
        raise AudioError(f"{source} holds no samples. Use another file.")
    return Waveform(torch.from_numpy(samples.T.copy())[None], int(sample_rate))


def write_wav(path: str | Path, waveform: Waveform) -> None:
    """Write 16-bit PCM; samples beyond [-1, 1] are clipped. Takes one item: samples (1, channels, samples).

    Raises AudioError for a batch, and when the file cannot be written.
    """
    import soundfile

    if waveform.samples.shape[0] != 1:
        raise AudioError(
            f"A file holds one item, but got a batch of {waveform.samples.shape[0]}. Write them one by one."
        )
    samples = waveform.samples[0].detach().to("cpu", torch.float32).clamp(-1.0, 1.0)
    try:
        soundfile.write(Path(path), samples.T.numpy(), waveform.sample_rate, format="WAV", subtype="PCM_16")
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path} cannot be written ({error}). Check the folder and its permissions.") from error
