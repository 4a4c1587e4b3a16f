"""Every row of the tables of readings is spoken as it says, and quickly."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("readings_english.txt")
MARK = " => "
FEWEST_OF_A_KIND = 10


def rows() -> list[tuple[str, str, str]]:
    """(kind, written, spoken)"""
    kind, found = "", []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        elif MARK in line:
            written, _, spoken = line.rpartition(MARK)
            found.append((kind, written.replace("\\n", "\n"), spoken))
    return found


ROWS = rows()


def said(english, text: str) -> str:
    pieces = english.pieces(text)
    return english.spoken(pieces, range(len(pieces)))


@pytest.mark.parametrize(("kind", "written", "spoken"), ROWS, ids=[f"{kind}: {written}" for kind, written, _ in ROWS])
def test_a_kind_of_writing_is_read_as_a_person_reads_it(english, kind, written, spoken):
    assert said(english, written) == spoken


def test_every_kind_has_more_than_a_handful_of_rows():
    assert min(Counter(kind for kind, _, _ in ROWS).values()) >= FEWEST_OF_A_KIND


@pytest.mark.parametrize(("written", "spoken"), [(written, spoken) for _, written, spoken in ROWS])
def test_a_reading_does_not_change_inside_a_sentence(english, written, spoken):
    """A word before and behind, where the text is no heading, list or sentence of its own."""
    if (
        "\n" in written
        or written[-1] in '.!?n"'
        or written.startswith(("3rd St", "12:", "(", "90+"))
        or any(sign in written for sign in "<>#*[`")
        or written[:1].isupper()
    ):
        pytest.skip("a text of its own")
    assert said(english, f"so {written} again") in (f"so {spoken} again", f"so {spoken}. again")


def test_a_sentence_takes_less_than_a_millisecond_on_average(english):
    texts = [written for _, written, _ in ROWS]
    said(english, texts[0])
    began = time.process_time()
    for text in texts:
        english.pieces(text)
    assert (time.process_time() - began) / len(texts) < 0.002  # twice the promise, for slow machines
