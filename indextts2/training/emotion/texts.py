"""Texts with emotion distributions for training text-to-emotion: made from our own templates and word lists.

Like the paper's data (docs/spec/paper.md#t2e) they are descriptive or script-like, with eight numbers that sum to one.
Everything follows from a seed. Every tenth word-list entry and every sixth template are held out: held-out texts use
those alone, training texts none of them, so that the held-out accuracy is about unseen words in unseen sentences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ...atomic import make_folder, write_text
from ...config import EMOTIONS
from ...contracts import EmotionWeights
from ...errors import InputError, TrainingError
from ...foreign import shown
from ..data.json_lines import fields_of, read_objects

DATA = Path(__file__).parent / "data"
HELD_OUT_ENTRIES = 10  # every tenth entry of a word list
HELD_OUT_TEMPLATES = 6  # every sixth template of a kind
SPLITS = ("train", "held_out", "all")
KIND_SHARES = {"descriptive": 0.35, "script": 0.4, "mixed": 0.17, "weak": 0.04, "negated": 0.04}
WORD_FIELDS = ("words", "nouns", "adverbs", "signs", "events", "lines", "cries")

CLEAR = 0.9
"""Probability of the named emotion in a text made for it alone; the rest follows RELATED."""

RELATED: Mapping[str, Mapping[str, float]] = {
    "happy": {"surprised": 0.05, "calm": 0.05},
    "angry": {"disgusted": 0.07, "surprised": 0.03},
    "sad": {"melancholic": 0.08, "afraid": 0.02},
    "afraid": {"surprised": 0.05, "sad": 0.05},
    "disgusted": {"angry": 0.07, "surprised": 0.03},
    "melancholic": {"sad": 0.07, "calm": 0.03},
    "surprised": {"happy": 0.05, "afraid": 0.05},
    "calm": {"happy": 0.06, "melancholic": 0.04},
}
"""Emotions that a listener also hears in a clear one. Our judgement, not measured."""

OPPOSITE: Mapping[str, Mapping[str, float]] = {
    "happy": {"sad": 0.35, "melancholic": 0.45, "calm": 0.2},
    "calm": {"angry": 0.35, "afraid": 0.4, "surprised": 0.25},
}
"""Meaning of "not happy" and "not calm"; the denial of every other emotion is calm."""

_FIELD = re.compile(r"\{(\w+?)([12]?)\}")
_SENTENCE_START = re.compile(r"(?:^|[.!?] )[a-z]")
_FIELD_LISTS = {"cry": "cries"} | {name[:-1]: name for name in WORD_FIELDS if name != "cries"}


@dataclass(frozen=True, slots=True)
class EmotionText:
    """A text with one probability per emotion, in the order of EMOTIONS. kind: one of KIND_SHARES."""

    text: str
    weights: tuple[float, ...]
    kind: str = "script"


@dataclass(frozen=True, slots=True)
class Sources:
    """Word lists per emotion and field, and the templates, of one split."""

    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    templates: Mapping[str, tuple[Any, ...]]
    fillers: Mapping[str, tuple[str, ...]]


def read_sources(split: str, *, extra: Mapping[str, Mapping[str, Sequence[str]]] | None = None) -> Sources:
    """The lists of a split ("train", "held_out" or "all"). extra: more entries per emotion and field."""
    import yaml

    lexicon = yaml.safe_load((DATA / "emotion_lexicon.yaml").read_text(encoding="utf-8"))
    patterns = yaml.safe_load((DATA / "emotion_templates.yaml").read_text(encoding="utf-8"))
    words: dict[str, dict[str, tuple[str, ...]]] = {}
    for emotion in EMOTIONS:
        more = (extra or {}).get(emotion, {})
        words[emotion] = {
            field: _entries_of(_listed(lexicon[emotion][field]), more.get(field, ()), split) for field in WORD_FIELDS
        }
        words[emotion]["endings"] = tuple(lexicon[emotion]["endings"].split("|"))
    templates = {kind: _of_split(tuple(patterns[kind]), split, HELD_OUT_TEMPLATES) for kind in KIND_SHARES}
    fillers = {field: _listed(patterns[field]) for field in ("people", "names", "places")}
    return Sources(words, templates, fillers)


def make_texts(count: int, *, split: str = "train", seed: int = 0, sources: Sources | None = None) -> list[EmotionText]:
    """That many different texts, or as many as the lists can make, evenly over the emotions."""
    sources = sources or read_sources(split)
    generator = torch.Generator().manual_seed(seed)
    shares = torch.tensor(list(KIND_SHARES.values()))
    found: dict[str, EmotionText] = {}
    for attempt in range(count * 4):
        if len(found) == count:
            break
        kind = list(KIND_SHARES)[int(torch.multinomial(shares, 1, generator=generator))]
        made = make_text(sources, kind, EMOTIONS[attempt % len(EMOTIONS)], generator)
        found.setdefault(made.text.lower(), made)
    return list(found.values())


def make_text(sources: Sources, kind: str, emotion: str, generator: torch.Generator) -> EmotionText:
    """One text of a kind for an emotion."""

    def pick(options: Sequence[Any]) -> Any:
        return options[int(torch.randint(len(options), (), generator=generator))]

    template = pick(sources.templates[kind])
    second = pick([other for other in EMOTIONS if other != emotion])
    share, pattern = (1.0, template) if isinstance(template, str) else template
    text = _filled(pattern, sources, (emotion, second), pick)
    return EmotionText(text, _distribution(kind, emotion, second, float(share)), kind)


def read_natural_texts() -> list[tuple[str, str]]:
    """(emotion, text) of the hand-written test lines, which never serve for training."""
    import yaml

    content = yaml.safe_load((DATA / "emotion_held_out.yaml").read_text(encoding="utf-8"))
    return [(emotion, text) for emotion in EMOTIONS for text in content[emotion]]


def read_texts(path: Path) -> list[EmotionText]:
    """Texts written by `write_texts`, or by hand in the same form. Raises TrainingError."""
    found = []
    for line in read_objects(path, "The list of texts"):
        text, weights = fields_of(line, f"The list of texts {path}", text=str, weights=list)
        try:
            EmotionWeights(tuple(weights))
        except InputError as error:
            raise TrainingError(f"The list of texts {path}, {shown(text)}: {error}") from error
        found.append(EmotionText(text, tuple(weights), str(line.get("kind", "script"))))
    return found


def write_texts(path: Path, texts: Sequence[EmotionText]) -> None:
    """One JSON object per line: text, weights, kind."""
    make_folder(path.parent, TrainingError)
    written = "".join(json.dumps(asdict(text), ensure_ascii=False) + "\n" for text in texts)
    write_text(path, written, TrainingError)


def clear_distribution(
    emotion: str, clear: float = CLEAR, related: Mapping[str, float] | None = None
) -> tuple[float, ...]:
    """`clear` for the emotion, the rest shared among what is related to it."""
    related = RELATED[emotion] if related is None else related
    rest = (1.0 - clear) / sum(related.values())
    values = {name: share * rest for name, share in related.items()} | {emotion: clear}
    return tuple(values.get(name, 0.0) for name in EMOTIONS)


def _distribution(kind: str, emotion: str, second: str, share: float) -> tuple[float, ...]:
    if kind == "negated":
        denied = OPPOSITE.get(emotion, {"calm": 1.0})
        return tuple(denied.get(name, 0.0) for name in EMOTIONS)
    main = clear_distribution(emotion)
    if kind not in ("mixed", "weak"):
        return main
    other = clear_distribution(second if kind == "mixed" else "calm")
    return tuple(share * a + (1.0 - share) * b for a, b in zip(main, other, strict=True))


def _filled(pattern: str, sources: Sources, emotions: tuple[str, str], pick: Callable[[Sequence[Any]], Any]) -> str:
    def value(match: re.Match[str]) -> str:
        field, number = match.group(1), match.group(2)
        if field in ("who", "name", "place"):
            return pick(sources.fillers[{"who": "people", "name": "names", "place": "places"}[field]])
        words = sources.words[emotions[1] if number == "2" else emotions[0]]
        if field == "end":
            return pick(words["endings"])
        chosen = pick(words[_FIELD_LISTS[field]])
        return chosen if match.start() == 0 or field != "line" else _lowered(chosen, match, pattern)

    text = _FIELD.sub(value, pattern)
    return _SENTENCE_START.sub(lambda match: match.group().upper(), text)


def _lowered(line: str, match: re.Match[str], pattern: str) -> str:
    """A spoken line begins small after a comma."""
    after_comma = pattern[: match.start()].rstrip().endswith(",")
    keep = line.split()[0] in ("I", "I'm", "Oh", "God") or line[:2] == "I "
    return line if keep or not after_comma else line[:1].lower() + line[1:]


def _listed(entries: str) -> tuple[str, ...]:
    """Entries of a word list, which are separated by semicolons."""
    return tuple(entry for entry in (" ".join(part.split()) for part in entries.split(";")) if entry)


def _entries_of(own: tuple[str, ...], more: Sequence[str], split: str) -> tuple[str, ...]:
    """Further entries join the training lists, unless they are held out."""
    held_out = {entry.lower() for entry in _of_split(own, "held_out", HELD_OUT_ENTRIES)}
    chosen = _of_split(own, split, HELD_OUT_ENTRIES)
    if split == "held_out":
        return chosen
    return chosen + tuple(entry for entry in more if split == "all" or entry.lower() not in held_out)


def _of_split(entries: tuple[Any, ...], split: str, every: int) -> tuple[Any, ...]:
    if split == "all":
        return entries
    every = min(every, len(entries))  # the last one of a short list
    return tuple(entry for place, entry in enumerate(entries) if (place % every == every - 1) == (split == "held_out"))
