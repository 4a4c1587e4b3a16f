"""Choosing the sentences of a corpus: no repeats, none that must be avoided, words spread widely."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...errors import TrainingError
from ..data.json_lines import fields_of, read_objects
from .own_texts import own_sentences
from .recipe import CorpusRecipe
from .short_texts import one_word_lines, short_lines
from .wordnet import example_sentences, key_of, words_of

_SPREAD_WORDS = 3.5  # how sharply sentences away from the preferred number of words are avoided
_OWN_FACTOR = 3  # candidates drawn per own sentence wanted


@dataclass(frozen=True, slots=True)
class CorpusText:
    """A sentence and where it comes from, as in the manifest's `text_source`."""

    text: str
    source: str


def sentence_keys(text: str) -> set[str]:
    """Keys of a text and of each of its sentences, so that half of a joined pair is recognised too."""
    parts = [key_of(part) for part in text.replace("?", ".").replace("!", ".").split(".")]
    return {key_of(text), *(part for part in parts if part)}


def listed_texts(paths: Iterable[str | Path]) -> list[str]:
    """Every text of JSONL files that have a `text` field. Raises TrainingError for an unreadable file."""
    texts: list[str] = []
    for name in paths:
        what = "The list of texts to avoid"
        texts += [
            fields_of(line, f"{what}, {name}, cannot be read", text=str)[0] for line in read_objects(Path(name), what)
        ]
    return texts


def avoided_keys(paths: Iterable[str | Path]) -> set[str]:
    """Keys of every listed text and of its single sentences."""
    return {key for text in listed_texts(paths) for key in sentence_keys(text)}


def spread(texts: Sequence[CorpusText], count: int, preferred: float, random: np.random.Generator) -> list[CorpusText]:
    """Choose up to `count` texts greedily, favouring words that were chosen rarely so far and the preferred length."""
    order = [texts[int(k)] for k in random.permutation(len(texts))]
    seen: Counter[str] = Counter()
    chosen: list[CorpusText] = []
    for limit in (0, 1, 2, 4, 8, math.inf):
        left: list[CorpusText] = []
        for item in order:
            words = words_of(item.text)
            fit = math.exp(-0.5 * ((len(words) - preferred) / _SPREAD_WORDS) ** 2)
            rare = any(seen[word] <= limit for word in words)
            if len(chosen) < count and rare and random.random() < fit:
                chosen.append(item)
                seen.update(words)
            else:
                left.append(item)
        order = left
    return chosen


def choose_texts(recipe: CorpusRecipe) -> list[CorpusText]:
    """The sentences of a recipe in rendering order; the same recipe always gives the same list.

    Raises TrainingError when the sources hold fewer sentences than the recipe asks for.
    """
    random = np.random.default_rng([recipe.seed, 0])
    avoid = avoided_keys(recipe.avoid)
    counts = [
        round(recipe.utterances * share) for share in (recipe.one_word_share, recipe.short_share, recipe.joined_share)
    ]
    few = _short_texts(recipe, counts[0], counts[1], avoid, np.random.default_rng([recipe.seed, 4]))
    avoid |= {key_of(item.text) for item in few}
    single = recipe.utterances - len(few) - counts[2]
    sentences = _sentences(recipe, single + 2 * counts[2], avoid, random)
    joined = [_joined(*pair) for pair in zip(sentences[single::2], sentences[single + 1 :: 2], strict=True)]
    chosen = [*few, *sentences[:single], *joined]
    return [chosen[int(k)] for k in random.permutation(len(chosen))]


def _joined(first: CorpusText, second: CorpusText) -> CorpusText:
    return CorpusText(f"{first.text} {second.text}", first.source if first.source == second.source else "joined")


def _short_texts(
    recipe: CorpusRecipe, one_word: int, few_words: int, avoid: set[str], random: np.random.Generator
) -> list[CorpusText]:
    """Lines of one word and of two or three. Raises TrainingError when there are not enough."""
    wordnet = Path(recipe.wordnet) if recipe.wordnet else None
    chosen: list[CorpusText] = []
    for count, lines in (
        (one_word, partial(one_word_lines, random, wordnet)),
        (few_words, partial(short_lines, random)),
    ):
        usable = [text for text in (lines() if count else ()) if key_of(text) not in avoid]
        if len(usable) < count:
            raise TrainingError(
                f"There are {len(usable)} short lines of one kind, but {count} were asked. Ask for fewer."
            )
        chosen += [CorpusText(usable[int(k)], "own_short") for k in random.permutation(len(usable))[:count]]
    return chosen


def _sentences(recipe: CorpusRecipe, count: int, avoid: set[str], random: np.random.Generator) -> list[CorpusText]:
    found = example_sentences(Path(recipe.wordnet), recipe.words) if recipe.wordnet else []
    examples = [CorpusText(text, "wordnet") for text in found if not sentence_keys(text) & avoid]
    from_wordnet = min(len(examples), round(count * recipe.wordnet_share))
    chosen = spread(examples, from_wordnet, recipe.preferred_words, random)
    wanted = count - len(chosen)
    avoid = avoid | {key_of(item.text) for item in chosen}
    own: dict[str, CorpusText] = {}
    for text, source in own_sentences(random, wanted * _OWN_FACTOR):
        key = key_of(text)
        if recipe.words[0] <= len(words_of(text)) <= recipe.words[1] and key not in avoid:
            own.setdefault(key, CorpusText(text, source))
    chosen += spread(list(own.values()), wanted, recipe.preferred_words, random)
    if len(chosen) < count:
        raise TrainingError(
            f"The text sources hold {len(chosen)} usable sentences, but {count} were asked. "
            "Name a WordNet folder, or ask for fewer utterances."
        )
    return [chosen[int(k)] for k in random.permutation(len(chosen))]
