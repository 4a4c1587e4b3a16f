"""Words in time: the written words of a text with their places in its speech (docs/spec/control.md#words-in-time).

The word alignment says which tokens speak a word, the length regulator where these tokens lie in the mel, and the hop
where that is in the audio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...contracts import (
    Emotion,
    PreparedText,
    Segment,
    SemanticSpeech,
    Speaker,
    SpokenWord,
    SpokenWords,
    pause_samples,
)
from ...models.length_regulator import Span
from ...text.annotations import ANNOTATION
from ...text.tags import without_tags
from ..duration import Clock
from ..handles import T2SModels
from .word_alignment import WordAlignment, word_alignments

_ALONE = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"  # characters that are words of their own, without blanks
_WORD = re.compile(rf"(?:{ANNOTATION.pattern})[^\w\s]*|{_ALONE}[^\w\s]*|(?:(?!{_ALONE})\S)+")


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A written word and the tokens of its segment that speak it: from `first` up to `end`."""

    text: str
    first: int
    end: int
    place: int  # character at which it begins in the text as given


def written_words(text: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """(word, first character, end) of what is written in a part of a text; marks alone belong to the word before."""
    found: list[tuple[str, int, int]] = []
    for match in _WORD.finditer(text, start, end):
        shown = ANNOTATION.sub(r"\1", match.group())
        if found and not any(character.isalnum() for character in shown):
            word, first, last = found.pop()
            found.append((word + (" " if match.start() > last else "") + shown, first, match.end()))
        else:
            found.append((shown, *match.span()))
    return found


def token_words(text: PreparedText, segment: Segment, alignment: WordAlignment) -> tuple[TokenWord, ...]:
    """The written words of a segment that tokens speak, in order; the whole of it where its pieces have no places."""
    if not segment.origins:
        return (TokenWord(segment.text, 0, len(alignment.pieces), segment.start),)
    result = []
    for word, first, end in written_words(without_tags(text.original), segment.start, segment.end):
        own = [piece for piece, origin in enumerate(segment.origins) if first <= origin < end]
        if own:
            tokens = [int((alignment.pieces < piece).sum()) for piece in (own[0], own[-1] + 1)]
            result.append(TokenWord(word, tokens[0], tokens[1], first))
    return tuple(result)


def spans_of(semantic: SemanticSpeech, row: int, clock: Clock) -> tuple[Span, ...]:
    """(tokens, frames) of the parts of a row in the mel that semantic-to-mel will make of it."""
    tokens = int(semantic.token_lengths[row])
    return semantic.spans_of(row) or ((tokens, int(semantic.frame_targets[row]) or clock.natural_frames(tokens)),)


def frame_at(spans: Sequence[Span], token: int) -> float:
    """The frame at which a token begins."""
    frame = 0.0
    for tokens, frames in spans:
        if token <= tokens:
            return frame + frames * token / tokens
        token, frame = token - tokens, frame + frames
    return frame


def row_samples(semantic: SemanticSpeech, row: int, clock: Clock) -> int:
    """Samples of a row in the audio, without its pause."""
    frames = sum(count for _, count in spans_of(semantic, row, clock))
    return int(semantic.sample_targets[row]) or frames * clock.hop


@dataclass(frozen=True, slots=True)
class FrameWord:
    """A written word with its place in the mel of its segment, in frames."""

    text: str
    first: float
    end: float
    place: int  # character at which it begins in the text as given


def words_in_mel(
    t2s: T2SModels, text: PreparedText, semantic: SemanticSpeech, speaker: Speaker, emotion: Emotion | None = None
) -> list[tuple[FrameWord, ...]]:
    """The words of each segment of a text that `text_to_semantic` spoke, at the lengths asked of semantic-to-mel.

    Runs the model once more over finished tokens. Raises InputError for a text that was not spoken, CheckpointMismatch.
    """
    clock = Clock.of(t2s.config)
    rows = []
    for row, alignment in enumerate(word_alignments(t2s, text, semantic, speaker, emotion)):
        spans = spans_of(semantic, row, clock)
        rows.append(
            tuple(
                FrameWord(word.text, frame_at(spans, word.first), frame_at(spans, word.end), word.place)
                for word in token_words(text, text.segments[row], alignment)
            )
        )
    return rows


def asked_starts(text: PreparedText, rows: Sequence[Sequence[FrameWord]], sample_rate: int) -> list[list[int | None]]:
    """The sample at which each word was asked to begin, None where it was free; rows as those of `words_in_mel`."""
    anchors = [one for one in text.anchors if one.kind == "at"]
    found: list[list[int | None]] = []
    for row in rows:
        found.append([])
        for word in row:
            asked = None
            while anchors and anchors[0].place <= word.place:
                asked = round(anchors.pop(0).seconds * sample_rate)
            found[-1].append(asked)
    return found


def words_in_time(
    t2s: T2SModels, text: PreparedText, semantic: SemanticSpeech, speaker: Speaker, emotion: Emotion | None = None
) -> SpokenWords:
    """`words_in_mel` in the samples of the audio that mel-to-audio will make."""
    clock = Clock.of(t2s.config)
    words: list[SpokenWord] = []
    begin = pause_samples(semantic.lead_seconds, clock.sample_rate)
    rows = words_in_mel(t2s, text, semantic, speaker, emotion)
    for row, (own, asked) in enumerate(zip(rows, asked_starts(text, rows, clock.sample_rate), strict=True)):
        length = row_samples(semantic, row, clock)
        for word, wanted in zip(own, asked, strict=True):
            start, end = (begin + min(length, round(frame * clock.hop)) for frame in (word.first, word.end))
            words.append(SpokenWord(word.text, start, end, row, asked=wanted))
        begin += length + pause_samples(semantic.pauses[row], clock.sample_rate)
    return SpokenWords(tuple(words), clock.sample_rate, begin)
