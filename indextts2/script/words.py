"""Words in time of a whole script: those of its lines, where the lines lie on the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from ..contracts import SpokenWord, SpokenWords
from ..stages.t2s.spoken_words import written_words
from ..text.tags import without_tags
from .line import SpokenLine
from .mix import Timeline
from .model import Script


def timeline_words(script: Script, spoken: Sequence[SpokenLine], timeline: Timeline) -> SpokenWords:
    """The words of every placed line with its speaker, in the samples of the timeline.

    Words of a line that was recorded elsewhere are spread over it by their letters.
    """
    words: list[SpokenWord] = []
    for place in timeline.placements:
        line, one = script.lines[place.line], spoken[place.line]
        own = one.report.words or _spread(line.text, place.end - place.start)
        words += [_placed(word, place.start, place.line, line.speaker) for word in own]
    count = timeline.waveform.samples.shape[-1]
    return SpokenWords(tuple(words), timeline.waveform.sample_rate, count)


def _placed(word: SpokenWord, begin: int, line: int, speaker: str) -> SpokenWord:
    """A word of a line that begins at a sample of the timeline."""
    asked = None if word.asked is None else begin + word.asked
    return SpokenWord(word.text, begin + word.start, begin + word.end, line, speaker, asked)


def _spread(text: str, sample_count: int) -> list[SpokenWord]:
    """Words of a text over so many samples, each with a share by its letters."""
    found = [word for word, _, _ in written_words(without_tags(text), 0, len(text))]
    ends = list(accumulate(len(word) for word in found))
    total = max(1, ends[-1] if ends else 1)
    starts = [0, *ends[:-1]]
    return [
        SpokenWord(word, sample_count * start // total, sample_count * end // total)
        for word, start, end in zip(found, starts, ends, strict=True)
    ]
