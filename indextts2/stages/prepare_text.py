"""Text -> segments of text token ids, with inline tags, pauses and a report of what was done to the text."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..config import MelConfig
from ..contracts import Anchor, Duration, EmotionWeights, PreparedText, Segment, pause_samples
from ..errors import InputError, TextError, shortened
from ..text.front_end import FrontEnd
from ..text.glossary import check_glossary
from ..text.normalise import Glossary
from ..text.pace import DEFAULT_PACE, Pace
from ..text.pieces import TextPieces
from ..text.tags import ANCHORS, TagSpan, find_tags, without_tags
from .duration import describe, split_evenly

Pauses = float | Mapping[str, float]
"""Seconds between segments: one number, or seconds by the character a segment ends with; "" stands for all others."""

_NOT_BLANK = re.compile(r"\S")
_BLANKS = re.compile(r"\s+")
_PAUSE_FIRST = "A pause before the first word is left out; silence is only put behind words."
_SHOWN = 120  # characters of a segment shown in a report
NEAR_BOUND = (0.5, 1.6)
"""A segment is spoken to the time at which it has to end where that is so near to its usual length."""

OFFICIAL_MEL = MelConfig()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Text between two tags, with what the tags say about it."""

    start: int
    end: int
    emotion_weights: EmotionWeights | None
    duration: Duration | None
    pause_seconds: float | None = None  # silence asked for after it; None for the usual


def prepare_text(
    front_end: FrontEnd,
    text: str,
    *,
    segment_tokens: int | None = None,
    first_segment_tokens: int | None = None,
    pause_seconds: Pauses | None = None,
    glossary: Glossary | None = None,
    tags: bool = True,
    language: str = "",
    mel: MelConfig = OFFICIAL_MEL,
    pace: Pace | None = None,
) -> PreparedText:
    """Normalise, split and encode a text.

    segment_tokens: longest segment; first_segment_tokens: the same of the first one, where speech is to begin soon;
    pause_seconds: silence between segments, or a table of them; None takes each from the checkpoint's configuration.
    tags: False reads inline tags (`text/tags.py`) as ordinary text. language: a tag such as en or zh, which says how
    numbers are read; "" is seen in the text. mel: the clock of the lengths in tags.
    pace: how fast the checkpoint speaks, for words at given times; None is the default of all checkpoints.
    Segments get the slice of the text they come from, and its position.

    Raises TextError when nothing can be spoken, or a reading of the glossary is too long.
    """
    for limit in (segment_tokens, first_segment_tokens):
        if limit is not None and limit < 1:
            raise InputError(f"A segment should hold at least 1 text token, but {limit} were asked.")
    if not text.strip():
        raise TextError("The text is empty. Write at least one word.")
    check_glossary(glossary or {})
    given = text
    found, tag_warnings = find_tags(text) if tags else ([], ())
    anchors = tuple(Anchor(tag.kind, tag.start, tag.values[0]) for tag in found if tag.kind in ANCHORS)
    if anchors:
        text, found = without_tags(text, ANCHORS), [tag for tag in found if tag.kind not in ANCHORS]
    stretches, more_warnings = _stretches(text, found)
    warnings = [*tag_warnings, *more_warnings]
    usual = front_end.config.pause_seconds if pause_seconds is None else pause_seconds
    segments: list[Segment] = []
    normalised: list[str] = []
    ends_with_pause = False
    for stretch in stretches:
        prepared = front_end.pieces(text[stretch.start : stretch.end], glossary, language=language)
        warnings += prepared.warnings
        normalised.append(prepared.normalised.strip())
        first = None if segments else first_segment_tokens
        spoken = _segments(front_end, text, stretch, prepared, segment_tokens, first)
        segments += spoken
        ends_with_pause = stretch.pause_seconds is not None or (ends_with_pause and not spoken)
        warnings += _pause(segments, len(spoken), stretch, usual)
        warnings += _length(segments, len(spoken), stretch.duration, mel)
    if not segments:
        reasons = "; ".join(dict.fromkeys(warnings)) or "it holds no words"
        raise TextError(
            f"Nothing in the text can be spoken: {reasons}. Write at least one word in a language of this checkpoint."
        )
    if not ends_with_pause:
        segments[-1] = replace(segments[-1], pause_seconds=0.0)
    segments = with_anchored_lengths(segments, anchors, pace or DEFAULT_PACE)
    return PreparedText(
        original=given,
        normalised=" ".join(part for part in normalised if part),
        segments=tuple(segments),
        warnings=tuple(dict.fromkeys(warnings)),
        tokenizer_fingerprint=front_end.fingerprint,
        anchors=anchors,
    )


