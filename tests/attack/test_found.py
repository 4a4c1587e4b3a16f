"""What the attack found, a test for each kind: what a job left, words in time, archives, texts, endless lengths."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from indextts2.cli.main import main
from indextts2.contracts import Duration, SpokenWord
from indextts2.errors import CheckpointError, ImpossibleLength, InputError, ScriptError
from indextts2.script.accepted import TakesFile, accepted_seeds, line_numbers
from indextts2.script.caption_files import read_words
from indextts2.script.line import LineReport, SpokenLine
from indextts2.script.model import Line
from indextts2.script.store import LineStore
from indextts2.script.take_scores import TakeScore
from indextts2.script.timed_words import timed_text
from indextts2.script.word_timings import read_word_timings

# ---- what a job left behind -----------------------------------------------------------------------------------------

ENTRY = {"line": 1, "speaker": "", "text": "Hello.", "before": 0, "retakes": 1, "accepted": "a" * 64, "pending": True}


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "a/b", "..", "\ud800", "x" * 300, "a\0", "a b"])
def test_an_accepted_sound_never_names_a_file_outside_its_folder(tmp_path, name):
    path = tmp_path / "takes.json"
    path.write_text(json.dumps({"format": 1, "lines": [{**ENTRY, "accepted": name}]}))
    with pytest.raises(InputError, match=r"takes\.json is damaged"):
        TakesFile.open(path, [Line("Hello.")])


@pytest.mark.parametrize(
    "change", [{"retakes": -1}, {"retakes": 2**70}, {"retakes": True}, {"accepted": None}, {"pending": 1}]
)
def test_decisions_of_another_kind_are_refused(tmp_path, change):
    path = tmp_path / "takes.json"
    path.write_text(json.dumps({"format": 1, "lines": [{**ENTRY, **change}]}))
    with pytest.raises(InputError, match=r"takes\.json is damaged"):
        TakesFile.open(path, [Line("Hello.")])


@pytest.mark.parametrize("text", ["9" * 5_000, "1-" + "9" * 5_000, "٣" * 30, "²"])
def test_numbers_of_lines_of_any_length_are_refused_in_a_sentence(text):
    for read in (lambda: line_numbers(text, 9), lambda: accepted_seeds(f"{text}: 1", [Line("Hello.")] * 9)):
        with pytest.raises(InputError) as caught:
            read()
        assert len(str(caught.value)) < 300


def test_lines_that_are_named_over_and_over_are_kept_once():
    assert line_numbers("1-9," * 20_000 + "1", 9) == tuple(range(9))


def kept_line(folder: Path) -> tuple[LineStore, Path]:
    score, words = TakeScore(0, 5, 9, True, 0.0, 0.1), (SpokenWord("Hello.", 10, 400),)
    report = LineReport("spoken", "free", None, 500, 22_050, takes=(score,), words=words)
    store = LineStore(folder)
    store.put("key", SpokenLine(torch.zeros(500), torch.ones(9, dtype=torch.int64), report))
    return store, folder / "key.safetensors"


DAMAGED_REPORTS = {
    "asked": [], "sample_count": "500", "sample_rate": 0, "stretch": None, "stop": 5, "seed": 1.5, "chosen": 7,
    "status": "sung", "takes": [{"number": "x"}], "words": [{"text": "a", "start": "0", "end": 5}], "warnings": [5],
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED_REPORTS)
def test_a_finished_line_with_another_kind_of_report_is_spoken_again(tmp_path, name):
    store, path = kept_line(tmp_path)
    assert store.get("key") is not None
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        report = json.loads(file.metadata()["report"])
    path.write_bytes(save(load(path.read_bytes()), {"report": json.dumps({**report, name: DAMAGED_REPORTS[name]})}))
    assert store.get("key") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda audio: audio + float("nan"),
        lambda audio: audio[:-1],
        lambda audio: audio.double(),
        lambda audio: audio[None],
    ],
)
def test_a_finished_line_with_other_numbers_is_spoken_again(tmp_path, change):
    store, path = kept_line(tmp_path)
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load(path.read_bytes())
    path.write_bytes(save({**tensors, "audio": change(tensors["audio"])}, metadata))
    assert store.get("key") is None


# ---- words in time --------------------------------------------------------------------------------------------------

CAPTIONS = {"sample_rate": 22_050, "seconds": 3.0, "words": [{"text": "a", "start": 0.5, "end": 1.0, "group": 0}]}


@pytest.mark.parametrize(
    "change",
    [
        {"sample_rate": 1e300}, {"sample_rate": True}, {"sample_rate": "22050"}, {"seconds": 1e300}, {"seconds": None},
        {"words": "abc"}, {"words": [[]]}, {"words": [{"text": 5, "start": 0, "end": 1}]},
        {"words": [{"text": "a", "start": 1e305, "end": 1e306}]}, {"words": [{"text": "a", "start": "0", "end": 1}]},
        {"words": [{"text": "a", "start": 0, "end": 1, "group": -1}]},
    ],
)  # fmt: skip
def test_words_in_time_of_another_kind_are_refused_by_name(tmp_path, change):
    path = tmp_path / "words.json"
    path.write_text(json.dumps({**CAPTIONS, **change}))
    with pytest.raises(InputError, match=r"words\.json does not hold words in time"):
        read_words(path)


@pytest.mark.parametrize("value", ["1", True, None, [], 1e300, "1e999"])
def test_times_of_words_are_numbers(value):
    with pytest.raises(InputError):
        read_word_timings(json.dumps({"words": [{"text": "a", "start": 0, "end": value}]}))


@pytest.mark.parametrize("value", [1, True, None, [], ["a"], {}])
def test_words_are_words(value):
    with pytest.raises(InputError):
        read_word_timings(json.dumps({"words": [{"text": value, "start": 0, "end": 1}]}))


def calls_of(words: str, count: int) -> int:
    said = (words * count).split()
    timings = read_word_timings(json.dumps([{"text": w, "start": n, "end": n + 1} for n, w in enumerate(said)]))
    text, calls = " ".join(reversed(said[: len(said) // 2] + ["more"] + said)), 0

    def profile(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        timed_text(timings, text)
    except InputError:
        pass
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("words", ["a ", "a b ", "a b a c b "])
def test_words_are_matched_in_proportion_to_their_number(words):
    once, twice = calls_of(words, 300), calls_of(words, 600)
    assert twice < 2.5 * once + 1_000


def test_a_long_text_gets_the_times_of_all_words_that_are_spelled_alike():
    said = [f"w{number % 70}" for number in range(300)]
    timings = read_word_timings(json.dumps([{"text": w, "start": n, "end": n + 1} for n, w in enumerate(said)]))
    changed = [*said[:100], "new", *said[110:]]
    text = timed_text(timings, " ".join(changed), anchored="words")
    assert text.count("<at ") == 290 and "<at 110.000s> w40" in text and "<at 299.000s> w19" in text


# ---- archives and lists of files ------------------------------------------------------------------------------------


def archive(folder: Path, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(folder / name, "w", method) as file:
        file.writestr("archive/data.pkl", content)
    return folder / name


def test_an_archive_that_would_fill_the_memory_is_read_at_its_start_alone(tmp_path, monkeypatch):
    from indextts2.loading import generation
    from indextts2.loading.generation import holds_names

    monkeypatch.setattr(generation, "SEARCHED", 1 << 16)
    path = archive(tmp_path, "bomb.pth", bytes(1 << 20) + b"text_embedding")
    assert path.stat().st_size < 10_000
    assert not holds_names(path, ["text_embedding"])
    assert holds_names(archive(tmp_path, "fine.pth", b"text_embedding"), ["text_embedding"])


def test_an_archive_that_no_program_reads_breaks_no_listing(tmp_path):
    from indextts2.loading.generation import holds_names

    content = bytearray(archive(tmp_path, "a.pth", b"text_embedding" * 50).read_bytes())
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] ^= 0x5A
        (tmp_path / "b.pth").write_bytes(bytes(damaged))
        assert holds_names(tmp_path / "b.pth", ["text_embedding"]) in (True, False)


def test_an_archive_that_claims_more_disks_is_no_archive_and_breaks_no_checkpoint(tmp_path):
    from indextts2.config import Config
    from indextts2.loading.fine_tune import T2S_PART, table_rows
    from indextts2.loading.generation import is_zip

    path = archive(tmp_path, "gpt.pth", b"text_embedding" * 50)
    assert is_zip(path)
    content = path.read_bytes()
    end = content.index(b"PK\5\6")
    path.write_bytes(content[:end] + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2) + content[end:])
    with pytest.raises(zipfile.BadZipFile):
        zipfile.is_zipfile(path)
    assert not is_zip(path)
    assert table_rows(Config(), {T2S_PART: (path,)}) is None


def test_a_tensor_that_repeats_one_number_without_end_is_refused(tmp_path):
    from indextts2.loading.learned_speaker import learned_condition
    from indextts2.loading.tensors import read_tensors

    torch.save({"a": torch.zeros(1, dtype=torch.float16).expand(10**6, 10**6)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="of which 1 are in the file"):
        read_tensors(tmp_path / "a.pt")
    assert learned_condition(tmp_path / "a.pt") is None
    torch.save({"a": torch.zeros(1, 4).expand(50, 4)}, tmp_path / "b.pt")
    assert read_tensors(tmp_path / "b.pt")["a"].shape == (50, 4)


@pytest.mark.parametrize("text", [b"../../x", b"/etc", b"\xff\xfe", b"x" * 5_000, b"", b"a\0b", b"~"])
def test_a_cache_whose_revision_leads_elsewhere_is_read_by_its_folders(tmp_path, text):
    from indextts2.loading.official import cached_snapshot

    base = tmp_path / "models--a--b"
    (base / "snapshots" / "rev").mkdir(parents=True)
    (base / "refs").mkdir()
    (base / "refs" / "main").write_bytes(text)
    assert cached_snapshot(tmp_path, "a/b") == base / "snapshots" / "rev"


def test_a_list_of_sums_never_reads_a_file_outside_its_folder(tmp_path, monkeypatch):
    from indextts2.loading import fingerprint

    (tmp_path / "in").mkdir()
    for place in ("in/a", "secret"):
        (tmp_path / place).write_bytes(b"x")
    sums = {"a": fingerprint.sha256_of(tmp_path / "secret"), "../secret": "0" * 64, str(tmp_path / "secret"): "0" * 64}
    read = []
    monkeypatch.setattr(
        fingerprint, "sha256_of", lambda path, real=fingerprint.sha256_of: read.append(path) or real(path)
    )
    assert fingerprint.changed_files(tmp_path / "in", sums) == ["../secret", str(tmp_path / "secret")]
    assert read == [tmp_path / "in" / "a"]


# ---- texts that come and go -----------------------------------------------------------------------------------------


class Latin(io.TextIOWrapper):
    """An output or input of another encoding."""


def test_standard_input_of_another_encoding_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Latin(io.BytesIO(b"caf\xe9"), encoding="utf-8"))
    assert main(["text", "-"]) == 1
    assert "Standard input is not text in utf-8" in capsys.readouterr().err


def test_output_in_another_encoding_escapes_what_it_does_not_have(monkeypatch):
    from indextts2.cli.texts import write_line

    out = Latin(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", out)
    write_line("caf\u00e9 中 \udcff")
    assert out.buffer.getvalue() == b"caf\xe9 \\u4e2d \\udcff\n"


def test_word_timings_of_another_encoding_are_one_line(tmp_path, capsys):
    (tmp_path / "a.srt").write_bytes(b"1\n00:00:00,500 --> 00:00:01,000\ncaf\xe9\n")
    assert main(["speak", "Hello.", f"--word-timings={tmp_path / 'a.srt'}"]) == 1
    assert "a.srt cannot be read: it is not text in UTF-8" in capsys.readouterr().err


def test_half_characters_of_names_are_escaped_in_files(tmp_path):
    from indextts2.atomic import write_text

    write_text(tmp_path / "a.json", json.dumps({"file": "a\udcff.wav"}, ensure_ascii=False))
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"file": "a\udcff.wav"}


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_device_that_never_ends_is_no_script_and_no_voice(monkeypatch):
    from indextts2.script import read
    from indextts2.script.cast import Voice

    monkeypatch.setattr(read, "LARGEST_BYTES", 1 << 20)
    with pytest.raises(ScriptError, match="that is no script"):
        read.read_script_file("/dev/zero")
    with pytest.raises(InputError, match="/dev/zero cannot be read"):
        Voice(Path("/dev/zero")).fingerprint()


# ---- endless lengths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["tokens", "frames", "seconds", "samples", "factor"])
def test_a_length_has_a_largest_value_in_every_unit(unit):
    from indextts2.checks import LONGEST_ASKED

    assert Duration(unit, LONGEST_ASKED[unit]).value == LONGEST_ASKED[unit]
    for value in (LONGEST_ASKED[unit] * 1.01, 1e12, 1e38, float("inf")):
        with pytest.raises(InputError, match=f"{unit} was asked; at most|finite"):
            Duration(unit, value)


ASKED = [
    ("seconds", 80_000.0), ("seconds", 600.0), ("frames", 10_000_000), ("samples", 10**9), ("tokens", 4_000_000),
    ("factor", 900.0),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "value"), ASKED)
@pytest.mark.parametrize("allow", [False, True])
def test_a_length_that_no_words_fill_is_refused_before_anything_is_decoded(
    tiny_checkpoint, monkeypatch, unit, value, allow
):
    from indextts2.loading.checkpoint import load_t2s, open_checkpoint
    from indextts2.stages.prepare_text import prepare_text
    from indextts2.stages.t2s import text_to_semantic as stage
    from indextts2.stages.t2s.batches import DecodingSettings

    if allow and unit == "factor":
        pytest.skip("a multiple is of what is decoded, and of at most that many tokens")
    models = load_t2s(open_checkpoint(tiny_checkpoint))
    monkeypatch.setattr(stage.BatchDecoder, "run", lambda *inputs, **named: pytest.fail("it was decoded"))
    monkeypatch.setattr(stage, "_check_inputs", lambda *inputs: None)
    monkeypatch.setattr(stage, "with_tagged_emotions", lambda t2s, text, speaker: text)
    speaker = torch.zeros(1)
    for text, duration in (("Hello there.", Duration(unit, value)), (f"[{unit} {value:.0f}] Hello there.", None)):
        if duration is None and unit in ("samples", "factor"):
            continue
        prepared = prepare_text(models.front_end, text)
        with pytest.raises(ImpossibleLength):
            stage.text_to_semantic(
                models, prepared, speaker, stage.Emotion(torch.zeros(1, 4)), duration=duration,
                decoding=DecodingSettings(allow_any_length=allow),
            )  # fmt: skip


@pytest.mark.parametrize("option", ["--seconds", "--tokens", "--frames", "--factor"])
@pytest.mark.parametrize("value", ["1000000000", "1e38", "1e6"])
def test_the_command_refuses_an_endless_length_before_a_model_is_loaded(monkeypatch, capsys, option, value):
    if (option, value) in (("--tokens", "1e6"), ("--frames", "1e6")):
        value = "100000000"
    monkeypatch.setattr("indextts2.loading.checkpoint.load_speech", lambda *inputs: pytest.fail("models were loaded"))
    assert main(["speak", "Hello.", option, value, "--any-length"]) in (1, 2)
    assert "asked" in (error := capsys.readouterr().err) or "expected" in error


LINES = [
    "Anna [seconds 1000000]: Hello.",
    "Anna: [seconds 1000000] Hello.",
    "Anna [factor 100000]: Hello.",
    "[tokens 99999999] Hi.",
]


@pytest.mark.parametrize("line", LINES)
def test_a_script_refuses_an_endless_length_by_its_line(line, tiny_checkpoint):
    from indextts2.loading.checkpoint import load_front_end, open_checkpoint
    from indextts2.script.read import read_script
    from indextts2.stages.prepare_text import prepare_text

    with pytest.raises(InputError, match="at most|1000000|100000|99999999"):
        (found,) = read_script(line, "dialogue", strict=True).lines
        prepare_text(load_front_end(open_checkpoint(tiny_checkpoint)), found.text)


def test_a_track_for_lips_is_no_longer_than_its_step_allows():
    from indextts2.stages.lip_sync import LipSyncSettings

    with pytest.raises(InputError, match="frame_step"):
        LipSyncSettings(frame_step=10**9)
