"""Lines of a script whose words have times of their own, counted from the start of the line."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import pause_samples
from indextts2.script.mix import MixSettings, mix
from indextts2.script.run import speak_script
from indextts2.script.words import timeline_words

RATE = 22_050
TIMED = "Anna [start 1]: <at 0.3s> Hello there. <pause 0.1s> <at 1.2s> Good day.\nBen [start 4]: Good day."


@pytest.fixture
def spoken(job, models):
    def speak(text):
        made = job(text)
        return made.script, speak_script(made, lambda: models)

    return speak


def test_words_of_a_line_begin_at_their_times_and_on_the_timeline_after_its_start(spoken):
    script, lines = spoken(TIMED)
    report = lines[0].report
    assert report.status == "spoken" and report.asked == "words at given times"
    assert {word.text: word.asked for word in report.words if word.asked is not None} == {
        "Hello": round(0.3 * RATE), "Good": round(1.2 * RATE),
    }  # fmt: skip
    assert not lines[0].audio[: round(0.25 * RATE)].any()
    timeline = mix(script, lines, RATE, MixSettings())
    on_track = {word.text: word.asked for word in timeline_words(script, lines, timeline).words if word.asked}
    assert on_track == {"Hello": round(1.3 * RATE), "Good": round(2.2 * RATE)}


def test_a_line_is_as_long_as_its_times_make_it_whatever_its_cue(spoken):
    (free,), (cued,) = (spoken(f"Anna [{cue}]: <at 0.5s> Hello there.")[1] for cue in ("start 1", "start 1; end 1.4"))
    assert torch.equal(free.audio, cued.audio) and len(free.audio) > pause_samples(0.5, RATE)


def test_a_line_that_its_times_carry_into_the_next_is_listed(spoken):
    script, lines = spoken("Anna [start 1]: <at 2s> Hello there.\nBen [start 2]: Good day.")
    assert lines[0].report.status == "unfit" and lines[0].report.needs_samples == lines[0].report.sample_count
    assert [one.line for one in mix(script, lines, RATE, MixSettings()).unfit] == [0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Anna: Hello there <pause 0.1s> <at 0.01s> you.", "Ask for a later time"),
        ("Anna [seconds 2]: Hello <at 1s> there.", "Leave out the other length"),
    ],
)
def test_times_that_cannot_be_are_refused_for_their_line_alone(spoken, line, reason):
    _, lines = spoken(f"{line}\nBen: Good day.")
    assert [one.report.status for one in lines] == ["refused", "spoken"]
    assert reason in lines[0].report.warnings[0]


def test_a_long_line_with_times_is_not_cut_into_passages(spoken):
    text = " ".join(["Good day. <pause 0.1s>"] * 9)
    (line,) = spoken(f"Anna: <at 0.2s> {text}")[1]
    assert line.report.passages == 1 and line.report.words[0].asked == round(0.2 * RATE)
