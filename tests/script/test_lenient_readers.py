"""Readers as players are: what can be read is read, everything else is listed, nothing is lost silently."""

from __future__ import annotations

import pytest

from indextts2.errors import ScriptError
from indextts2.script.captions import is_sound, spoken_text
from indextts2.script.model import Line
from indextts2.script.names import known_speakers
from indextts2.script.read import kind_of, read_script, read_script_file

HEAD = "[Script Info]\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"


def cue(*rows: str) -> str:
    return "1\n00:00:01,000 --> 00:00:03,000\n" + "\n".join(rows) + "\n"


def said(text: str, **settings) -> list[tuple[str, str]]:
    return [(line.speaker, line.text) for line in read_script(text, **settings).lines]


def test_automatic_captions_with_rows_of_one_blank_are_read_and_their_repeats_are_spoken_once():
    text = (
        "WEBVTT\nKind: captions\nLanguage: en\n\n"
        "00:00:00.000 --> 00:00:02.000 align:start position:0%\n \nhello<00:00:00.320><c> world</c>\n\n"
        "00:00:02.000 --> 00:00:02.010 align:start position:0%\nhello world\n \n\n"
        "00:00:02.010 --> 00:00:04.000 align:start position:0%\nhello world\nthis<00:00:02.500><c> is it</c>\n"
    )
    script = read_script(text)
    assert script.lines == (Line("hello world", "", None, 0, 2000), Line("this is it", "", None, 2010, 4000))
    assert "Rolling captions" in script.notes[0]


def test_a_row_of_blanks_inside_a_cue_does_not_end_it():
    assert said(cue("one", " ", "two")) == [("", "one two")]
    assert said("WEBVTT\n\n00:01.000 --> 00:02.000\n \none\n \ntwo\n\n00:03.000 --> 00:04.000\nthree") == [
        ("", "one two"),
        ("", "three"),
    ]


def test_the_first_cue_directly_below_the_word_webvtt_is_read():
    assert said("WEBVTT\n00:00.000 --> 00:01.000\nFirst.\n\n00:01.000 --> 00:02.000\nSecond.") == [
        ("", "First."),
        ("", "Second."),
    ]


def test_all_findings_of_a_file_are_listed_at_once_with_their_rows_and_the_rest_is_read():
    text = (
        "1\n00:00:01,000 --> 00:00:01,000\n\n2\n00:00:02,000 --> 00:00:03,000\nHi.\n\n"
        "3\n00:00:03,500 --> 00:00:03,500\nZero.\n\n4\nbad --> 00:00:05,000\nText.\n\n"
        "5\n00:00:06,000 --> 00:00:07,000\nA\n6\n00:00:08,000 --> 00:00:09,000\nB\n\nC\n"
    )
    script = read_script(text)
    assert [line.text for line in script.lines] == ["Hi.", "Zero.", "Text.", "A", "B C"]
    assert [note.split(",")[0] for note in script.notes] == ["Line 2", "Line 9", "Line 13", "Line 19", "Line 23"]
    assert (script.lines[1].start_ms, script.lines[1].end_ms) == (3500, None)
    with pytest.raises(ScriptError, match="Line 2, column 18"):
        read_script(text, strict=True)


@pytest.mark.parametrize(
    ("text", "kind", "lines", "found"),
    [
        ("Anna [hapy .6; seed 5]: Hello.", "dialogue", [("Anna", "Hello.")], "hapy"),
        ("Anna:\nBen: Hi.", "dialogue", [("Ben", "Hi.")], "Nothing is said"),
        ("<pause 1s>\nBen: Hi.", "dialogue", [("Ben", "Hi.")], "before the first line"),
        ("Ben [end 2]: Hi.", "dialogue", [("Ben", "Hi.")], "needs a start"),
        ("text,start\nHi,soon\nYo,2\n", "csv", [("", "Hi"), ("", "Yo")], "start"),
        ("text,colour\nHi,red\n", "csv", [("", "Hi")], "no field"),
        ("text,start\nHi,1,2,3\n", "csv", [("", "Hi")], "cells are expected"),
        ('[{"text": "Hi", "takes": -1}, 5]', "json", [("", "Hi")], "takes"),
        ("WEBVTTx\n\n00:01.000 --> 00:02.000\nHi", "vtt", [("", "Hi")], "begins with the word"),
        (HEAD + "Dialogue: 0,x,0:00:02.00,Default,,0,0,0,,A\nDialogue: 0,0:00:03.00,0:00:04.00,D,,0,0,0,,B", "ass",
         [("", "B")], "A time"),
    ],
)  # fmt: skip
def test_a_fault_of_any_format_is_a_finding_and_an_error_only_when_strict(text, kind, lines, found):
    assert said(text, kind=kind) == lines
    assert any(found in note for note in read_script(text, kind).notes)
    with pytest.raises(ScriptError):
        read_script(text, kind, strict=True)


