"""Align the text tokens of the English front end with the teacher's timed phonemes.

The teacher gives one duration per IPA character; T2S reads CMU phonemes, letters, spaces and punctuation. A global
alignment (Needleman-Wunsch) between the two spellings of one utterance gives every text token its span of time, which
supervises a few attention heads of T2S while it learns to read (a guide, not a target: the loss is on attention only).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import TrainingError

UNIT_SECONDS = 600 / 24_000  # the teacher's duration unit: 600 samples at 24 kHz

STRESS_MARKS = "ˈˌ"
LENGTH_MARKS = "ːʲ"
VOWELS = frozenset("aeiouæɑɒɐɔəɚɛɜɪᵻʊʌAEIOU")

# Letters of the IPA that each CMU phoneme is written with.
CMU_TO_IPA = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɚ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
NEAR = {
    frozenset(pair) for pair in ("ʌə", "ʌɐ", "ɚɜ", "ɚə", "ɪᵻ", "iɪ", "ɑɒ", "ɔɒ", "ɑɔ", "tɾ", "dɾ", "əɪ", "əᵻ", "tʔ")
}

GAP = 0.6
SILENT_GAP = 0.25  # a space or a punctuation mark without a partner
SAME_CLASS = 0.5  # vowel against another vowel
OTHER = 0.9  # consonant against another consonant
FORBIDDEN = 3.0


@dataclass(frozen=True, slots=True)
class TimedSymbol:
    """One character of the teacher's spelling. start and end in units of UNIT_SECONDS."""

    text: str
    start: float
    end: float


def timed_symbols(phonemes: str, durations: Sequence[int]) -> list[TimedSymbol]:
    """Characters with their times; stress marks join the next character, length marks the one before.

    durations has one entry per character plus a silence at either end. Raises TrainingError when the counts differ.
    """
    if len(durations) != len(phonemes) + 2:
        raise TrainingError(
            f"A manifest line has {len(phonemes)} phoneme characters and {len(durations)} durations; "
            f"{len(phonemes) + 2} durations are expected. Rebuild the corpus."
        )
    symbols: list[TimedSymbol] = []
    clock = float(durations[0])
    pending: float | None = None
    for character, duration in zip(phonemes, durations[1:-1], strict=True):
        start, clock = clock, clock + duration
        if character in STRESS_MARKS:
            pending = start if pending is None else pending
        elif character in LENGTH_MARKS and symbols:
            last = symbols[-1]
            symbols[-1] = TimedSymbol(last.text, last.start, clock)
        else:
            symbols.append(TimedSymbol(character, start if pending is None else pending, clock))
            pending = None
    return symbols


def spelled(piece: str) -> str:
    """The IPA characters of one text token: a phoneme with or without stress digit, a letter, a space or a mark."""
    return CMU_TO_IPA.get(piece.rstrip("012"), piece.lower() if piece.isalpha() else piece)


def _cost(have: str, want: str) -> float:
    if have == want or frozenset((have, want)) in NEAR:
        return 0.0
    if not have.isalpha() or not want.isalpha():
        return 0.2 if not have.isalpha() and not want.isalpha() else FORBIDDEN
    if (have in VOWELS) != (want in VOWELS):
        return FORBIDDEN
    return SAME_CLASS if have in VOWELS else OTHER


def _gap(symbol: str) -> float:
    return GAP if symbol.isalpha() else SILENT_GAP


def _best_path(have: Sequence[str], want: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (index in have, index in want) of a cheapest global alignment."""
    rows, columns = len(have) + 1, len(want) + 1
    cost = [[0.0] * columns for _ in range(rows)]
    move = [[0] * columns for _ in range(rows)]
    for j in range(1, columns):
        cost[0][j], move[0][j] = cost[0][j - 1] + _gap(want[j - 1]), 2
    for i in range(1, rows):
        gap_have = _gap(have[i - 1])
        above, row, moves = cost[i - 1], cost[i], move[i]
        row[0], moves[0] = above[0] + gap_have, 1
        for j in range(1, columns):
            options = (
                above[j - 1] + _cost(have[i - 1], want[j - 1]),
                above[j] + gap_have,
                row[j - 1] + _gap(want[j - 1]),
            )
            moves[j] = min((0, 1, 2), key=options.__getitem__)
            row[j] = options[moves[j]]
    pairs: list[tuple[int, int]] = []
    i, j = rows - 1, columns - 1
    while i or j:
        step = move[i][j]
        if step == 0:
            pairs.append((i - 1, j - 1))
        i -= step != 2
        j -= step != 1
    return pairs[::-1]


def align(pieces: Sequence[str], phonemes: str, durations: Sequence[int]) -> list[tuple[float, float]]:
    """Span (start, end) in seconds of every text token; spans are in order and do not overlap.

    A token without a partner in the teacher's spelling gets an empty span between its neighbours.
    """
    symbols = timed_symbols(phonemes, durations)
    letters = [(index, letter) for index, piece in enumerate(pieces) for letter in spelled(piece)]
    found: dict[int, list[float]] = {}
    for have, want in _best_path([symbol.text for symbol in symbols], [letter for _, letter in letters]):
        piece = letters[want][0]
        span = found.setdefault(piece, [symbols[have].start, symbols[have].end])
        span[1] = max(span[1], symbols[have].end)
    spans: list[tuple[float, float]] = []
    clock = float(durations[0])
    for index in range(len(pieces)):
        start, end = found.get(index, (clock, clock))
        clock = max(clock, end)
        spans.append((start * UNIT_SECONDS, max(start, end) * UNIT_SECONDS))
    return spans


def spread_letters(span: tuple[float, float], count: int) -> list[tuple[float, float]]:
    """Share a word's span evenly among the letters it is written with."""
    step = (span[1] - span[0]) / count
    return [(span[0] + step * index, span[0] + step * (index + 1)) for index in range(count)]


def attention_targets(spans: Sequence[tuple[float, float]], token_count: int, tokens_per_second: float) -> list[int]:
    """Index of the text token that sounds at the middle of every semantic token; the one before it in silences."""
    sounding = [index for index, (start, end) in enumerate(spans) if end > start] or [0]
    targets, at = [], 0
    for token in range(token_count):
        moment = (token + 0.5) / tokens_per_second
        while at + 1 < len(sounding) and spans[sounding[at + 1]][0] <= moment:
            at += 1
        targets.append(sounding[at])
    return targets
