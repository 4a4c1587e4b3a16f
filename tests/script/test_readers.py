"""Readers and writers of scripts: right readings, exact round trips, and faults with their line and column."""

from __future__ import annotations

import random
import string
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts2.checks import LONGEST_ASKED
from indextts2.contracts import Duration, EmotionWeights
from indextts2.errors import IndexTTS2Error, InputError, ScriptError
from indextts2.script.kinds import KINDS, SUFFIXES, SUFFIXES_OF
from indextts2.script.model import LINE_UNITS, Line, Script, milliseconds_at, plain_text, samples_of
from indextts2.script.read import READERS, decoded, kind_of, read_script, read_script_file, write_script

from .malformed import case_of

SRT = """\
1
00:00:01,000 --> 00:00:02,500
Anna [happy .6]: Did you <i>hear</i> that?

2
00:00:03,000 --> 00:00:04,250
Somebody is
at the door.
"""
VTT = """\
WEBVTT - example

NOTE nothing

first
00:01.000 --> 00:02.500 align:start
<v Anna>[happy .6]: Did you hear &amp; see that?

00:00:03.000 --> 00:00:04.250
Somebody is <c.red>at</c> the door. <pause 0.4s> Quiet!
"""
ASS = """\
[Script Info]
Title: example

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,left out
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,,{\\i1}Did you, Ben,{\\i0}\\Nhear that?
Dialogue: 0,0:00:03.00,0:00:04.25,Default,,0,0,0,,Ben: I heard nothing.
"""
CSV = """\
speaker,text,emotion,start,end,pause,seed,seconds
Anna,"Did you hear, Ben?",happy .6 sad .2,1,2.5,0.4,7,
Ben,I heard nothing.,,00:00:03.000,4.25,,,1.2
"""
JSON = """\
{"lines": [
  {"speaker": "Anna", "text": "Did you hear?", "emotion": {"happy": 0.6}, "start": 1, "end": 2.5, "takes": 3},
  {"text": "Nothing.", "language": "en", "factor": 1.25}
]}
"""
DIALOGUE = """\
# two people
Anna [happy .6; seed 5, pause 0.4s]: Did you hear that?
    Somebody is at the door.
Ben: I heard <pause 300ms> nothing.
<pause 1s>
The house lay quiet.
old man [start 00:00:20.000; end 22.5; speed 0.8]: At ten: sharp.
[]: Note: this is read by the narrator.
"""
SAMPLES = {"srt": SRT, "vtt": VTT, "ass": ASS, "csv": CSV, "json": JSON, "dialogue": DIALOGUE}
HUGE = "1" + 400 * "0"  # beyond every float
HAPPY = EmotionWeights.of(happy=0.6)


def test_srt_cues_become_lines_with_speaker_emotion_and_times():
    first, second = read_script(SRT).lines
    assert first == Line("Did you hear that?", "Anna", HAPPY, 1000, 2500)
    assert second == Line("Somebody is at the door.", start_ms=3000, end_ms=4250)


def test_vtt_voices_entities_and_notes_are_understood():
    first, second = read_script(VTT).lines
    assert first == Line("Did you hear & see that?", "Anna", HAPPY, 1000, 2500)
    assert second == Line("Somebody is at the door. <pause 0.4s> Quiet!", start_ms=3000, end_ms=4250)


def test_ass_dialogue_keeps_commas_and_loses_overrides():
    first, second = read_script(ASS).lines
    assert first == Line("Did you, Ben, hear that?", "Anna", None, 1000, 2500)
    assert second == Line("I heard nothing.", "Ben", None, 3000, 4250)


def test_tables_hold_every_field():
    first, second = read_script(CSV).lines
    assert first == Line("Did you hear, Ben?", "Anna", EmotionWeights.of(happy=0.6, sad=0.2), 1000, 2500, 400, seed=7)
    assert second == Line("I heard nothing.", "Ben", None, 3000, 4250, duration=Duration("seconds", 1.2))
    assert read_script(CSV.replace(",", "\t").replace("hear\t Ben", "hear, Ben"), "tsv").lines == (first, second)


def test_json_is_a_list_or_an_object_with_lines():
    first, second = read_script(JSON).lines
    assert first == Line("Did you hear?", "Anna", HAPPY, 1000, 2500, takes=3)
    assert second == Line("Nothing.", language="en", duration=Duration("factor", 1.25))
    assert read_script('[{"text": "Nothing."}]').lines == (Line("Nothing."),)