def with_anchored_lengths(segments: Sequence[Segment], anchors: Sequence[Anchor], pace: Pace) -> list[Segment]:
    """Segments that T2S is asked to speak so long that their words can begin at their times; a guess until it has
    spoken.
    """
    result, begin = list(segments), 0.0
    for index, segment in enumerate(segments):
        first = next((origin for origin in segment.origins if origin >= 0), segment.start)
        own = [one for one in anchors_of(segments, anchors, index) if one.kind == "at"]
        if own and own[0].place <= first:
            begin = own.pop(0).seconds
        length = pace.seconds_of(segment.spoken or segment.text)
        of_a_piece = length / max(1, len(segment.ids))
        bound = next((one.seconds - begin for one in anchors_of(segments, anchors, index) if one.kind == "by"), 0.0)
        if not own and segment.duration is None and NEAR_BOUND[0] * length < bound < NEAR_BOUND[1] * length:
            length = bound
            result[index] = replace(segment, duration=Duration("seconds", length))
        elif own and segment.duration is None:
            rest = sum(origin >= own[-1].place for origin in segment.origins)
            length = max(of_a_piece, own[-1].seconds - begin) + rest * of_a_piece
            result[index] = replace(segment, duration=Duration("seconds", length))
        begin += length + segment.pause_seconds
    return result


def anchors_of(segments: Sequence[Segment], anchors: Sequence[Anchor], index: int) -> list[Anchor]:
    """The anchors of a segment: an "at" stands before one of its words, a "by" behind one."""
    start, end = segments[index].start, segments[index].end
    before = segments[index - 1].end if index else 0
    after = segments[index + 1].start if index + 1 < len(segments) else None
    return [
        one
        for one in anchors
        if (
            before <= one.place < end
            if one.kind == "at"
            else start <= one.place and (after is None or one.place <= after)
        )
    ]


def report(prepared: PreparedText) -> str:
    """Report of the front end, for a user: every segment as written and as spoken, then the warnings."""
    count = len(prepared.segments)
    lines = [f"{count} segment{'' if count == 1 else 's'}, {prepared.token_count} text tokens"]
    for number, segment in enumerate(prepared.segments, start=1):
        shown = shortened(segment.text, _SHOWN)
        notes = [f"{len(segment.ids)} tokens"]
        if segment.emotion_weights is not None:
            notes.append("emotion " + _emotion_in_words(segment.emotion_weights))
        if segment.duration is not None:
            notes.append(f"length {segment.duration.value:g} {segment.duration.unit}")
        if segment.pause_seconds:
            notes.append(f"then {segment.pause_seconds:.2f} s of silence")
        lines.append(f"{number}. {shown} ({', '.join(notes)})")
        lines.append(f"   Spoken: {segment.spoken}")
    return "\n".join([*lines, *(f"Note: {warning}" for warning in prepared.warnings)])


def _emotion_in_words(weights: EmotionWeights) -> str:
    named = [f"{name} {value:.2g}" for name, value in weights.named() if value > 0.0]
    return ", ".join(named) or "neutral"


def _stretches(text: str, tags: Sequence[TagSpan]) -> tuple[list[_Stretch], tuple[str, ...]]:
    """Cut the text at its tags; stretches of blanks are left out."""
    stretches: list[_Stretch] = []
    warnings: list[str] = []
    weights: EmotionWeights | None = None
    speed: Duration | None = None
    length: Duration | None = None
    position = 0
    for tag in [*tags, None]:
        end = tag.start if tag else len(text)
        if _NOT_BLANK.search(text, position, end):
            stretches.append(_Stretch(position, end, weights, length or speed))
            length = None
        if tag is None:
            break
        position = tag.end
        value = tag.values[0]
        if tag.kind == "pause":
            if stretches:
                stretches[-1] = replace(stretches[-1], pause_seconds=(stretches[-1].pause_seconds or 0.0) + value)
            else:
                warnings.append(_PAUSE_FIRST)
        elif tag.kind == "emotion":
            weights = EmotionWeights(tag.values)
        elif tag.kind == "speed":
            speed = None if value == 1.0 else Duration(unit="factor", value=1.0 / value)
        else:
            length = Duration(unit=tag.kind, value=value)
    if length is not None:
        warnings.append("A length tag with no words behind it is left out.")
    return stretches, tuple(warnings)