@pytest.mark.parametrize(
    "text",
    [
        "Remember: be nice.", "Star Wars: A New Hope", "Warning: wet floor.", "Note: the shop is closed.",
        "Question: who am I?", "Paris: city of light.", "Mission Impossible: Fallout", "Fact: water is wet.",
        "Chapter One: The Start", "Breaking News: rain.", "Two things: bread and milk.", "P.S.: I love you.",
        "WARNING: KEEP OUT", "Ingredients: salt and oil", "The answer is simple: no.", "Tip: stir well.",
    ],
)  # fmt: skip
def test_a_word_and_a_colon_is_spoken_whole_where_no_speaker_is_known_by_it(text):
    assert said(text) == said(cue(text)) == [("", text)]
    assert not said(cue(text))[0][0]


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        ("Zorb", "Zorb: One.\nZorb: Two.", {}),
        ("Zorb", "Zorb: One.", {"speakers": ["Zorb"]}),
        ("Zorb", "Zorb [happy .6]: One.\nZorb: Two.", {}),
        ("Zorb", "Anna: One. <speaker Zorb> Two.\nZorb: Three.", {}),
        ("Warning", "Warning []: One.", {}),
        ("MARY", "MARY: One.", {}),
        ("MAN 2", "MAN 2: One.", {}),
        ("Anna", "Anna: One.", {}),
        ("Narrator", "Narrator: One.", {}),
        ("Old man", "Old man []: One.", {}),
        ("李明", "李明：你好。", {}),
        ("Mr Smith", "Mr Smith: One.", {}),
    ],
)
def test_a_speaker_is_known_by_the_cast_a_header_twice_capitals_or_a_name(name, text, settings):
    assert name in {speaker for speaker, _ in said(text, **settings)}


def test_the_report_lists_what_was_taken_for_a_speaker_and_what_was_not():
    notes = read_script("Anna: Hi.\nRemember: be nice.\nAnna: Yes.").notes
    assert "Anna (2)" in notes[0] and "Remember:" in notes[1]


def test_names_of_one_file_are_known_whatever_their_case():
    assert known_speakers(["Mary", "MARY"]) == {"mary"}


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["[door creaks]"], []),
        (["[DOOR CREAKS] Who's there?"], [("", "Who's there?")]),
        (["(sighs) All right."], [("", "All right.")]),
        (["(laughing): Stop it!"], [("", "Stop it!")]),
        (["He came (late as usual) and left."], [("", "He came (late as usual) and left.")]),
        (["♪ Happy birthday to you ♪"], [("", "Happy birthday to you")]),
        (["♪♪"], []),
        (["# La la la #"], [("", "La la la")]),
        ([">> MARY: Hello."], [("MARY", "Hello.")]),
        ([">> Hello."], [("", "Hello.")]),
        ([">>> Good evening."], [("", "Good evening.")]),
        (["&gt;&gt; JOHN: Hi."], [("JOHN", "Hi.")]),
        (["MARY [on phone]: Hello."], [("MARY", "Hello.")]),
        (["MARY (V.O.): Hello."], [("MARY", "Hello.")]),
        (["<v Mary>Hello.</v>"], [("Mary", "Hello.")]),
        (["{\\an8}Hello."], [("", "Hello.")]),
        (["<font color=\"#fff\">Hello.</font>"], [("", "Hello.")]),
        (["You &amp; me"], [("", "You & me")]),
        (["- Hi.", "- Yo."], [("Speaker 1", "Hi."), ("Speaker 2", "Yo.")]),
        (["-Where are", "you?", "–Here."], [("Speaker 1", "Where are you?"), ("Speaker 2", "Here.")]),
        (["- Where? - Here."], [("Speaker 1", "Where?"), ("Speaker 2", "Here.")]),
        (["- ANNA: Hi.", "- Yo."], [("ANNA", "Hi."), ("Speaker 2", "Yo.")]),
        (["- Only me."], [("", "Only me.")]),
    ],
)  # fmt: skip
def test_what_is_no_speech_in_captions_is_left_out_or_used(rows, lines):
    assert said(cue(*rows, "", "2", "00:00:04,000 --> 00:00:05,000", "End.")) == [*lines, ("", "End.")]


def test_what_is_left_out_is_noted_and_an_option_keeps_it():
    text = cue("[door creaks] Hello (sighs).")
    assert any("[door creaks] (sighs)" in note for note in read_script(text).notes)
    assert said(text, keep=True) == [("", "[door creaks] Hello (sighs).")]


@pytest.mark.parametrize("words", ["sighs", "laughing", "phone ringing", "MUSIC", "in French", "clears her throat"])
def test_sounds_are_told_from_words_in_brackets(words):
    assert is_sound(words)
    assert not is_sound("as he always said to me") and not is_sound("my brother")


def test_drawings_and_overrides_of_ass_are_no_speech():
    rows = [
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}",
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\an8\\pos(1,2)}Hello\\Nthere{\\k20}\\h!",
    ]
    assert said(HEAD + "\n".join(rows)) == [("", "Hello there !")]


