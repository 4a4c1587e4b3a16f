"""The audio of a line: its rows through the vocoder, joined with their pauses, and its words where they are heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..contracts import MelSpectrogram, PreparedText, Progress, Shift, SpokenWord, SpokenWords, pause_samples
from ..stages.duration import Clock
from ..stages.handles import VocoderModels
from ..stages.mel_to_audio import mel_to_audio
from ..stages.t2s.spoken_words import FrameWord, asked_starts
from ..stages.word_borders import snapped_words
from ..stages.words_on_time import moved_words, on_time
from .clean import (
    CleanSettings,
    clean_frames,
    clean_mel,
    finished_row,
    joined_rows,
    joined_without_pause,
    levelled,
    row_starts,
)


@dataclass(frozen=True, slots=True)
class LineAudio:
    """Audio of a line with the way from its mel to it."""

    samples: Tensor  # (samples,) float32 on the CPU
    kept: tuple[Tensor, ...]  # per row, the frames of its mel that are left
    starts: tuple[int, ...]  # per row, the sample at which it begins before sounds were moved
    shifts: tuple[Shift, ...]  # of sounds, to the times of their words


def line_audio(vocoder: VocoderModels, mel: MelSpectrogram, clean: CleanSettings, progress: Progress) -> LineAudio:
    """Rows through the vocoder one by one, cleaned and joined; with words at given times nothing is faded together."""
    if mel.starts_at or mel.ends_by:
        clean = replace(clean, joins=False)
    kept = clean_frames(mel, clean)
    mel = clean_mel(mel, kept)
    rows: list[Tensor] = []
    for row, count in enumerate(mel.frame_lengths.tolist()):
        one = replace(
            mel,
            mel=mel.mel[row : row + 1, :, :count],
            frame_lengths=mel.frame_lengths[row : row + 1],
            sample_targets=torch.zeros_like(mel.sample_targets[row : row + 1]),
            pauses=(0.0,),
            reports=(),
            texts=(),
            lead_seconds=0.0,
            starts_at=(),
            ends_by=(),
        )
        made = mel_to_audio(vocoder, one, progress=progress).waveform.samples[0, 0].cpu()
        apart = [not joined_without_pause(mel.pauses, at, mel.sample_rate, clean) for at in (row - 1, row)]
        target = int(mel.sample_targets[row])
        rows.append(finished_row(made, target, mel.sample_rate, clean, first=apart[0], last=apart[1]))
    lead = pause_samples(mel.lead_seconds, mel.sample_rate)
    joined = joined_rows(rows, mel.pauses, mel.sample_rate, clean)
    joined, shifts = on_time(torch.nn.functional.pad(joined, (lead, 0)), mel.sample_rate, mel.starts_at, mel.ends_by)
    starts = row_starts(rows, mel.pauses, mel.sample_rate, clean)
    return LineAudio(levelled(joined, mel.sample_rate, clean), kept, tuple(lead + start for start in starts), shifts)


def line_words(
    text: PreparedText, rows: Sequence[Sequence[FrameWord]], audio: LineAudio, clock: Clock
) -> tuple[SpokenWord, ...]:
    """The words of a line in the samples of its audio. rows: those of `words_in_mel`."""
    found = []
    asked = asked_starts(text, rows, clock.sample_rate)
    for index, (own, kept, begin) in enumerate(zip(rows, audio.kept, audio.starts, strict=True)):
        for word, wanted in zip(own, asked[index], strict=True):
            start, end = (
                min(audio.samples.shape[0], begin + int((kept < frame).sum()) * clock.hop)
                for frame in (word.first, word.end)
            )
            found.append(SpokenWord(word.text, start, end, index, asked=wanted))
    words = SpokenWords(tuple(found), clock.sample_rate, audio.samples.shape[0])
    return snapped_words(moved_words(words, audio.shifts), audio.samples).words
