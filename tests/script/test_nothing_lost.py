"""Whatever a file holds is spoken, or stands in the findings with its row."""

from __future__ import annotations

import random
import re

import pytest

from indextts2.errors import ScriptError
from indextts2.script.read import read_script

WORDS = tuple(
    "amber birch cedar dahlia elder fennel gorse hazel iris juniper kale lilac maple nettle olive poppy".split()
)
ASS_HEAD = "[Script Info]\nTitle: {}\n[Events]\nFormat: Layer, Start, End, Name, Effect, Text\n"


def clocks(number: int, mark: str) -> str:
    return f"00:00:{2 * number + 10:02}{mark}000"


def blocks(own: list[str], row: str) -> str:
    return "\n\n".join(row.format(at + 1, clocks(at, ","), clocks(at + 1, ","), word) for at, word in enumerate(own))


FORMATS = {
    "srt": lambda own: blocks(own, "{}\n{} --> {}\nThe {}\nis a plant"),
    "vtt": lambda own: (
        f"WEBVTT {own[0]}\nKind: captions\n\nNOTE {own[1]}\n\n"
        + blocks(own[2:], "id{}\n{} --> {} align:left\n<v Anna>The {}").replace(",000", ".000")
    ),
    "sbv": lambda own: "\n\n".join(f"0:00:{at + 10}.000,0:00:{at + 11}.000\nThe {word}" for at, word in enumerate(own)),
    "lrc": lambda own: (
        f"[ar:{own[0]}]\n[ti:{own[1]}]\n[offset:100]\n"
        + "\n".join(f"[00:{at + 10}.50]The {word}" for at, word in enumerate(own[2:]))
    ),
    "ass": lambda own: (
        ASS_HEAD.format(own[0])
        + "\n".join(f"Dialogue: 0,0:00:{at + 10}.00,0:00:{at + 11}.00,,,The {word}" for at, word in enumerate(own[1:]))
    ),
    "microdvd": lambda own: (
        "{1}{1}25\n" + "\n".join(f"{{{25 * at}}}{{{25 * at + 20}}}The {w}|is" for at, w in enumerate(own))
    ),
    "mpl2": lambda own: "\n".join(f"[{at}][{at + 1}]/The {word}|is" for at, word in enumerate(own)),
    "tmplayer": lambda own: "\n".join(f"00:00:{at + 10}:The {word}|is" for at, word in enumerate(own)),
    "sami": lambda own: (
        f"<SAMI><HEAD><TITLE>{own[0]}</TITLE></HEAD><BODY>\n<!-- {own[1]} -->\n"
        + "\n".join(
            f"<SYNC Start={at}000><P Class=ENCC>The {w}<br>is\n<P Class=FRCC>La {w}" for at, w in enumerate(own[2:])
        )
        + "\n</BODY></SAMI>"
    ),
    "ttml": lambda own: (
        f"<tt><head><title>{own[0]}</title></head>\n<body>\n"
        + "\n".join(f'<p begin="{at}s" end="{at + 1}s">The <span>{w}</span></p>' for at, w in enumerate(own[1:]))
        + "\n</body></tt>"
    ),
    "tsv": lambda own: (
        "start\tend\ttext\n" + "\n".join(f"{at}000\t{at + 1}000\tThe {word}" for at, word in enumerate(own))
    ),
    "json": lambda own: (
        '{"segments": [\n'
        + ",\n".join(f'{{"start": {at}.0, "end": {at + 1}.0, "text": "The {word}"}}' for at, word in enumerate(own))
        + "\n]}"
    ),
    "csv": lambda own: "start,end,text\n" + "\n".join(f"{at},{at + 1},The {word}" for at, word in enumerate(own)),
    "dialogue": lambda own: f"# {own[0]}\n" + "\n".join(f"MARY (laughing): The {word}\n---" for word in own[1:]),
}
READ_AS = {"mpl2": "microdvd", "tmplayer": "microdvd"}
SAFE_ACCIDENTS = {
    "digits are letters": lambda row, dice: row.translate(str.maketrans({dice.choice("0123456789"): "x"})),
    "high digits": lambda row, dice: row.replace("00:", "99:"),
    "no commas": lambda row, dice: row.replace(",", ".", 1),
    "signs behind": lambda row, dice: row + " ♪ ...",
    "music around": lambda row, dice: row.replace("The", "♪ The"),
    "a drawing": lambda row, dice: row.replace("The", "{\\p1}m 0 0 l 9 9{\\p0}The"),
    "an override": lambda row, dice: row.replace("The", "{\\an8}The"),
    "a number alone": lambda row, dice: row.replace("The", "42 The"),
    "nothing": lambda row, dice: row,
}
OF_ROWS = {
    "a row without a time": "stray",
    "signs alone": "♪ ♪",
    "an empty row": "",
    "a number": "1984",
    "points": "...",
}


