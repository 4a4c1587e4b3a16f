"""Words in time of a script: on the timeline, with their speakers, kept with the finished lines."""

from __future__ import annotations

from dataclasses import replace

import torch

from indextts2.script.line import LineReport, SpokenLine
from indextts2.script.mix import MixSettings, mix
from indextts2.script.passages import joined_passages
from indextts2.script.run import speak_script
from indextts2.script.store import LineStore
from indextts2.script.words import timeline_words
from tests.script.conftest import SCRIPT


def test_the_words_of_a_script_lie_in_their_lines_and_name_their_speakers(job, models, tmp_path):
    asked = job(SCRIPT)
    lines = speak_script(asked, lambda: models, store=LineStore(tmp_path))
    timeline = mix(asked.script, lines, 22_050, MixSettings("overlap"))
    words = timeline_words(asked.script, lines, timeline)
    assert words.sample_count == timeline.waveform.samples.shape[-1]
    said = {place.line: [word for word in words.words if word.group == place.line] for place in timeline.placements}
    assert [word.text for word in said[0]] == ["Hello", "there."] and {word.speaker for word in said[1]} == {"Ben"}
    for place in timeline.placements:
        starts = [word.start for word in said[place.line]]
        assert starts == sorted(starts)
        assert place.start <= starts[0] and said[place.line][-1].end <= place.end
    again = speak_script(asked, lambda: models, store=LineStore(tmp_path))
    assert [line.report.words for line in again] == [line.report.words for line in lines]


def test_words_of_a_recorded_line_are_spread_over_it_by_their_letters(job):
    script = replace(job(SCRIPT).script, lines=job(SCRIPT).script.lines[:1])
    one = SpokenLine(torch.ones(1000), torch.zeros(0), LineReport("spoken", "", None, 1000, 22_050))
    words = timeline_words(script, [one], mix(script, [one], 22_050, MixSettings())).words
    assert (
        words[0].text == "Hello"
        and words[0].end - words[0].start == 1000 * 5 // 11
        and words[-1].end == words[0].start + 1000
    )


def test_words_of_passages_follow_each_other(job):
    report = LineReport("spoken", "", None, 100, 22_050)
    from indextts2.contracts import SpokenWord

    part = SpokenLine(torch.zeros(100), torch.zeros(0), replace(report, words=(SpokenWord("a", 10, 20, 0),)))
    joined = joined_passages([part, part]).report.words
    assert [(word.start, word.end, word.group) for word in joined] == [(10, 20, 0), (110, 120, 1)]