def _segments(
    front_end: FrontEnd, text: str, stretch: _Stretch, prepared: TextPieces, limit: int | None, first: int | None
) -> list[Segment]:
    """Segments of one stretch, without its pauses and its length. limit: None for that of the language. first: a limit
    of the first segment alone, None for the common one.
    """
    language = prepared.language
    limit = front_end.segment_tokens(language) if limit is None else limit
    groups = _split(front_end, prepared, limit, language)
    if first is not None and groups and len(groups[0]) > first:
        head = _split(front_end, prepared, first, language)[0]
        groups = [head, *_split(front_end, prepared, limit, language, begin=max(head) + 1)]
    spoken = [
        (group, front_end.known_ids([prepared.pieces[index] for index in group], language=language)) for group in groups
    ]
    spoken = [(group, ids) for group, ids in spoken if ids]
    segments: list[Segment] = []
    shown = 0
    for group, ids in spoken:
        start = stretch.start + min(prepared.starts[index] for index in group)
        end = stretch.start + max(prepared.ends[index] for index in group)
        begun = "…" if start < shown else ""  # of a number over many segments only the first shows the digits
        own, shown = text[max(start, shown) : end], max(end, shown)
        segments.append(
            Segment(
                text=begun + _BLANKS.sub(" ", own).strip(),
                ids=tuple(ids),
                emotion_weights=stretch.emotion_weights,
                start=start,
                end=end,
                language=language,
                spoken=front_end.spoken(prepared, group),
                origins=_origins(front_end, stretch, prepared, group, len(ids)),
            )
        )
    return segments


def _origins(
    front_end: FrontEnd, stretch: _Stretch, prepared: TextPieces, group: Sequence[int], count: int
) -> tuple[int, ...]:
    """Character of the whole text that each of `count` ids comes from, -1 where it makes no sound."""
    pieces = [prepared.pieces[index] for index in group]
    indices = front_end.piece_indices(pieces, language=prepared.language)
    if len(indices) != count or not prepared.starts:
        return ()
    ends = [*indices[1:], len(pieces)]
    return tuple(
        stretch.start + prepared.starts[group[first]]
        if first >= 0 and any(map(_sounds, pieces[first : max(end, first + 1)]))
        else -1
        for first, end in zip(indices, ends, strict=True)
    )


@functools.lru_cache(maxsize=4096)
def _sounds(piece: str) -> bool:
    return any(map(str.isalnum, piece))


def _split(front_end: FrontEnd, prepared: TextPieces, limit: int, language: str, *, begin: int = 0) -> list[list[int]]:
    """Positions of the pieces of every segment, of those from `begin` on."""
    groups = front_end.split(prepared.pieces[begin:], limit, language=language)
    return [[begin + index for index in group] for group in groups if group]


def _pause(segments: list[Segment], count: int, stretch: _Stretch, usual: Pauses) -> tuple[str, ...]:
    """Put the pauses behind the last `count` segments, those of the stretch; returns warnings.

    A stretch without words adds its pause to the segment before it.
    """
    if not segments:
        return (_PAUSE_FIRST,) if stretch.pause_seconds else ()
    for index in range(len(segments) - count, len(segments)):
        segments[index] = replace(segments[index], pause_seconds=_pause_after(segments[index].text, usual))
    if stretch.pause_seconds is not None:
        before = 0.0 if count else segments[-1].pause_seconds
        segments[-1] = replace(segments[-1], pause_seconds=before + stretch.pause_seconds)
    return ()


def _length(segments: list[Segment], count: int, asked: Duration | None, mel: MelConfig) -> tuple[str, ...]:
    """Give the last `count` segments the length asked for their stretch; returns warnings.

    It is shared out by the number of text tokens. Pauses between the segments are part of a length in seconds or
    frames; semantic tokens are counted without.
    """
    if asked is None or not count:
        return ()
    stretch = segments[-count:]
    values = [asked.value] * count
    if asked.unit != "factor" and count > 1:
        silence = sum(pause_samples(segment.pause_seconds, mel.sample_rate) for segment in stretch[:-1])
        per_unit, taken = {
            "seconds": (mel.sample_rate, silence),
            "frames": (1, round(silence / mel.hop)),
            "tokens": (1, 0),
        }[asked.unit]
        left = round(asked.value * per_unit) - taken
        if left < count:
            return (f"A length of {describe(asked)} is too short for {count} segments and is left out.",)
        parts = split_evenly(left, [float(len(segment.ids)) for segment in stretch])
        values = [part / per_unit for part in parts]
    segments[-count:] = [
        replace(segment, duration=replace(asked, value=value)) for segment, value in zip(stretch, values, strict=True)
    ]
    return ()


def _pause_after(text: str, usual: Pauses) -> float:
    if isinstance(usual, Mapping):
        return float(usual.get(text[-1:], usual.get("", 0.0)))
    return float(usual)
