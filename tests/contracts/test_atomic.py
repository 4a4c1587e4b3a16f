"""Every file is written whole or not at all: the helper, all writers on a full disk, and that none goes around it."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from indextts2 import atomic
from indextts2.atomic import append_text, copy_file, copy_tree, replacing, write_bytes, write_text
from indextts2.errors import CheckpointError, IndexTTS2Error, InputError

ROOT = Path(__file__).parent.parent.parent
OLD = "what was there before"


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# The helper


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path):
    place = tmp_path / "a.txt"
    with replacing(place) as file:
        file.write(b"half")
        file.flush()
        assert not place.exists()
    assert place.read_bytes() == b"half"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("failure", [KeyError("x"), KeyboardInterrupt(), InputError("no")])
def test_what_fails_while_writing_passes_and_leaves_the_old_file_alone(tmp_path, failure):
    place = tmp_path / "a.txt"
    place.write_text(OLD)
    with pytest.raises(type(failure)), replacing(place) as file:
        file.write(b"torn")
        raise failure
    assert place.read_text() == OLD
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_is_not_there_is_named_with_the_asked_kind_of_error(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone.a\.txt cannot be written \(No such file"):
        write_text(tmp_path / "gone" / "a.txt", "x", CheckpointError)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="it is a folder"):
        write_text(tmp_path, "x")
    assert names(tmp_path.parent / tmp_path.name) == []


def test_the_longest_name_a_file_system_takes_can_be_written(tmp_path):
    write_text(tmp_path / ("n" * 251 + ".txt"), "x")
    write_text(tmp_path / ("語" * 83 + ".txt"), "x")
    assert len(names(tmp_path)) == 2


def test_what_a_killed_process_left_is_taken_over_by_the_next_writer_of_the_file(tmp_path):
    code = (
        "import os, sys; from indextts2.atomic import replacing\n"
        "with replacing(sys.argv[1]) as file: file.write(b'torn'); file.flush(); os._exit(9)"
    )
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.txt")], cwd=ROOT, check=False)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    write_text(tmp_path / "a.txt", "whole")
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    place = tmp_path / "a.txt"
    with replacing(place) as first:
        first.write(b"first, ")
        with replacing(place) as second:
            second.write(b"second")
        first.write(b"whole")
    assert place.read_bytes() == b"first, whole"
    assert names(tmp_path) == ["a.txt"]


def test_threads_that_write_one_file_leave_it_whole(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    contents = [bytes([65 + number]) * 20_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_bytes(tmp_path / "a", content), contents * 20))
    assert (tmp_path / "a").read_bytes() in contents
    assert names(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="no links and no modes of this kind")
def test_a_link_is_followed_and_the_mode_of_the_file_is_kept(tmp_path):
    place, link = tmp_path / "real.txt", tmp_path / "link.txt"
    place.write_text(OLD)
    place.chmod(0o640)
    link.symlink_to(place)
    write_text(link, "new")
    assert link.is_symlink() and place.read_text() == "new"
    assert place.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no such device")
def test_a_device_is_written_to_and_not_replaced():
    write_text("/dev/null", "x")
    assert not Path("/dev/null").is_file()


def test_text_is_utf8_with_its_own_line_ends(tmp_path):
    write_text(tmp_path / "a", "é\n")
    append_text(tmp_path / "a", "b\r\n")
    assert (tmp_path / "a").read_bytes() == "é\nb\r\n".encode()


def test_copies_are_whole_and_a_copy_onto_itself_changes_nothing(tmp_path):
    source = tmp_path / "from"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "a").write_bytes(b"a")
    copy_tree(source, tmp_path / "to")
    copy_file(source / "inner" / "a", source / "inner" / "a")
    assert names(tmp_path) == ["from/inner/a", "to/inner/a"]


# A full disk


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path_factory.mktemp("disk")
    options = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(options, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("this user may not mount a small tmpfs; the simulated disk is tested instead")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


class NoSpace:
    """A file on a simulated full disk."""

    def __init__(self, file):
        self._file = file

    def write(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.fixture(params=["a small tmpfs", "simulated"])
def disk(request, monkeypatch, tmp_path):
    """A folder, and what makes its disk full."""
    if request.param == "simulated":

        def fill():
            real = atomic._claimed

            def claimed(target):
                file, beside = real(target)
                return NoSpace(file), beside

            monkeypatch.setattr(atomic, "_claimed", claimed)

        yield tmp_path, fill
        return
    folder = request.getfixturevalue("small_disk")
    place = folder / "work"
    place.mkdir()
    filler = folder / "filler"

    def fill():
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096) == 4096:
                    pass
            except OSError:
                pass

    yield place, fill
    filler.unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", str(place)], check=True)


def wav(folder: Path) -> None:
    from indextts2.audio.io import write_wav
    from indextts2.contracts import Waveform

    write_wav(folder / "speech.wav", Waveform(torch.zeros(1, 1, 20_000), 22_050))


def emotion(folder: Path) -> None:
    from indextts2.contracts import Emotion
    from indextts2.values.files import save_value

    save_value(folder / "anna.safetensors", Emotion(torch.zeros(1, 4000), base=None, fingerprint="x"))


def subtitles(folder: Path) -> None:
    from indextts2.script.read import read_script, write_script_file

    write_script_file(read_script("Anna: Hello.\n" * 500, "dialogue"), folder / "script.txt")


def finished_line(folder: Path) -> None:
    from indextts2.script.line import LineReport, SpokenLine
    from indextts2.script.store import LineStore

    report = LineReport("spoken", "free", None, 5000, 22_050)
    LineStore(folder).put("key", SpokenLine(torch.zeros(5000), torch.zeros(5, dtype=torch.int64), report))


def config(folder: Path) -> None:
    from indextts2.config import Config
    from indextts2.loading.config_file import write_config

    write_config(folder / "config.yaml", Config(), {"long": "x" * 5000})


def weights(folder: Path) -> None:
    from indextts2.loading.stream import write_stream

    write_stream(folder / "t2s.safetensors", {"a": lambda: {"a": torch.zeros(5000)}}, {})


def sums(folder: Path) -> None:
    from indextts2.loading.download.sums import write_sums

    write_sums(folder, {f"file{number}": "0" * 64 for number in range(100)})


def settings(folder: Path) -> None:
    from indextts2.loading.text_to_emotion import write_settings
    from indextts2.stages.emotion.from_text import TextToEmotionConfig

    write_settings(folder, TextToEmotionConfig())


def state(folder: Path) -> None:
    from indextts2.training.loop.state import save_state

    save_state(folder, {"weights": torch.zeros(5000)})


def curves(folder: Path) -> None:
    from indextts2.training.loop.curves import TrainingLog

    TrainingLog(folder / "log.csv", last_step=0)


def picture(folder: Path) -> None:
    from indextts2.training.loop.curves import plot_curves

    (folder / "table.csv").exists() or (folder / "table.csv").write_text("step,minutes,loss\n1,1,2\n2,2,1\n")
    plot_curves(folder / "table.csv", folder / "curves.png")


def evaluation(folder: Path) -> None:
    from indextts2.evaluation.report import write_report

    write_report(folder, "x", None, {"mean": 1.0}, [{"text": "x" * 5000}])


def vocabulary(folder: Path) -> None:
    from indextts2.training.data.tokenizer import train_english_tokenizer

    train_english_tokenizer(folder / "tokenizer.model")


def texts(folder: Path) -> None:
    from indextts2.training.emotion.texts import EmotionText, write_texts

    write_texts(folder / "texts.jsonl", [EmotionText("x" * 5000, (1.0,) + (0.0,) * 7)])


def bank(folder: Path) -> None:
    from indextts2.stages.handles import EmotionBank
    from indextts2.training.emotion.bank import write_bank

    write_bank(folder / "bank.safetensors", EmotionBank(torch.zeros(8, 100), torch.zeros(8, 100), (1,) * 8))


def opus(folder: Path) -> None:
    import numpy as np

    from indextts2.training.corpus.finish import write_opus

    noise = np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    write_opus(folder / "a.ogg", 0.1 * noise, 64_000)


def copied(folder: Path) -> None:
    copy_file(Path(torch.__file__), folder / "copy.py")


WRITERS = (
    wav, emotion, subtitles, finished_line, config, weights, sums, settings, state, curves, picture, evaluation,
    vocabulary, texts, bank, opus, copied,
)  # fmt: skip


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_on_a_full_disk_the_old_file_stays_nothing_is_left_and_the_message_says_so(disk, write):
    folder, fill = disk
    write(folder)
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    assert before, "the writer writes a file"
    fill()
    with pytest.raises(IndexTTS2Error, match=r"cannot be written: the disk is full \(.* MB free") as caught:
        write(folder)
    assert any(name in str(caught.value) for name in before), "the file is named"
    assert "The file that was there is unchanged." in str(caught.value)
    assert {name: (folder / name).read_bytes() for name in names(folder)} == before


def test_on_a_full_disk_a_first_file_is_not_left_empty(disk):
    folder, fill = disk
    fill()
    with pytest.raises(InputError, match="the disk is full") as caught:
        write_bytes(folder / "new.bin", b"x" * 10_000)
    assert "unchanged" not in str(caught.value)
    assert names(folder) == []


def test_on_a_full_disk_an_appended_line_is_there_whole_or_not_at_all(small_disk):
    place, filler = small_disk / "log.csv", small_disk / "filler"
    append_text(place, "step\n")
    with filler.open("wb", buffering=0) as file:
        while (small_disk / "filler").stat().st_size < 2_000_000:
            try:
                file.write(b"x" * 4096)
            except OSError:
                break
    with pytest.raises(InputError, match="the disk is full"):
        append_text(place, "1," + "2" * 50_000)
    assert place.read_text() == "step\n"
    filler.unlink()
    place.unlink()


def test_a_conversion_on_a_full_disk_leaves_the_folder_empty(tiny_checkpoint, small_disk):
    from indextts2.loading.checkpoint import open_checkpoint
    from indextts2.loading.convert import convert

    target, filler = small_disk / "converted", small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 100_000))
    with pytest.raises(CheckpointError, match="the disk is full"):
        convert(open_checkpoint(tiny_checkpoint), target)
    assert names(target) == []
    filler.unlink()


# Nobody goes around it

LIBRARY = [*sorted((ROOT / "indextts2").rglob("*.py")), *sorted((ROOT / "nodes").rglob("*.py"))]
ELSEWHERE = {
    "indextts2/loading/download/fetch.py",  # a download grows in a part of its own, so that it can be resumed
    "indextts2/folder_lock.py",  # the file of a lock holds no result
}
BY_NAME = {"write_text", "write_bytes", "rename", "renames", "save_file", "copyfile", "copytree", "copy2", "move"}
BY_SINK = {"save", "savez", "savefig", "imsave", "tofile", "save_pretrained", "train", "write"}
SINK_OWNERS = {
    "save": ("torch", "np", "numpy"), "savez": ("np", "numpy"), "imsave": (), "savefig": (), "tofile": (),
    "write": ("soundfile",), "train": ("SentencePieceTrainer",), "save_pretrained": (),
}  # fmt: skip


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def bound_files(tree: ast.AST) -> set[str]:
    """Names of files that come from `replacing`, of buffers in memory, and of folders that go when their block ends."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call):
            maker = ast.unparse(node.context_expr.func).split(".")[-1]
            if maker in ("replacing", "TemporaryDirectory") and isinstance(node.optional_vars, ast.Name):
                found.add(node.optional_vars.id)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if ast.unparse(node.value.func).split(".")[-1] in ("BytesIO", "StringIO"):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def mode_of(call: ast.Call, place: int) -> str:
    given = [word.value for word in call.keywords if word.arg == "mode"] or call.args[place : place + 1]
    return given[0].value if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str) else ""