def test_plain_dialogue_reads_names_settings_pauses_and_rows_that_go_on():
    lines = read_script(DIALOGUE).lines
    assert lines[0] == Line("Did you hear that? Somebody is at the door.", "Anna", HAPPY, pause_ms=400, seed=5)
    assert lines[1] == Line("I heard <pause 300ms> nothing.", "Ben", pause_ms=1000)
    assert lines[2] == Line("The house lay quiet.")
    assert lines[3] == Line("At ten: sharp.", "old man", None, 20_000, 22_500, duration=Duration("factor", 1.25))
    assert lines[4] == Line("Note: this is read by the narrator.")


def test_a_sentence_with_a_colon_has_no_speaker():
    assert read_script("He said one thing: run.").lines[0].speaker == ""
    assert read_script("At 5:30 we left.").lines[0].speaker == ""
    assert read_script("李明：你好。").lines[0] == Line("你好。", "李明")


def test_a_speaker_tag_hands_the_rest_of_a_line_to_somebody_else():
    lines = read_script("Anna [happy .6; pause 1s]: Hello. <speaker Ben> [sad .3] Good day. [speaker Anna] Well.").lines
    assert lines == (
        Line("Hello.", "Anna", HAPPY),
        Line("[sad .3] Good day.", "Ben"),
        Line("Well.", "Anna", pause_ms=1000),
    )


def test_the_time_of_a_cue_is_divided_among_its_speakers():
    cue = "1\n00:00:01,000 --> 00:00:04,000\nAnna: Hi there.\n<speaker Ben> Good evening to you all.\n"
    first, second = read_script(cue).lines
    assert (first.start_ms, second.end_ms) == (1000, 4000) and first.end_ms == second.start_ms
    assert second.end_ms - second.start_ms > 2 * (first.end_ms - first.start_ms)
    two = read_script(VTT.replace("<v Anna>", "<v Anna>Hi. <v Ben>")).lines
    assert [line.speaker for line in two] == ["Anna", "Ben", ""] and two[0].text == "Hi."
    assert read_script(VTT.replace("<v Anna>", "<v Anna>Hi. <v Anna>")).lines[0].text.startswith("Hi. [happy")


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_kind_is_seen_in_the_text(kind):
    assert kind_of(SAMPLES[kind]) == kind


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("Anna: Hi.\nBen [hapy .6]: Hello.", 2, 6, "'hapy .6' is no setting"),
        ("Anna:", 1, 1, "Nothing is said"),
        ("<pause 1s>\nAnna: Hi.", 1, 1, "before the first line"),
        ("Anna [end 2]: Hi.", 1, 1, "needs a start"),
        (SRT.replace("00:00:02,500", "00:00:0x,500"), 2, 18, "A time is written as"),
        (SRT.replace("00:00:02,500", "00:00:00,500"), 2, 18, "not after its start"),
        (SRT.replace("2\n00:00:03", "00:00:03").replace("that?\n\n", "that?\n"), 4, 1, "blank line is missing"),
        ("WEBVTTx\n\n", 1, 1, "begins with the word WEBVTT"),
        ("Anna: Hi. <speaker B:n> Hello.", 1, 11, "A speaker's name"),
        ("Anna [seconds 2]: Hi. [speaker Ben] Hello.", 1, 1, "has one speaker"),
        (VTT.replace("<v Anna>", "<v Anna>Hi <v B:n>"), 7, 12, "A speaker's name"),
        (ASS.replace("0:00:03.00", "0:99:03.00"), 8, 13, "below 60"),
        (ASS.replace(",0,0,0,,Ben: I heard nothing.", ""), 8, 1, "10 fields are expected"),
        (CSV.replace("3.000,4.25", "3.000,4.2.5"), 3, 5, "end: A number"),
        (CSV.replace("speaker,text", "speaker,txt"), 1, 2, "'txt' is no field"),
        ("text,speaker\n\"Hi,Anna\nx", 3, 1, "no valid table row"),
        (JSON.replace('"takes": 3', '"takes": -3'), 2, 3, "takes: A number from 0 on"),
        (JSON.replace('"takes": 3', '"takes" 3'), 2, 107, "no valid JSON"),
        (JSON.replace('"factor"', '"fctor"'), 3, 3, "'fctor' is no field"),
        (JSON.replace('"happy"', '"cls"'), 2, 3, "emotion: Unknown emotion cls"),
        (JSON.replace("0.6", HUGE), 2, 3, "emotion: A weight of an emotion is too large"),
        (JSON.replace('"start": 1', f'"start": {HUGE}'), 2, 3, "start: A number is expected"),
        (JSON.replace("1.25", f"-{HUGE}"), 3, 3, "factor: A number is expected"),
    ],
)  # fmt: skip
def test_faults_name_their_line_and_column(text, line, column, words):
    kind = "vtt" if text.startswith("WEBVTT") else "csv" if "speaker," in text or "text," in text else "auto"
    with pytest.raises(ScriptError, match=words) as caught:
        read_script(text, kind, strict=True)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"Line {line}, column {column}: ")