def harmed(kind: str, text: str, dice: random.Random) -> str:
    rows = text.split("\n")
    for _ in range(2):
        at = dice.randrange(1, len(rows))
        rows[at] = dice.choice(list(SAFE_ACCIDENTS.values()))(rows[at], dice)
    if kind not in ("json", "ttml", "csv", "tsv", "sami"):
        rows.insert(dice.randrange(2, len(rows) + 1), dice.choice(list(OF_ROWS.values())))
    return "\n".join(rows)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_word_of_a_damaged_file_is_spoken_or_named_with_its_row(kind):
    dice = random.Random(kind)
    read = 0
    for _ in range(120):
        own = dice.sample(WORDS, 7)
        text = harmed(kind, FORMATS[kind](own), dice)
        try:
            script = read_script(text, READ_AS.get(kind, kind))
        except ScriptError as error:
            spoken, notes = "", str(error)
            assert error.line or "Line" in notes, text
            continue
        read += 1
        spoken = " ".join(f"{line.speaker} {line.text}" for line in script.lines)
        notes = " ".join(script.notes)
        for number, row in enumerate(text.split("\n"), start=1):
            for word in (*own, "stray", "1984"):
                if word in row and word not in spoken and word not in notes:
                    assert re.search(rf"Line {number}[:,]|also on lines [\d, ]*\b{number}\b", notes), (
                        text,
                        word,
                        script,
                    )
    assert read > (80 if kind != "json" else 20)


CUE = "1\n00:00:01,000 --> 00:00:03,000\n{}\n\n2\n00:00:04,000 --> 00:00:05,000\nEnd.\n"


def read(text: str, kind: str = "auto", **settings):
    script = read_script(text, kind, **settings)
    return [(line.speaker, line.text) for line in script.lines], " ".join(script.notes)


@pytest.mark.parametrize(
    "time", ["99:99.xx", "0x:12", "00:61.00", "75:99", "1:2:3x", "00.12:7", "0:-3", "12:", "00:1x.00", "4:4:4:4"]
)
def test_a_row_of_lyrics_with_a_bad_time_is_spoken_behind_the_row_before(time):
    text = f"[00:01.00]One.\n[{time}]Two.\n[00:05.00]Three.\n"
    script = read_script(text, "lrc")
    assert [(line.text, line.start_ms) for line in script.lines][::2] == [("One.", 1000), ("Three.", 5000)]
    assert script.lines[1].text.endswith("Two.") and any(note.startswith("Line 2") for note in script.notes)
    with pytest.raises(ScriptError, match="Line 2"):
        read_script(text, "lrc", strict=True)


@pytest.mark.parametrize(
    "fact",
    ["ar:Nobody", "ti:Song", "al:Disc", "by:me", "length: 03:00", "re:editor", "ve:1", "au:x", "#:note", "la:en"],
)
def test_facts_of_lyrics_are_named_and_no_fault(fact):
    lines, notes = read(f"[{fact}]\n[00:01.00]One.\n", strict=True)
    assert lines == [("", "One.")] and f"Line 1: Not spoken: [{fact}]" in notes


@pytest.mark.parametrize(
    ("offset", "start"), [("500", 9500), ("-500", 10_500), ("+250", 9750), ("0", 10_000), ("99999", 0), (" 100 ", 9900)]
)
def test_the_offset_of_lyrics_moves_all_times_wherever_it_stands(offset, start):
    for text in (f"[offset:{offset}]\n[00:10.00]One.\n", f"[00:10.00]One.\n[offset:{offset}]\n"):
        script = read_script(text, "lrc")
        assert script.lines[0].start_ms == start and "All times are" in " ".join(script.notes)
    assert "An offset is a number" in read("[offset:soon]\n[00:10.00]One.\n", "lrc")[1]


@pytest.mark.parametrize(
    "block", ["NOTE hello", "NOTE\nhello\nmore", "STYLE\n::cue {}", "REGION\nid:fred", "NOTE a\n\nNOTE b"]
)
def test_blocks_of_webvtt_that_are_no_cues_are_named_even_when_strict(block):
    lines, notes = read(f"WEBVTT\n\n{block}\n\n00:01.000 --> 00:02.000\nOne.\n", strict=True)
    assert lines == [("", "One.")] and f"Line 3: Not spoken: blocks of the kind {block.split()[0]}" in notes


def test_a_note_directly_above_the_times_of_a_cue_does_not_hide_it():
    assert read("WEBVTT\n\nNOTE\n00:01.000 --> 00:02.000\nOne.\n")[0] == [("", "One.")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("srt", "1\n00:00:03,000 --> 00:00:01,000\nOne.\n"),
        ("vtt", "WEBVTT\n\n00:03.000 --> 00:03.000\nOne.\n"),
        ("ass", ASS_HEAD + "Dialogue: 0,0:00:03.00,0:00:01.00,,,One."),
        ("sbv", "0:00:03.000,0:00:01.000\nOne.\n"),
        ("ttml", '<tt><body><p begin="3s" end="1s">One.</p></body></tt>'),
        ("ttml", '<tt><body><p begin="3s" dur="0s">One.</p></body></tt>'),
        ("json", '{"segments": [{"start": 3, "end": 1, "text": "One."}]}'),
        ("json", '[{"start": 3, "end": 1, "text": "One."}]'),
        ("tsv", "start\tend\ttext\n3000\t1000\tOne.\n"),
        ("csv", "start,end,text\n3,1,One.\n"),
        ("microdvd", "{1}{1}25\n{75}{25}One.\n"),
        ("microdvd", "[30][10]One.\n"),
    ],
)
def test_an_end_before_its_start_is_named_and_the_cue_is_spoken_from_its_start(kind, text):
    script = read_script(text, kind)
    assert [(line.text, line.start_ms, line.end_ms) for line in script.lines] == [("One.", 3000, None)]
    assert "It is spoken from its start." in " ".join(script.notes)
    with pytest.raises(ScriptError):
        read_script(text, kind, strict=True)


