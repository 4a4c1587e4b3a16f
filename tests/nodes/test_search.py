"""The order in which the search of the browser lists the pack's nodes.

Both ComfyUI 0.3.64 and 0.33.0 look at the id and the name of a node: equal to what was typed, then beginning with it
(shorter names first), then holding it as a word, then holding it at all (early in a short name first).
"""

from __future__ import annotations

import json
import re

import pytest

from tools.nodes.object_info import GOLDEN

NAMES = {node: entry["display_name"] for node, entry in json.loads(GOLDEN.read_text(encoding="utf-8")).items()}
WORDS = re.compile(r" |\b|(?<=[a-z])(?=[A-Z])|(?=[A-Z][a-z])")
FOUND = 3  # the last class of names that hold what was typed


def place(typed: str, name: str) -> tuple[int, float, int]:
    """What a name is sorted by."""
    words, name, length = [word.lower() for word in WORDS.split(name)], name.lower(), len(name)
    if name == typed:
        return 0, 0.0, 0
    if name.startswith(typed):
        return 1, 0.0, length
    if typed not in name:
        return FOUND + 1, 0.0, 0
    return 2 if typed in words else FOUND, name.index(typed) + length / 2, length


def listed(typed: str) -> list[str]:
    """The nodes that are found, best first, without the prefix of the pack."""
    places = {node: min(place(typed, node), place(typed, name)) for node, name in NAMES.items()}
    found = [node for node, one in places.items() if one[0] <= FOUND]
    return [node.removeprefix("IndexTTS2_") for node in sorted(found, key=places.__getitem__)]


@pytest.mark.parametrize("typed", ["speak", "speech", "clone", "tts"])
def test_enter_behind_a_word_of_a_newcomer_places_speak(typed):
    assert listed(typed)[0] == "Speak"


def test_a_newcomer_who_types_voice_sees_speak_at_once():
    assert "Speak" in listed("voice")[:2]


@pytest.mark.parametrize("typed", ["voice", "clone", "speech"])
def test_encode_reference_is_found_by_the_same_words(typed):
    assert "EncodeReference" in listed(typed)[:3]