def test_a_file_that_is_no_utf_8_says_where(tmp_path):
    path = tmp_path / "latin.srt"
    path.write_bytes(SRT.replace("door", "Türe").encode("cp1252"))
    with pytest.raises(ScriptError, match="latin.srt: Line 8, column 9: .*UTF-8"):
        read_script_file(path)
    assert "Türe" in read_script_file(path, encoding="cp1252").lines[1].text
    assert decoded(SRT.encode("utf-16")) == SRT
    with pytest.raises(ScriptError, match="cannot be read"):
        read_script_file(tmp_path / "none.srt")


def test_an_empty_script_is_refused():
    for kind in READERS:
        with pytest.raises(ScriptError):
            read_script("WEBVTT\n" if kind == "vtt" else "text" if kind in ("csv", "tsv") else "", kind)


def test_times_of_lines_survive_the_sample_clock():
    for rate in (22_050, 24_000, 44_100):
        for milliseconds in (0, 1, 999, 1001, 3_599_999, 359_999_999):
            assert milliseconds_at(samples_of(milliseconds, rate), rate) == milliseconds


names = st.text(st.characters(codec="utf-8", exclude_characters="[]:：<>{}&#"), max_size=20).map(plain_text)
texts = st.one_of(
    st.text(max_size=60),
    st.text("ab: [];<>-#&{}\\/i1,.'\"|\n", max_size=30),
    st.text("\\Nnha", max_size=8),
    st.sampled_from(["Anna: hi", "[happy .6]: x", "42", "# x", "<pause 1s>", "00:00:01,000 --> 00:00:02,000", "a：b"]),
).map(plain_text)
weights = st.lists(st.floats(0, 1.5), min_size=8, max_size=8).map(lambda values: EmotionWeights(tuple(values)))


@st.composite
def lines(draw, timed=False):
    start = draw(st.integers(0, 10**7)) if timed or draw(st.booleans()) else None
    end = start + draw(st.integers(1, 10**6)) if start is not None and (timed or draw(st.booleans())) else None
    longest = {unit: min(1e6, LONGEST_ASKED[unit]) for unit in LINE_UNITS}
    lengths = st.sampled_from(LINE_UNITS).flatmap(
        lambda unit: st.builds(Duration, st.just(unit), st.floats(1e-6, longest[unit]))
    )
    return Line(
        draw(texts.filter(bool)),
        draw(names.filter(lambda name: len(name) <= 60)),
        draw(st.none() | weights),
        start,
        end,
        draw(st.none() | st.integers(0, 60_000)),
        draw(st.sampled_from(["", "en", "pt-BR"])),
        draw(st.none() | st.integers(0, 2**63 - 1)),
        draw(st.none() | st.integers(1, 64)),
        draw(st.none() | lengths),
    )


@pytest.mark.parametrize("kind", ["srt", "vtt"])
@pytest.mark.parametrize("text", ["\\h", "\\N", "C:\\Network", "a\\\\Nb", "x\\n y", "C:\\new"])
def test_a_backslash_that_is_text_is_no_break_when_it_is_read_again(kind, text):
    script = Script((Line("before", start_ms=0, end_ms=9), Line(text, start_ms=9, end_ms=99)))
    assert read_script(write_script(script, kind), kind) == script


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_a_break_of_ass_is_a_blank(kind):
    script = Script((Line("one\\Nx", start_ms=0, end_ms=9),))
    (line,) = read_script(write_script(script, kind).replace("\\\\N", "\\N"), kind).lines
    assert line.text == "one x"


@settings(max_examples=150, deadline=None)
@given(st.lists(lines(timed=True), min_size=1, max_size=4).map(lambda own: Script(tuple(own))))
@pytest.mark.parametrize("kind", ["srt", "vtt", "json", "dialogue"])
def test_what_is_written_reads_back_the_same(kind, script):
    assert read_script(write_script(script, kind), kind) == script


@settings(max_examples=100, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=4).map(lambda own: Script(tuple(own))))
@pytest.mark.parametrize("kind", ["json", "dialogue"])
def test_lines_without_times_are_written_where_the_format_allows_it(kind, script):
    assert read_script(write_script(script, kind), kind) == script


