"""Lines of one to three words: answers, calls, names, numbers, and common words, as people say them alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from .own_texts import SLOTS
from .wordnet import UNWANTED, entries, words_of

COMMON_COUNT = 40  # a word is common enough to stand alone when WordNet's definitions and examples use it this often
ENDINGS = (".", ".", ".", "!", "?")

ALONE = """
hi|hello|hey|yes|no|yeah|nope|okay|sure|really|why|what|when|where|who|how|never|always|maybe|perhaps|please
thanks|sorry|stop|go|wait|look|listen|quiet|help|careful|welcome|goodbye|bye|congratulations|cheers|exactly
absolutely|definitely|certainly|possibly|probably|obviously|honestly|seriously|unfortunately|fortunately|finally
suddenly|again|enough|ready|done|wrong|right|correct|false|true|nonsense|perfect|wonderful|terrible|awful
amazing|incredible|impossible|interesting|delicious|disgusting|beautiful|horrible|ridiculous|excellent|brilliant
fantastic|lovely|great|good|fine|nothing|everything|something|someone|nobody|everybody|anywhere|nowhere|today
tomorrow|yesterday|tonight|now|later|soon|hurry|silence|surprise
"""

FEW = """
good morning|good evening|good night|good luck|good idea|thank you|thank you all|thanks a lot|no way|no problem
not yet|not at all|of course|of course not|oh no|oh dear|oh really|come in|come here|come on|go away|go ahead
hold on|hang on|sit down|stand up|wake up|shut up|hurry up|watch out|look out|look here|look at me|slow down
calm down|be quiet|be careful|be patient|be brave|don't worry|don't move|don't go|don't cry|don't touch it
leave me alone|let me see|let me go|let's go|let's eat|let's see|let it go|who is it|who are you|who said that
what is it|what happened|what a mess|what a pity|what a day|what now|what for|where are you|where is he
where is it|where to|when exactly|why not|why me|how are you|how much|how many|how dare you|how strange
how lovely|how about tomorrow|i know|i see|i think so|i hope so|i don't know|i'm sorry|i'm fine|i'm here
i'm tired|i'm so happy|i'm afraid so|i love it|i hate it|i told you|i can't|i can't believe it|i won't|i promise
i forgot|i agree|i doubt it|i give up|it's late|it's cold|it's over|it's nothing|it's a secret|it's raining
it hurts|it works|it depends|that's all|that's it|that's true|that's enough|that's not fair|that's wonderful
that's disgusting|this way|this is it|over here|over there|right now|right away|never again|never mind
once again|once more|one moment|just a moment|just in time|just kidding|very well|very good|very funny|well done
well said|see you soon|see you tomorrow|see for yourself|take care|take it easy|take your time|tell me more
trust me|try again|turn around|keep going|keep quiet|stay here|stay calm|stop it|stop that noise|you're welcome
you're right|you're wrong|you did it|you never know|you first|me too|me neither|so what|so far|so do i|too bad
too late|too soon|all right|all done|all of them|after you|as you wish|at last|at once|by the way|by no means
for sure|for now|in a minute|in the end|is it true|is that all|are you sure|are you serious|are you hungry
can you hear me|could be|do you mind|does it matter|did you see|guess what|hands off|here it is|here you are
happy birthday|excuse me|every day|fair enough|nice work|nice try|nobody knows|nothing at all|open the door
close the window|pass the salt|dinner is ready|time to go|time is up
"""


def _listed(block: str) -> list[str]:
    return [text.strip() for line in block.strip().splitlines() for text in line.split("|") if text.strip()]


def _ended(text: str, random: np.random.Generator) -> str:
    return text[0].upper() + text[1:] + ENDINGS[int(random.integers(len(ENDINGS)))]


def one_word_lines(random: np.random.Generator, wordnet: Path | None) -> list[str]:
    """Every line of one word, each word once: the written ones, names, and the common words of WordNet."""
    words = dict.fromkeys([*_listed(ALONE), *SLOTS["name"], *SLOTS["city"], *SLOTS["month"]])
    words |= dict.fromkeys(word for slot in ("thing", "animal", "job", "feel", "how") for word in SLOTS[slot])
    if wordnet is not None:
        counts: Counter[str] = Counter(word for entry in entries(wordnet) for word in words_of(entry))
        common = (word for word, count in counts.most_common() if count >= COMMON_COUNT)
        words |= dict.fromkeys(word for word in common if len(word) > 3 and word.isalpha() and word not in UNWANTED)
    return [_ended(word, random) for word in words if " " not in word]


def short_lines(random: np.random.Generator) -> list[str]:
    """Every line of two or three words: the written ones, and names and things with what is said of them."""
    lines = _listed(FEW)
    lines += [f"{name} {rest}" for name in SLOTS["name"] for rest in ("is here", "called", "left", "did it", "again")]
    lines += [f"{first}, {name}" for name in SLOTS["name"] for first in ("hello", "thanks", "come here", "listen")]
    lines += [f"{number} {unit}" for number in SLOTS["number"] for unit in SLOTS["unit"] if number != "a dozen"]
    lines += [f"{size} {thing}" for size in SLOTS["size"] for thing in (*SLOTS["thing"], *SLOTS["animal"])]
    lines += [f"more {food}" for food in SLOTS["food"]] + [f"until {day}" for day in SLOTS["day"][:7]]
    lines += [f"in {month}" for month in SLOTS["month"]] + [f"at {hour}" for hour in SLOTS["hour"]]
    unique = {line.lower(): line for line in lines if 2 <= len(words_of(line)) <= 3}
    return [_ended(line, random) for line in unique.values()]
