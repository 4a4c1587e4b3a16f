"""Words at given times: the spans that semantic-to-mel is told."""

from __future__ import annotations

import pytest
import torch

from indextts2.errors import InputError
from indextts2.stages.duration import Clock
from indextts2.stages.t2s.word_alignment import WordAlignment
from indextts2.stages.t2s.word_times import spans_at

CLOCK = Clock(22_050, 256, 1.72)
SPOKEN = WordAlignment(torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 4, 4, 4]), 1.0)
SECOND = 22_050 / 256


def test_a_piece_begins_at_its_time_and_what_follows_keeps_its_natural_length():
    spans = spans_at(SPOKEN, {2: 0.5}, CLOCK)
    assert spans == ((5, round(0.5 * SECOND)), (7, CLOCK.natural_frames(7)))


def test_several_pieces_and_the_whole_length_are_met_to_the_frame():
    spans = spans_at(SPOKEN, {4: 1.0, 1: 0.2}, CLOCK, seconds=1.5)
    assert [tokens for tokens, _ in spans] == [3, 6, 3]
    ends = torch.tensor([frames for _, frames in spans]).cumsum(0).tolist()
    assert ends == [round(time * SECOND) for time in (0.2, 1.0, 1.5)]


def test_a_piece_that_no_token_speaks_begins_where_the_next_one_does():
    assert spans_at(SPOKEN, {3: 0.5}, CLOCK) == spans_at(SPOKEN, {4: 0.5}, CLOCK)


@pytest.mark.parametrize(
    ("times", "seconds"), [({0: 0.5}, None), ({1: 0.0}, None), ({1: 0.5, 2: 0.4}, None), ({3: 0.5, 4: 0.6}, None),
                           ({2: 0.5}, 0.5), ({9: 0.5}, None)],
)  # fmt: skip
def test_times_that_leave_a_span_without_tokens_or_frames_are_refused(times, seconds):
    with pytest.raises(InputError, match="at least 1 token and 1 frame"):
        spans_at(SPOKEN, times, CLOCK, seconds=seconds)