def test_a_subtitle_file_of_lines_without_times_is_refused():
    with pytest.raises(InputError, match="Line 1 of the script has no times"):
        write_script(read_script("Anna: Hi."), "srt")


def spoiled(text: str, dice: random.Random) -> str:
    """A file as accidents leave it: characters gone, doubled, swapped or strange, rows lost, files cut."""
    rows = text.split("\n")
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(text)) if text else 0
        kind = dice.randrange(8)
        if kind == 0:
            text = text[:at] + text[at + dice.randint(1, 8) :]
        elif kind == 1:
            text = text[:at] + dice.choice(string.punctuation + "\x00\x0b\u2028\ud800é：") + text[at:]
        elif kind == 2:
            text = text[:at] + text[at : at + 20] * 3 + text[at:]
        elif kind == 3:
            rows = text.split("\n")
            dice.shuffle(rows)
            text = "\n".join(rows)
        elif kind == 4:
            text = text[:at]
        elif kind == 5:
            text = text.replace(dice.choice(':,->[]"{}\n'), dice.choice(["", "::", "\t", "9" * 5000, "-1"]), 2)
        elif kind == 6:
            text = text[:at] + dice.choice(["[" * 2000, "<v ", "1e999", "NaN", "00:00:00,000 --> ", '"']) + text[at:]
        else:
            text = text.replace("\n", dice.choice(["\r", "\r\n", "\n\n", "\u2029"]))
    return text


def test_a_thousand_spoiled_scripts_give_a_reading_or_a_clear_error():
    dice = random.Random(5)
    outcomes = {"read": 0, "refused": 0}
    for number in range(1000):
        kind = list(SAMPLES)[number % len(SAMPLES)]
        text = spoiled(SAMPLES[kind], dice)
        reader = "auto" if dice.random() < 0.2 else kind
        try:
            script = read_script(text, reader)
        except IndexTTS2Error as error:
            assert isinstance(error, ScriptError) and len(str(error)) > 20, (text, error)
            outcomes["refused"] += 1
        else:
            assert all(line.text for line in script.lines)
            outcomes["read"] += 1
    assert min(outcomes.values()) > 100, outcomes


def test_a_thousand_scripts_with_one_known_accident_read_right_or_name_the_row():
    dice = random.Random(7)
    counts = {"right": 0, "refused": 0}
    for _ in range(1000):
        case = case_of(dice)
        if not case.row:
            assert read_script(case.text, case.kind) == case.script, (case.kind, case.accident, case.text)
            counts["right"] += 1
            continue
        with pytest.raises(ScriptError) as caught:
            read_script(case.text, case.kind, strict=True)
        assert caught.value.line == case.row, (case.kind, case.accident, str(caught.value), case.text)
        assert str(caught.value).startswith(f"Line {case.row}, column ") and len(str(caught.value)) > 40
        counts["refused"] += 1
    assert min(counts.values()) > 400, counts


def test_well_formed_subtitles_read_as_the_well_kept_parser_reads_them():
    pysubs2 = pytest.importorskip("pysubs2", reason="the parser to compare with is not installed")
    for kind in ("srt", "vtt", "ass"):
        theirs = [event for event in pysubs2.SSAFile.from_string(SAMPLES[kind], format_=kind) if not event.is_comment]
        ours = read_script(SAMPLES[kind], kind).lines
        assert [(line.start_ms, line.end_ms) for line in ours] == [(event.start, event.end) for event in theirs]


def test_the_formats_of_the_documentation_are_read():
    text = textwrap.dedent(
        """\
        Anna [happy .6]: text <pause 0.4s>
        """
    )
    assert read_script(text).lines == (Line("text <pause 0.4s>", "Anna", HAPPY),)


@pytest.mark.parametrize(
    "inner", ["<span>" * 5_000 + "Hi" + "</span>" * 5_000, "\ud800 Hi", "<span" * 50], ids=["deep", "half", "open"]
)
def test_hostile_xml_is_one_sentence(inner):
    text = f'<tt xmlns="http://www.w3.org/ns/ttml"><body><p begin="0.5s" end="2.6s">{inner}</p></body></tt>'
    with pytest.raises(ScriptError) as caught:
        read_script(text, "ttml", strict=True)
    assert len(str(caught.value)) < 300


def test_nodes_commands_and_readers_share_one_table_of_kinds():
    assert KINDS == ("auto", *READERS)
    assert set(SUFFIXES.values()) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_text_of_every_kind_is_told_by_a_file_with_a_suffix_of_it(kind):
    assert all(SUFFIXES[suffix] == kind for suffix in SUFFIXES_OF[kind]) and SUFFIXES_OF[kind]
