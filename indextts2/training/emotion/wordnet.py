"""More emotion words from WordNet: what it files under our eight emotions, found by walking its pointers.

The walk starts at feelings (noun.feeling) whose name is in ROOTS, goes down to kinds of that feeling, then over to the
adjectives, verbs and adverbs derived from them and to adjectives similar to those. The nearest root claims an entry.
WordNet's licence is permissive; `corpus/wordnet.py` reads its notice.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...config import EMOTIONS
from ...errors import TrainingError
from .texts import EmotionText, clear_distribution

ROOTS: Mapping[str, tuple[str, ...]] = {
    "happy": ("happiness", "joy", "gladness", "cheerfulness", "exuberance", "gratitude", "enthusiasm", "amusement"),
    "angry": ("anger", "hostility", "resentment", "annoyance"),
    "sad": ("sadness", "sorrow", "grief", "heartache", "woe"),
    "afraid": ("fear", "anxiety", "apprehension", "panic"),
    "disgusted": ("disgust", "contempt", "abhorrence", "repugnance"),
    "melancholic": ("melancholy", "depression", "gloom", "nostalgia", "dejection", "despondency", "weltschmerz"),
    "surprised": ("astonishment", "surprise", "wonder", "stupefaction"),
    "calm": ("calmness", "serenity", "placidity", "tranquillity"),
}
FEELING_FILE = 12  # noun.feeling among the lexicographer files
MAX_STEPS = 3
NEUTRAL_WORDS = 4  # shorter examples are phrases, not sentences
NEUTRAL_CALM = 0.65
NEUTRAL_REST = dict.fromkeys(EMOTIONS[:-1], 1.0)  # what an example may express unnoticed: anything
WORD_STEPS = 2  # words further away than this say little by themselves
FOLLOWED = {"n": "~+", "a": "&+", "s": "&+", "v": "+", "r": ""}  # pointers followed from each part of speech
FIELDS = {"n": "nouns", "a": "words", "s": "words", "r": "adverbs"}
FILES = {"n": "data.noun", "a": "data.adj", "v": "data.verb", "r": "data.adv"}
CLEAR_AT = (0.85, 0.75, 0.6, 0.45)  # probability of the emotion in texts so many steps away from its feeling

_EXAMPLE = re.compile(r'"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Synset:
    """One entry: its words, the entries it points to as (symbol, key), and its definition with examples."""

    kind: str
    file: int
    words: tuple[str, ...]
    pointers: tuple[tuple[str, tuple[str, int]], ...]
    gloss: str


Key = tuple[str, int]


def emotion_words(folder: Path) -> dict[str, dict[str, list[str]]]:
    """More entries per emotion and field, as `read_sources(extra=...)` takes them."""
    synsets = _read(folder)
    found: dict[str, dict[str, list[str]]] = {name: {field: [] for field in FIELDS.values()} for name in EMOTIONS}
    for key, (emotion, steps) in _claimed(synsets).items():
        field = FIELDS.get(synsets[key].kind)
        if field is not None and steps <= WORD_STEPS:
            found[emotion][field].extend(synsets[key].words)
    return {name: {field: sorted(set(words)) for field, words in fields.items()} for name, fields in found.items()}


def emotion_examples(folder: Path) -> list[EmotionText]:
    """Definitions and example sentences of the claimed entries, with softer distributions than our own texts."""
    synsets = _read(folder)
    texts = []
    for key, (emotion, steps) in _claimed(synsets).items():
        gloss = synsets[key].gloss
        definition = gloss.split('"')[0].strip(" ;")
        for text in (f"{synsets[key].words[0]}: {definition}", *_EXAMPLE.findall(gloss)):
            texts.append(EmotionText(text, clear_distribution(emotion, CLEAR_AT[steps]), "descriptive"))
    return texts


def definitions(folder: Path) -> list[str]:
    """Words and gloss of every entry, to learn relations between words from."""
    return [f"{', '.join(synset.words)}: {synset.gloss}" for synset in _read(folder).values()]


def neutral_examples(folder: Path, count: int) -> list[EmotionText]:
    """Example sentences of entries that no emotion claims, evenly over the database: mostly calm, never surely so."""
    synsets = _read(folder)
    claimed = _claimed(synsets)
    found = [text for key, synset in synsets.items() if key not in claimed for text in _EXAMPLE.findall(synset.gloss)]
    sentences = [text for text in found if len(text.split()) >= NEUTRAL_WORDS]
    picked = sentences[:: max(1, len(sentences) // count)][:count] if count else []
    return [EmotionText(text, clear_distribution("calm", NEUTRAL_CALM, NEUTRAL_REST), "script") for text in picked]


def _claimed(synsets: Mapping[Key, Synset]) -> dict[Key, tuple[str, int]]:
    """Emotion of every entry reached and the steps to it: the nearest root, EMOTIONS' order among equals."""
    adverbs = {synset.words[0]: key for key, synset in synsets.items() if synset.kind == "r"}
    owner: dict[Key, tuple[str, int]] = {}
    queue: deque[Key] = deque()
    for emotion in EMOTIONS:
        for key, synset in synsets.items():
            if synset.file == FEELING_FILE and synset.words[0] in ROOTS[emotion] and key not in owner:
                owner[key] = (emotion, 0)
                queue.append(key)
    while queue:
        key = queue.popleft()
        emotion, steps = owner[key]
        if steps == MAX_STEPS:
            continue
        for symbol, target in synsets[key].pointers:
            if symbol in FOLLOWED[synsets[key].kind] and target in synsets and target not in owner:
                owner[target] = (emotion, steps + 1)
                queue.append(target)
        for target in _adverbs_of(synsets[key], adverbs):
            owner.setdefault(target, (emotion, steps + 1))
    return owner


def _adverbs_of(synset: Synset, adverbs: Mapping[str, Key]) -> list[Key]:
    """Adverbs formed from an adjective's words by the usual endings."""
    if synset.kind not in "as":
        return []
    forms = {form for word in synset.words for form in (word + "ly", word[:-1] + "ily", word[:-2] + "ly")}
    return [adverbs[form] for form in sorted(forms) if form in adverbs]


@lru_cache(maxsize=1)
def _read(folder: Path) -> dict[Key, Synset]:
    synsets: dict[Key, Synset] = {}
    for part, name in FILES.items():
        path = folder / name
        if not path.is_file():
            raise TrainingError(f"The WordNet folder {folder} has no {name}. Unpack the WordNet database files there.")
        with path.open(encoding="utf-8") as lines:
            synsets.update(((part, offset), synset) for offset, synset in _parsed(lines))
    return synsets


def _parsed(lines: Iterator[str]) -> Iterator[tuple[int, Synset]]:
    """Lines of a data file: offset, file, kind, word count (hex), words, pointer count, pointers, gloss."""
    for line in lines:
        if line.startswith("  "):
            continue
        data, _, gloss = line.partition("|")
        parts = data.split()
        count = int(parts[3], 16)
        words = tuple(re.sub(r"\(.*\)", "", parts[4 + 2 * place]).replace("_", " ") for place in range(count))
        begin = 4 + 2 * count
        pointers = tuple(
            (parts[place], (parts[place + 2], int(parts[place + 1])))
            for place in range(begin + 1, begin + 1 + 4 * int(parts[begin]), 4)
        )
        yield int(parts[0]), Synset(parts[2], int(parts[1]), words, pointers, gloss.strip())
