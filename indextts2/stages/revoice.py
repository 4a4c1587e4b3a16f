"""Recordings taken into the middle of the chain: as semantic tokens to be spoken by someone else, or as a mel.

A long recording becomes several rows, cut where it is quietest, so that no row is longer than the models are used to.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..audio.fbank import FBANK
from ..audio.mel import log_mel
from ..audio.resample import resample_soxr
from ..checks import check_finite
from ..config import MelConfig
from ..contracts import DurationReport, MelSpectrogram, Progress, SemanticSpeech, Waveform, concatenated, no_progress
from ..errors import AudioError, InputError
from ..surroundings import with_torch_defaults
from .duration import split_evenly
from .handles import EncoderModels
from .reference import MINIMUM_SECONDS, semantic_features

ROW_SECONDS = 15.0  # longest row: what the released encoder reads of a reference
SEARCH_SHARE = 0.3  # the cut lies in the last part of a row
QUIET_SECONDS = 0.05  # loudness is compared in steps of this length
LEAST_ROW_SECONDS = MINIMUM_SECONDS / (1.0 - SEARCH_SHARE)  # so that a row cut at its earliest can still be encoded


@torch.no_grad()
@with_torch_defaults
def audio_to_semantic(
    encoder: EncoderModels,
    waveform: Waveform,
    *,
    row_seconds: float = ROW_SECONDS,
    keep_length: bool = True,
    progress: Progress = no_progress,
) -> SemanticSpeech:
    """Semantic tokens of a recording: what is said, when, and how, without who says it; on the waveform's device.

    There is no latent, which only text-to-semantic makes. keep_length: semantic-to-mel makes exactly the recording's
    samples; otherwise each token gets its natural length. Raises AudioError for audio that cannot be read.
    """
    home = waveform.samples.device
    mono = _checked(waveform)
    rows = cut_where_quiet(mono, waveform.sample_rate, row_seconds)
    mel = encoder.config.mel
    tokens, reports, samples = [], [], []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        at_fbank_rate = resample_soxr(row, waveform.sample_rate, FBANK.sample_rate).to(encoder.device)
        features = semantic_features(encoder, at_fbank_rate)
        found, _ = encoder.codec.quantize(encoder.place(features, encoder.codec))
        tokens.append(found.to(home))
        samples.append(round(row.shape[-1] * mel.sample_rate / waveform.sample_rate))
        reports.append(DurationReport("as recorded", "recorded", None, found.shape[1], sample_target=samples[-1]))
    progress(len(rows), len(rows))
    targets = torch.tensor(samples if keep_length else [0] * len(rows), device=home)
    return SemanticSpeech(
        tokens=concatenated(tokens, 0),
        token_lengths=torch.tensor([row.shape[1] for row in tokens], device=home),
        latent=None,
        frame_targets=torch.div(targets + mel.hop - 1, mel.hop, rounding_mode="floor"),
        sample_targets=targets,
        pauses=(0.0,) * len(rows),
        reports=tuple(reports),
        texts=("recording",) * len(rows),
        encoder_fingerprint=encoder.fingerprint,
        downsample=encoder.config.codec.downsample if encoder.config.codec.downsample > 1 else None,
    )


def cut_where_quiet(mono: Tensor, sample_rate: int, row_seconds: float) -> list[Tensor]:
    """Pieces of at most `row_seconds`, cut at the quietest place near the end of each. mono: (1, samples).

    Raises InputError for rows too short to be encoded.
    """
    longest, step = round(row_seconds * sample_rate), max(1, round(QUIET_SECONDS * sample_rate))
    if row_seconds < LEAST_ROW_SECONDS:
        raise InputError(f"A row should last at least {LEAST_ROW_SECONDS:.2f} s, but {row_seconds:g} s were asked.")
    rows = []
    while mono.shape[-1] > longest:
        first = round(longest * (1.0 - SEARCH_SHARE))
        window = mono[0, first:longest]
        steps = window[: window.shape[0] // step * step].view(-1, step).square().mean(dim=-1)
        cut = first + int(steps.argmin()) * step + step // 2
        rows.append(mono[:, :cut])
        mono = mono[:, cut:]
    least = round(MINIMUM_SECONDS * sample_rate)
    if rows and mono.shape[-1] < least:  # a rest too short to be encoded joins the row before it
        mono = torch.cat([rows.pop(), mono], dim=-1)
    return [*rows, mono]


@torch.no_grad()
@with_torch_defaults
def mel_from_audio(mel: MelConfig, waveform: Waveform) -> MelSpectrogram:
    """The log-mel of a recording, one row per item of its batch, on the waveform's device.

    The vocoder gives back exactly the samples of the recording at the mel's rate. Raises AudioError.
    """
    rows, targets = [], []
    for item in range(waveform.samples.shape[0]):
        mono = _checked(replace(waveform, samples=waveform.samples[item : item + 1]))
        at_rate = resample_soxr(mono, waveform.sample_rate, mel.sample_rate)
        rows.append(log_mel(at_rate, mel))
        targets.append(at_rate.shape[-1])
    home = waveform.samples.device
    silence = float(torch.tensor(mel.floor).log())
    return MelSpectrogram(
        mel=concatenated(rows, silence).to(home),
        frame_lengths=torch.tensor([row.shape[-1] for row in rows], device=home),
        sample_targets=torch.tensor(targets, device=home),
        pauses=(0.0,) * len(rows),
        sample_rate=mel.sample_rate,
        hop=mel.hop,
        texts=("recording",) * len(rows),
    )


def with_frame_count(semantic: SemanticSpeech, frame_count: int, hop: int) -> SemanticSpeech:
    """The same speech asked to last `frame_count` frames in all, pauses not counted; rows share by their tokens."""
    lengths = [float(max(1, int(count))) for count in semantic.token_lengths]
    frames = torch.tensor(split_evenly(frame_count, lengths), device=semantic.tokens.device)
    return replace(semantic, frame_targets=frames, sample_targets=frames * hop, spans=None, starts_at=(), ends_by=())


def _checked(waveform: Waveform) -> Tensor:
    """(1, samples) float32. Raises AudioError."""
    samples = waveform.samples
    if samples.shape[0] != 1:
        raise AudioError(f"The audio should be one recording, but got a batch of {samples.shape[0]}. Pick one.")
    if samples.shape[1] == 0 or waveform.seconds < MINIMUM_SECONDS:
        raise AudioError(f"The audio lasts {waveform.seconds:.2f} s; at least {MINIMUM_SECONDS:.2f} s are needed.")
    mono = waveform.mono
    check_finite("The audio", mono)
    return mono
