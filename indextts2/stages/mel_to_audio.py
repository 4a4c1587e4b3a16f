"""Mel to audio: the vocoder, chunk by chunk, with exact lengths and pauses (docs/spec/s2m.md#output-and-pauses)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..checks import check_finite
from ..contracts import DurationReport, MelSpectrogram, Progress, Speech, Waveform, no_progress, pause_samples
from ..errors import InputError
from ..surroundings import with_torch_defaults
from .handles import VocoderModels
from .words_on_time import on_time

CHUNK_FRAMES = 512  # bounds the memory of long audio, and the time until Cancel is seen
WINDOW_STEP = 32  # longer rows are decoded in windows of a multiple of this, see `chunk_windows`
FADE_SECONDS = 0.010  # at the end of a row that was cut, so that it does not click


@with_torch_defaults
def mel_to_audio(
    vocoder: VocoderModels, mel: MelSpectrogram, *, progress: Progress = no_progress, chunk_frames: int = CHUNK_FRAMES
) -> Speech:
    """Turn every row into audio of exactly its sample target, and join the rows with their pauses.

    The result does not depend on chunk_frames: each chunk is decoded with the frames around it that it hears.
    Words that were asked to begin at a time are moved to it (`words_on_time.py`), which Speech.shifts tells.
    Raises InputError for a mel of another kind than the vocoder's, or one that is not finite.
    """
    _check(vocoder, mel)
    context = vocoder.model.context_frames()
    plan = [chunk_windows(int(count), chunk_frames, context) for count in mel.frame_lengths]
    total = sum(len(windows) for windows in plan)
    done = 0
    pieces: list[Tensor] = [mel.mel.new_zeros(pause_samples(mel.lead_seconds, mel.sample_rate))]
    counts: list[int] = []
    progress(0, total)
    for row, windows in enumerate(plan):
        chunks = []
        for window in windows:
            chunks.append(_decode_chunk(vocoder, mel.mel[row], window))
            done += 1
            progress(done, total)
        target = int(mel.sample_targets[row])
        audio = fit_samples(torch.cat(chunks), target, mel.sample_rate) if target else torch.cat(chunks)
        counts.append(audio.shape[0])
        pieces += [audio, audio.new_zeros(pause_samples(mel.pauses[row], mel.sample_rate))]
    samples = torch.cat([piece.to(pieces[-1]) for piece in pieces])
    samples, shifts = on_time(samples, mel.sample_rate, mel.starts_at, mel.ends_by)
    reports = _with_sample_counts(mel.reports, counts, samples.shape[0])
    return Speech(Waveform(samples.view(1, 1, -1).to(mel.mel.device), mel.sample_rate), reports, shifts=shifts)


def audio_windows(
    vocoder: VocoderModels, mel: MelSpectrogram, row: int, *, chunk_frames: int = CHUNK_FRAMES
) -> Iterator[Tensor]:
    """The audio of one row as `mel_to_audio` makes it, (samples,) at a time: each window when it is finished, or the
    whole where the row has a sample target, which cuts or fills its end.
    """
    _check(vocoder, mel)
    windows = chunk_windows(int(mel.frame_lengths[row]), chunk_frames, vocoder.model.context_frames())
    chunks = (_decode_chunk(vocoder, mel.mel[row], window) for window in windows)
    target = int(mel.sample_targets[row])
    if target:
        yield fit_samples(torch.cat(list(chunks)), target, mel.sample_rate)
    else:
        yield from chunks


class ChunkWindow(NamedTuple):
    """Frames `start` to `end` of a row are kept of what is decoded from `first` to `last`."""

    start: int
    end: int
    first: int
    last: int


def chunk_windows(frame_count: int, chunk_frames: int, context: int) -> list[ChunkWindow]:
    """Cut a row into even chunks of at most chunk_frames, each with `context` frames or more around it where there are
    any. What fits into one chunk is not cut.

    All windows of a row are equally long, and few lengths occur over many long rows: on a CPU every new length leaves
    kernels and gaps in memory behind. The shorter a row, the less.
    """
    if frame_count <= chunk_frames:
        return [ChunkWindow(0, frame_count, 0, frame_count)]
    count = max(2, math.ceil(frame_count / chunk_frames))
    share = math.ceil(frame_count / count)
    sides = 1 if count == 2 else 2  # chunks at the ends have neighbours on one side only
    width = min(frame_count, WINDOW_STEP * math.ceil((share + sides * context) / WINDOW_STEP))
    windows = []
    for start in range(0, frame_count, share):
        first = min(max(0, start - context), frame_count - width)
        windows.append(ChunkWindow(start, min(start + share, frame_count), first, first + width))
    return windows


def fit_samples(audio: Tensor, sample_count: int, sample_rate: int) -> Tensor:
    """Pad with silence, or cut and fade out, to an exact number of samples.

    audio: (samples,)  ->  (sample_count,)
    """
    missing = sample_count - audio.shape[0]
    if missing >= 0:
        return torch.nn.functional.pad(audio, (0, missing))
    fade = min(sample_count, round(FADE_SECONDS * sample_rate))
    cut = audio[:sample_count].clone()
    if fade:
        cut[-fade:] *= torch.linspace(1.0, 0.0, fade, device=audio.device)
    return cut


def _check(vocoder: VocoderModels, mel: MelSpectrogram) -> None:
    bands = vocoder.model.config.bands
    if mel.mel.shape[1] != bands:
        raise InputError(
            f"This vocoder reads {bands} mel bands, but the mel has {mel.mel.shape[1]}. "
            "Use the vocoder of the checkpoint that made the mel."
        )
    if (mel.sample_rate, mel.hop) != (vocoder.mel.sample_rate, vocoder.model.hop):
        raise InputError(
            f"This vocoder makes {vocoder.model.hop} samples per frame at {vocoder.mel.sample_rate} Hz, but the "
            f"mel was made for {mel.sample_rate} Hz and {mel.hop}. Use the vocoder of the checkpoint that made the mel."
        )
    rows, _, frames = mel.mel.shape
    if rows == 0 or int(mel.frame_lengths.min()) < 1 or int(mel.frame_lengths.max()) > frames:
        raise InputError(
            f"Every row of a mel of {frames} frames should have between 1 and {frames} valid ones, but the lengths are "
            f"{mel.frame_lengths.tolist()}."
        )
    if len(mel.pauses) != rows:
        raise InputError(f"The mel has {rows} rows, but {len(mel.pauses)} pauses.")
    check_finite("MelSpectrogram.mel", mel.mel)


@torch.no_grad()
def _decode_chunk(vocoder: VocoderModels, row: Tensor, window: ChunkWindow) -> Tensor:
    """row: (bands, frames)  ->  (samples of the chunk,) float32"""
    model = vocoder.model
    part = vocoder.place(row[:, window.first : window.last].unsqueeze(0))
    audio = model(part)[0, 0].float().clamp(-1.0, 1.0)
    return audio[(window.start - window.first) * model.hop : (window.end - window.first) * model.hop]


def _with_sample_counts(
    reports: Sequence[DurationReport], counts: Sequence[int], total: int
) -> tuple[DurationReport, ...]:
    """Reports of single rows come first; one that follows them speaks of the whole."""
    return tuple(
        replace(report, sample_count=counts[place] if place < len(counts) else total)
        for place, report in enumerate(reports)
    )
