"""The text command: what will be spoken, before anything is."""

from __future__ import annotations

import io
import json

import pytest

from indextts2.cli.main import main


@pytest.fixture
def shown(tiny_checkpoint, capsys):
    def run(*arguments: str) -> dict:
        assert main(["text", *arguments, "--json", "--checkpoint", str(tiny_checkpoint)]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def spoken(result: dict) -> str:
    return " ".join(segment["spoken"] for segment in result["segments"])


def test_segments_are_shown_as_they_will_be_spoken_with_tokens_pauses_and_seconds(shown):
    result = shown("It cost $5. <pause 1s> The FBI's man paid.")
    assert [segment["spoken"] for segment in result["segments"]] == ["it cost five dollars.", "the FBI's man paid."]
    assert [segment["pause"] for segment in result["segments"]] == [1.0, 0.0]
    assert all(segment["tokens"] > 5 for segment in result["segments"])
    assert 1.0 < result["seconds"] < 10.0
    assert result["warnings"] == []


def test_what_cannot_be_spoken_is_a_warning_and_no_error(shown):
    assert "你" in shown("Hi 你好")["warnings"][0]
    nothing = shown("你好")
    assert nothing["segments"] == [] and "你" in nothing["warnings"][0]
    assert shown("")["segments"] == []


def test_text_comes_from_the_command_line_a_file_or_the_standard_input(shown, tmp_path, monkeypatch):
    path = tmp_path / "page.txt"
    path.write_text("\ufeffOne page.", encoding="utf-8")
    assert spoken(shown(str(path))) == spoken(shown("--file", str(path))) == "one page."
    monkeypatch.setattr("sys.stdin", io.StringIO("Two pages."))
    assert spoken(shown("-")) == "two pages."


def test_a_text_may_begin_with_a_dash(shown):
    assert spoken(shown("-$5")) == "minus five dollars"
    assert spoken(shown("--- and then")) == "and then"


def test_a_glossary_is_read_from_a_file(shown, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("M.2 = em two\n", encoding="utf-8")
    assert spoken(shown("The M.2 slot.", "--glossary", str(path))) == "the em two slot."


def test_a_missing_text_or_file_is_one_line(capsys, tmp_path):
    assert main(["text"]) == 1
    assert main(["text", "--file", str(tmp_path / "none.txt")]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_a_suffix_that_is_not_written_is_wrong_usage_before_the_work(tiny_checkpoint, tmp_path, capsys):
    assert main(["speak", "Hi.", "-o", str(tmp_path / "x.aac"), "--checkpoint", str(tiny_checkpoint)]) == 2
    assert ".mp3" in capsys.readouterr().err