@pytest.mark.parametrize(
    "way", ["V.O.", "O.S.", "laughing", "on the phone", "CONT'D", "O.C.", "whispering", "in French", "to Bob", "beat"]
)
def test_the_direction_behind_a_name_is_left_out_and_named_or_kept(way):
    for text in (CUE.format(f"MARY ({way}): Hello."), f"MARY ({way}): Hello.\n\nEnd."):
        lines, notes = read(text)
        assert lines[0] == ("MARY", "Hello.") and f"Not spoken: ({way})" in notes
        assert read(text, keep=True)[0][0] == ("MARY", f"({way}) Hello.")


def test_words_in_brackets_before_a_colon_stay_where_nobody_is_named():
    text = "He told me (and I believed it): run away."
    assert read(text)[0] == read(CUE.format(text))[0][:1] == [("", text)]


@pytest.mark.parametrize("signs", ["♪ ♪", "...", "---", "♪", "* * *", "—", "?!", "♫♫♫", "#", "…", "~ ~"])
def test_rows_of_signs_alone_are_left_out_and_named(signs):
    lines, notes = read(CUE.format(signs))
    assert lines == [("", "End.")] and "Line 3: Not spoken: " in notes


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("Hello\n42\nworld", "Hello 42 world"), ("42 is it", "42 is it"), ("1984\nwas a year", "1984 was a year"),
        ("42", "42"), ("Room\n\n42\n\nyes", "Room 42 yes"), ("Room\n\n42", "Room 42"), ("7\n8\n9", "7 8 9"),
        ("Agent\n\n007 is here", "Agent 007 is here"), ("100%", "100%"), ("3...\n2...\n1...", "3... 2... 1..."),
    ],
)  # fmt: skip
def test_numbers_in_the_text_of_a_cue_are_spoken(rows, said):
    assert read(CUE.format(rows), "srt")[0][0] == ("", said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{\\an8}Hello", "Hello"), ("Hello\\Nthere", "Hello there"), ("{ \\an8 }Hello", "Hello"),
        ("{y:i}Hello", "Hello"),
        ("{\\p1}m 0 0 l 9 9{\\p0}Hello", "Hello"), ("{\\p1}m 0 0 l 9 9\nHello", ""),
        ("Hello{\\i1} there{\\i0}", "Hello there"),
        ("{\\an8\\p2}m 1 1 b 2 2 3 3 4 4{\\p0}Hello", "Hello"), ("{C:$0000FF}Hello", "Hello"),
        ("{\\pos(1,2)\\fad(1,1)}Hello", "Hello"), ("see C:\\new", "see C:\\new"),
    ],
)  # fmt: skip
def test_drawings_and_overrides_in_srt_are_left_out_and_named(written, said):
    lines, notes = read(CUE.format(written))
    assert lines == [*([("", said)] if said else []), ("", "End.")]
    assert "{" not in written or "Not spoken" in notes


@pytest.mark.parametrize(
    "text",
    [
        "{25}{75}One.|Two.\n", "{1}{1}23.976\n{25}{75}One.|Two.\n", "{25}{}One.|Two.\n",
        "{25}{75}{y:i}One.|{y:b}Two.\n",
        "[10][30]One.|Two.\n", "[10][30]/One.|/Two.\n", "00:00:01:One.|Two.\n", "0:00:01=One.|Two.\n",
        "<SAMI><BODY><SYNC Start=1000><P Class=A>One.<br>Two.</BODY></SAMI>",
        "<sami><body><sync start=1000><p>One.<br/>Two.<sync start=2000><p>&nbsp;</body></sami>",
    ],
)  # fmt: skip
def test_formats_of_players_are_known_and_read(text):
    assert read(text)[0] == [("", "One. Two.")]


def test_a_frame_rate_in_the_first_row_counts_and_a_language_of_sami_is_spoken():
    assert read_script("{1}{1}10\n{10}{20}One.\n").lines[0].start_ms == 1000
    text = "<SAMI>\n<SYNC Start=0><P Class=ENCC>One.\n<P Class=FRCC>Un.\n</SAMI>"
    lines, notes = read(text)
    assert lines == [("", "One.")] and "the language FRCC, 'Un.'" in notes


def test_paragraphs_and_segments_are_named_with_their_rows():
    assert read('<tt><body>\n<p begin="x">One.</p>\n</body></tt>', "ttml")[1].startswith("Line 2")
    assert "Line 3, column 1" in read('{"segments": [\n{"text": "One."},\n{"text": 5}]}')[1]