def test_drawings_and_comments_of_ass_are_named_with_their_rows():
    rows = [
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}",
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\an8}Hello{a note to the editor} there",
        "Comment: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,not for the screen",
    ]
    notes = read_script(HEAD + "\n".join(rows)).notes
    assert notes == (
        "Line 4: Not spoken: a drawing.",
        "Line 5: Not spoken: {a note to the editor}",
        "Line 5: Not spoken: overrides, '{\\an8}'.",
        "Line 6: Not spoken, as it is a comment: not for the screen",
    )


def test_inline_tags_of_a_caption_stay():
    assert spoken_text(["<pause 0.4s> Hi [happy .6] there"], []) == "<pause 0.4s> Hi [happy .6] there"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("srt", cue("Hello.")),
        ("sbv", "0:00:01.000,0:00:03.000\nHello.\n"),
        ("lrc", "[ar:Nobody]\n[00:01.00]Hello.\n[00:03.00]\n"),
        ("ttml", '<?xml version="1.0"?>\n<tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
         '<p begin="00:00:01.000" end="3s">Hello.</p></div></body></tt>'),
        ("ttml", '<tt><body><p begin="1s" dur="2000ms"><span>Hello.</span></p></body></tt>'),
        ("csv", "start\tend\ttext\n1000\t3000\tHello.\n"),
        ("json", '{"text": "Hello.", "segments": [{"id": 0, "start": 1.0, "end": 3.0, "text": " Hello."}]}'),
        ("vtt", "WEBVTT\n\n00:01.000 --> 00:03.000\nHello.\n"),
    ],
)  # fmt: skip
def test_formats_are_known_by_what_they_hold_whatever_the_suffix(kind, text, tmp_path):
    assert kind_of(text) == kind
    path = tmp_path / "saved_as.txt"
    path.write_text(text, encoding="utf-8")
    assert read_script_file(path).lines == (Line("Hello.", "", None, 1000, 3000),)


def test_a_table_in_seconds_is_not_taken_for_a_transcript():
    assert read_script("start\tend\ttext\n1\t3\tHello.\n").lines == (Line("Hello.", "", None, 1000, 3000),)


def test_lyrics_with_several_times_and_an_offset_are_read():
    lines = read_script("[offset:500]\n[00:01.00][00:10.50]Hello.\n[00:05:25]World.", "lrc").lines
    assert [(line.start_ms, line.text) for line in lines] == [(500, "Hello."), (4750, "World."), (10_000, "Hello.")]


def test_frames_and_ticks_of_ttml_are_times():
    text = '<tt frameRate="25" tickRate="1000"><body><p begin="00:00:01:05" end="3000t">Hi.</p></body></tt>'
    line = read_script(text, "ttml").lines[0]
    assert (line.start_ms, line.end_ms) == (1200, 3000)


def test_a_damaged_or_hostile_ttml_is_refused_in_one_sentence():
    for text in ("<tt><body><p>", '<!DOCTYPE tt [<!ENTITY a "b">]><tt><body><p>&a;</p></body></tt>'):
        with pytest.raises(ScriptError):
            read_script(text, "ttml")


@pytest.mark.parametrize("arrow", ["->", "–>", "-- >", "→", "-", "=>"])
def test_another_arrow_between_times_is_read_as_the_one_that_belongs_there_and_named(arrow):
    text = f"1\n00:00:01,000 {arrow} 00:00:02,000\nHello.\n"
    script = read_script(text, "srt")
    assert [(line.text, line.start_ms, line.end_ms) for line in script.lines] == [("Hello.", 1000, 2000)]
    assert any(f"got '{arrow}'" in note for note in script.notes)
    with pytest.raises(ScriptError, match="between the times"):
        read_script(text, "srt", strict=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("MARY: Go on. >> BOB: No.", [("MARY", "Go on."), ("BOB", "No.")]),
        (">> ANNA: One.\n>> BEN: Two.", [("ANNA", "One."), ("BEN", "Two.")]),
        ("Yo. >> Right.", [("Speaker 1", "Yo."), ("Speaker 2", "Right.")]),
        ("&gt;&gt; Hi.\n&gt;&gt; Yo.", [("Speaker 1", "Hi."), ("Speaker 2", "Yo.")]),
        (">> Only one.", [("", "Only one.")]),
        ("5 > 3 and 9 >> 1", [("", "5 > 3 and 9 >> 1")]),
    ],
)
def test_a_change_of_speaker_inside_a_cue_is_two_speakers(rows, said):
    script = read_script(f"1\n00:00:01,000 --> 00:00:02,000\n{rows}\n", "srt")
    assert [(line.speaker, line.text) for line in script.lines] == said


def test_a_word_in_a_style_of_its_own_keeps_the_mark_behind_it():
    body = '<p begin="1s" end="2s">Hello <span>there</span>.<br/> Who <span>a</span><span>m</span> I?</p>'
    script = read_script(f'<tt xmlns="http://www.w3.org/ns/ttml"><body><div>{body}</div></body></tt>', "ttml")
    assert script.lines[0].text == "Hello there. Who am I?"
