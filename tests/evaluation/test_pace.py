"""How fast a checkpoint speaks is fitted to what it spoke, and its error measured on other texts."""

from __future__ import annotations

import json
import random

import pytest

from indextts2.cli.main import main
from indextts2.contracts import Segment
from indextts2.errors import InputError
from indextts2.evaluation.pace import SpokenText, fitted_pace, relative_errors, spoken_freely, with_error
from indextts2.loading.checkpoint import load_t2s, open_checkpoint
from indextts2.stages.natural_length import natural_seconds
from indextts2.text.pace import DEFAULT_PACE, RATES, Pace
from tests.stages.speaking import tiny_speaker

WORDS = "table river Monday captain stormy it was a long extraordinary evening and they, after all; went. Home".split()
TRUE = Pace(segment=0.5, syllable=0.08, letter=0.03, syllabic=0.1, comma=0.2, stop=0.4)


def spoken(count, seed=0, noise=0.0, pace=TRUE):
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 15))) for _ in range(count)]
    segments = [Segment(text, (1,), spoken=text) for text in texts]
    return [SpokenText(one, natural_seconds(one, pace) * draw.uniform(1 - noise, 1 + noise)) for one in segments]


def test_the_rates_that_made_the_lengths_are_found_again():
    pace = fitted_pace(spoken(200))
    assert [getattr(pace, name) for name in RATES if name != "syllabic"] == pytest.approx(
        [getattr(TRUE, name) for name in RATES if name != "syllabic"], abs=1e-3
    )
    assert pace.measured


def test_rates_are_never_negative_and_a_unit_that_was_not_seen_keeps_the_scaled_default():
    made = spoken(60, noise=0.5)
    pace = fitted_pace(made)
    assert all(getattr(pace, name) >= 0.0 for name in RATES)
    twice = fitted_pace([SpokenText(one.segment, 2 * one.seconds) for one in made])
    assert twice.syllabic == pytest.approx(2 * pace.syllabic) and pace.syllabic > 0.0


def test_a_few_takes_that_went_wrong_do_not_bend_the_fit():
    made = spoken(100)
    broken = [SpokenText(one.segment, 4 * one.seconds) if index % 12 == 0 else one for index, one in enumerate(made)]
    pace = with_error(fitted_pace(broken), spoken(50, seed=1))
    assert pace.median_error is not None and pace.median_error < 0.05


def test_the_error_is_the_median_over_held_out_texts():
    held_out = spoken(31, seed=2)
    pace = with_error(DEFAULT_PACE, held_out)
    assert pace.median_error == sorted(relative_errors(held_out, DEFAULT_PACE))[15]
    with pytest.raises(InputError, match="held-out"):
        with_error(DEFAULT_PACE, [])
    with pytest.raises(InputError, match="at least 10"):
        fitted_pace(made := spoken(3))
    assert len(made) == 3


def test_only_takes_that_ended_by_themselves_count(tiny_checkpoint):
    from dataclasses import replace

    t2s = load_t2s(open_checkpoint(tiny_checkpoint))
    speaker = replace(tiny_speaker(), fingerprint="", encoder_fingerprint="")
    found = spoken_freely(t2s, ["Hello there. Good day."], speaker)
    assert len(found) <= 2 and all(one.seconds > 0.0 and one.segment.duration is None for one in found)


def test_the_command_writes_the_numbers_beside_the_checkpoint(write_tiny, tmp_path, capsys, monkeypatch):
    from indextts2.evaluation import pace as module

    folder = write_tiny(tmp_path / "tiny")
    monkeypatch.setattr(module, "spoken_freely", lambda t2s, texts, speaker, **_: spoken(len(texts), seed=len(texts)))
    (tmp_path / "fit.txt").write_text("\n".join(f"Text {n}." for n in range(30)) + "\nHeld.\n", encoding="utf-8")
    rows = [json.dumps({"text": f"Held {n}."}) for n in range(12)]
    (tmp_path / "held.jsonl").write_text("\n".join(rows), encoding="utf-8")
    arguments = ["pace", str(tmp_path / "fit.txt"), "--held-out", str(tmp_path / "held.jsonl"), "--json"]
    assert main([*arguments, "--checkpoint", str(folder), "--device", "cpu"]) == 0
    result = json.loads(capsys.readouterr().out)
    kept = json.loads((folder / "pace.json").read_text(encoding="utf-8"))
    assert kept["median_error"] == pytest.approx(result["median_error"], abs=1e-4)
    assert kept["measured"]["held_out"] == 12 and set(kept["seconds"]) == set(RATES)
