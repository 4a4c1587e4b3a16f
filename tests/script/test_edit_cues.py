"""Cues before the speech: shifted, merged, split, on frames, and too short ones told with the seconds they need."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from indextts2.cli.main import main
from indextts2.contracts import Duration, EmotionWeights
from indextts2.errors import InputError
from indextts2.script.edit_cues import CueSettings, describe_cues, edited, merged, shifted, short_cues, snapped, split
from indextts2.script.model import Line, Script
from indextts2.script.read import read_script_file


def cue(start, end, text="Hello there.", **more) -> Line:
    return Line(text, start_ms=start, end_ms=end, **more)


def times(lines) -> list[tuple]:
    return [(line.start_ms, line.end_ms) for line in lines]


def test_cues_are_shifted_and_lines_without_a_cue_are_left():
    lines = [cue(500, 900), Line("Free."), cue(1000, None)]
    assert times(shifted(lines, 1.5)) == [(2000, 2400), (None, None), (2500, None)]
    assert times(shifted(lines, -0.5)) == [(0, 400), (None, None), (500, None)]
    with pytest.raises(InputError, match=r"between -0\.500 and"):
        shifted(lines, -0.501)


def test_near_cues_of_one_speaker_are_merged_and_nothing_else():
    first, second = cue(0, 1000, "One."), cue(1200, 2000, "Two.")
    (one,) = merged([first, second], 0.2, 84)
    assert one == cue(0, 2000, "One. Two.")
    for other in (
        replace(second, speaker="Ben"),
        replace(second, emotion=EmotionWeights.of(sad=0.5)),
        replace(second, duration=Duration("seconds", 1.0)),
        replace(second, start_ms=1201),
        replace(second, start_ms=900),  # it begins before the other ends
    ):
        assert merged([first, other], 0.2, 84) == [first, other]
    assert merged([first, second], 0.2, 8) == [first, second]
    assert len(merged([first, second, cue(2000, 2500, "Three.")], 0.2, 84)) == 1
    assert merged([cue(0, 1, "你好。"), cue(1, 2, "再见。")], 0.0, 84)[0].text == "你好。再见。"


def test_long_cues_are_split_at_sentences_and_share_their_time():
    line = cue(1000, 4000, "Look at this. I have never seen it before. Not once.", speaker="Anna", pause_ms=300)
    parts = split(line, 30)
    assert [part.text for part in parts] == ["Look at this.", "I have never seen it before.", "Not once."]
    assert parts[0].start_ms == 1000 and parts[-1].end_ms == 4000
    assert all(one.end_ms == two.start_ms for one, two in zip(parts, parts[1:], strict=False))
    lengths = [part.end_ms - part.start_ms for part in parts]
    assert lengths[1] > lengths[0] > lengths[2]
    assert [part.pause_ms for part in parts] == [None, None, 300] and {part.speaker for part in parts} == {"Anna"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("first a clause, then a second one", ["first a clause,", "then a second one"]),
        ("only words and words and words", ["only words and", "words and words"]),
        ('He said "Stop." Then he left us.', ['He said "Stop."', "Then he left us."]),
        ("我们走吧。他还没有来，不等了。", ["我们走吧。", "他还没有来，不等了。"]),
        ("Waiting <pause 0.4s> here for it", ["Waiting <pause 0.4s>", "here for it"]),
        ("unbreakablewordthatislong", ["unbreakablewordthatislong"]),
    ],
)
def test_texts_are_split_where_it_is_heard_least(text, parts):
    found = split(Line(text), max(10, len(text) // 2 + 5) if len(parts) > 1 else 10)
    assert [line.text for line in found] == parts


def test_a_line_with_a_length_of_its_own_and_a_cue_too_short_to_share_are_not_split():
    own = replace(cue(0, 1000, "One. Two. Three."), duration=Duration("seconds", 1.0))
    assert split(own, 5) == [own]
    brief = cue(0, 2, "One two three four.")
    assert split(brief, 5) == [brief]


@pytest.mark.parametrize(("fps", "wanted"), [(25.0, [(40, 80), (1000, 1040)]), (23.976, [(42, 83), (1001, 1043)])])
def test_cues_are_put_on_frames_and_last_one_at_least(fps, wanted):
    assert times(snapped([cue(30, 89), cue(1005, 1006)], fps)) == wanted
    assert snapped(snapped([cue(30, 89)], fps), fps) == snapped([cue(30, 89)], fps)


def test_steps_are_done_in_order_and_none_changes_nothing():
    script = Script((cue(0, 1010, "One."), cue(1100, 2010, "Two.")))
    assert edited(script, CueSettings()) == script
    made = edited(script, CueSettings(merge_gap=0.1, shift=1.0, fps=25.0))
    assert made.lines == (cue(1000, 3000, "One. Two."),)
    for wrong in ({"merge_gap": -1.0}, {"fps": 2000.0}, {"shift": float("nan")}, {"split_characters": -1}):
        with pytest.raises(InputError):
            CueSettings(**wrong)


def test_cues_that_are_too_short_are_told_with_the_seconds_they_need():
    script = Script(
        (cue(0, 1000), cue(1000, 3000), Line("Free."), replace(cue(3000, 3100), duration=Duration("tokens", 9)))
    )
    short = short_cues(script, lambda line: 2.0)
    assert [(one.line, one.has, one.needs, one.natural) for one in short] == [(0, 1.0, 1.6, 2.0)]
    assert "has 1.00 s, but needs about 1.60 s" in describe_cues(script, script, short)
    assert short_cues(script, lambda line: 2.0, fastest=0.5) == []


def test_the_command_writes_the_edited_script(tiny_checkpoint, tmp_path, capsys):
    (tmp_path / "in.srt").write_text("1\n00:00:00,100 --> 00:00:00,130\nHello there, all of you.\n", encoding="utf-8")
    arguments = ["cues", str(tmp_path / "in.srt"), "-o", str(tmp_path / "out.srt"), "--shift", "0.5", "--fps", "25"]
    assert main([*arguments, "--check", "--checkpoint", str(tiny_checkpoint), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["too_short"][0]["line"] == 1 and result["too_short"][0]["needs"] > 0.1
    assert times(read_script_file(tmp_path / "out.srt").lines) == [(600, 640)]
    assert main([*arguments[:2], "--shift", "-1"]) == 1
    assert "a shift lies between" in capsys.readouterr().err


def test_lines_whose_words_have_times_are_neither_merged_nor_split_nor_called_too_short():
    timed = Line("Look <at 0.5s> over there, and then come back to me.", start_ms=0, end_ms=1000)
    next_one = Line("Yes.", start_ms=1000, end_ms=2000)
    assert merged([timed, next_one], 1.0, 200) == [timed, next_one] == merged([timed, next_one], 0.0, 200)
    assert split(timed, 20) == [timed] and len(split(replace(timed, text=timed.text.replace("<at 0.5s> ", "")), 20)) > 1
    assert not short_cues(Script((timed,)), lambda line: 9.0)