def ways_around(tree: ast.AST) -> list[str]:
    """Calls that write, replace or copy a file without the helper."""
    files, found = bound_files(tree), []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        owner, _, name = ast.unparse(call.func).rpartition(".")
        last_owner = owner.split(".")[-1]
        used = {node.id for part in [*call.args, *(word.value for word in call.keywords)] for node in ast.walk(part)
                if isinstance(node, ast.Name)}  # fmt: skip
        writes = (
            (owner and name in BY_NAME)
            or (name == "replace" and last_owner == "os")
            or (name == "copy" and last_owner == "shutil")
            or (name == "open" and set("wax+") & set(mode_of(call, 0 if owner and owner not in ("io", "os") else 1)))
            or (name in BY_SINK and (not SINK_OWNERS[name] or last_owner in SINK_OWNERS[name]) and not used & files)
        )
        if writes:
            found.append(f"line {call.lineno}: {ast.unparse(call.func)}")
    return found


@pytest.mark.parametrize("path", LIBRARY, ids=relative)
def test_no_writer_goes_around_the_helper(path):
    if relative(path) not in {"indextts2/atomic.py", *ELSEWHERE}:
        assert ways_around(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        'path.write_text("x")',
        'open(path, "w")',
        'path.open("ab")',
        'open(path, mode="r+b")',
        "os.replace(a, b)",
        "torch.save(x, path)",
        "np.save(path, x)",
        "figure.savefig(path)",
        "soundfile.write(path, samples, 8000)",
        "shutil.copyfile(a, b)",
        "safetensors.torch.save_file(tensors, path)",
        "model.save_pretrained(folder)",
    ],
)
def test_the_search_finds_a_writer_that_does(code):
    assert ways_around(ast.parse(code))


def test_the_search_lets_the_helper_and_reading_pass():
    saving = "with replacing(p) as file:\n    torch.save(x, file)\n"
    code = saving + 'open(p)\np.open("rb")\na.replace("a", "b")\nwrite_text(p, "x")'
    assert ways_around(ast.parse(code)) == []


def test_models_stages_and_text_write_no_files():
    for room in ("models", "stages", "text"):
        for path in sorted((ROOT / "indextts2" / room).rglob("*.py")):
            assert "atomic" not in path.read_text(encoding="utf-8"), relative(path)
