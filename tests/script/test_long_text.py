"""Long texts: spoken in passages of few segments, whatever their length, and resumed inside a line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indextts2.contracts import Duration
from indextts2.errors import Cancelled
from indextts2.script import line as line_module
from indextts2.script.fit import Slot
from indextts2.script.line import LineAsk
from indextts2.script.passages import SEGMENTS, passages_of
from indextts2.script.run import finished_lines, run_lines
from indextts2.script.store import LineStore
from indextts2.stages.prepare_text import prepare_text

SENTENCE = "Hello there. "


def page(sentences: int) -> str:
    """A narrator's line: tags keep every sentence a segment of its own."""
    return "<pause 0.05s> ".join([SENTENCE] * sentences)


@pytest.fixture
def rows_at_once(monkeypatch) -> list[int]:
    """How many rows each call of semantic-to-mel was given."""
    counts: list[int] = []
    real = line_module.semantic_to_mel

    def counted(s2m, semantic, *more, **named):
        counts.append(len(semantic.token_lengths))
        return real(s2m, semantic, *more, **named)

    monkeypatch.setattr(line_module, "semantic_to_mel", counted)
    return counts


def test_a_page_is_spoken_in_passages_and_no_stage_holds_more_than_one(models, job, rows_at_once, tmp_path):
    work, store = job(page(2 * SEGMENTS + 1)), LineStore(tmp_path)
    run_lines(work, lambda: models, store)
    assert rows_at_once == [SEGMENTS, SEGMENTS, 1]
    (spoken,) = finished_lines(work, store)
    assert spoken is not None and spoken.report.passages == 3
    assert spoken.audio.shape[0] == spoken.report.sample_count and len(spoken.tokens) == spoken.report.token_count
    assert {take.seed for take in spoken.report.takes} == {0, 1_000_003, 2_000_006}
    assert len(list(tmp_path.iterdir())) == 1, "passages are forgotten when the line is finished"


def test_a_page_that_was_stopped_goes_on_with_its_finished_passages(models, job, rows_at_once, tmp_path):
    work = job(page(SEGMENTS + 2))
    whole, parts = LineStore(tmp_path / "whole"), LineStore(tmp_path / "parts")
    run_lines(work, lambda: models, whole)

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise Cancelled("stopped by the test")

    with pytest.raises(Cancelled):
        run_lines(work, lambda: models, parts, progress=stop)
    assert len(list((tmp_path / "parts").iterdir())) == 1
    rows_at_once.clear()
    run_lines(work, lambda: models, parts)
    assert rows_at_once == [2]
    files = [[path.read_bytes() for path in (tmp_path / name).iterdir()] for name in ("whole", "parts")]
    assert files[0] == files[1]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    store = LineStore(tmp_path)
    for name in ("a.safetensors", "a-passage-0000.safetensors", "b-passage-0001.safetensors", "a.safetensors.7.part"):
        (tmp_path / name).write_bytes(b"1")
    store.tidy()
    assert {path.name for path in tmp_path.iterdir()} == {"a.safetensors", "b-passage-0001.safetensors"}


def test_lines_with_a_length_to_keep_are_spoken_whole(models):
    ask = LineAsk(prepare_text(models.t2s.front_end, page(SEGMENTS + 3)))
    assert len(passages_of(ask, None, takes_start_only=False)) == 2
    for kept in (replace(ask, duration=Duration("seconds", 9.0)), replace(ask, slot=Slot(1000, None))):
        assert passages_of(kept, None, takes_start_only=False) == (kept,)
    assert passages_of(replace(ask, slot=Slot(1000, 2000)), None, takes_start_only=True)[0].slot.deadline == 2000
    cut = passages_of(ask, None, takes_start_only=False)
    assert sum(len(part.text.segments) for part in cut) == len(ask.text.segments)
    assert all(part.text.segments[-1].pause_seconds > 0.0 for part in cut[:-1])


def test_segments_without_a_pause_are_never_parted(models):
    ask = LineAsk(prepare_text(models.t2s.front_end, page(SEGMENTS + 3)))
    flat = replace(ask.text, segments=tuple(replace(one, pause_seconds=0.0) for one in ask.text.segments))
    assert len(passages_of(replace(ask, text=flat), None, takes_start_only=False)) == 1
