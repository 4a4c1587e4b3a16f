"""What the documents promise exists: files, commands, options, recipes; and the README's examples run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from indextts2.cli.main import COMMANDS, build_parser
from indextts2.loading.find import built_in_references, mini_folder

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
TOP = "indextts2|nodes|docs|recipes|tests|workflows|locales|\\.ci"
MADE_LATER = ("indextts2/mini/",)  # comes with the trained checkpoint
PROGRAM = "python -m indextts2 "


def fenced(path, language=None):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [body for kind, body in blocks if language in (None, kind)]


def command_lines():
    for path in DOCUMENTS:
        for block in fenced(path, "sh"):
            for line in block.splitlines():
                if line.startswith(PROGRAM):
                    yield line
        if path.stem == "training":  # the table leaves out the first words
            for part in re.findall(r"\| `(\w+ recipes/\S+ \S+)` \|", path.read_text(encoding="utf-8")):
                yield f"{PROGRAM}train {part}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_named_in_a_document_exist(path):
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(rf"(?<![\w./-])((?:{TOP})/[\w./-]*\w/?)", text))
    links = {target for target in re.findall(r"\]\(([^)#:]+)\)", text) if not target.startswith("http")}
    named -= set(re.findall(r"^In `([^`]+)`, as a new file:", text, re.MULTILINE))  # what a reader is to add
    missing = [name for name in named if not name.startswith(MADE_LATER) and not (ROOT / name).exists()]
    assert not missing + [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("line", list(command_lines()))
def test_a_command_line_of_the_documents_is_understood(line):
    options = build_parser().parse_args(shlex.split(line.removeprefix(PROGRAM)))
    if options.command == "train":
        from indextts2.training.__main__ import PARTS

        assert options.part in PARTS
        assert (ROOT / options.recipe).is_file()


def test_every_part_is_in_the_training_table():
    from indextts2.training.__main__ import PARTS

    assert {line.split()[4] for line in command_lines() if line.startswith(PROGRAM + "train")} == set(PARTS)


def test_the_page_of_the_command_line_lists_every_command():
    rows = re.findall(r"^\| `(\w+)` \| ", (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(rows) == COMMANDS


@pytest.mark.parametrize("path", DOCUMENTS[1:], ids=lambda path: path.name)
def test_the_readme_names_every_document(path):
    assert f"docs/{path.name}" in README.read_text(encoding="utf-8")


def test_the_first_two_blocks_of_the_readme_are_one_line_each_and_ci_runs_the_second():
    first, second = fenced(README)[:2]
    assert first.count("\n") == second.count("\n") == 1
    assert re.search(r'-m indextts2 speak "[^"]+" -o \S+\.wav$', first.strip())
    assert second.strip() in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for line in (first, second):
        assert line.startswith("python3 -m venv .venv && ")
        assert all((ROOT / name).is_file() for name in re.findall(r"-r (\S+)", line))


@pytest.mark.skipif(os.name != "posix", reason="the script is for bash")
def test_ci_stops_when_an_installation_fails(tmp_path):
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, code in (("python3", 0), ("pip", 1), ("python", 0), ("ruff", 0), ("mypy", 0)):
        (programs / name).write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    surroundings = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    assert subprocess.run(["bash", str(script)], env=surroundings, timeout=60).returncode != 0


def test_windows_forms_do_the_same():
    for line, form in zip(fenced(README)[:2], fenced(README, "bat"), strict=True):
        assert form == line.replace("python3 -m", "py -m").replace(".venv/bin/", ".venv\\Scripts\\")


@pytest.fixture
def run_blocks(tiny_checkpoint, tmp_path, monkeypatch):
    """A function that runs the Python blocks of a page in order and returns the names they leave."""
    monkeypatch.chdir(tmp_path)
    whole = (mini_folder() / "config.yaml").is_file() and built_in_references()
    if whole:
        sound, rate = soundfile.read(next(iter(built_in_references().values())))
    else:
        sound, rate = 0.3 * np.random.default_rng(0).standard_normal(2 * 22_050), 22_050
    soundfile.write("reference.wav", sound, rate)

    def run(path):
        names: dict = {}
        for block in fenced(path, "python"):
            source = block if whole else block.replace('"mini"', repr(str(tiny_checkpoint)))
            exec(compile(source, str(path), "exec"), names)  # noqa: S102
        return names

    return run


def test_the_python_of_the_readme_speaks_in_five_lines(run_blocks):
    (block,) = fenced(README, "python")
    assert sum(not line.startswith(("from ", "import ")) for line in block.split("\n") if line) <= 4
    assert run_blocks(README)["speech"].waveform.samples.shape[-1] == soundfile.info("speech.wav").frames > 0


def test_every_python_block_of_the_python_page_runs(run_blocks):
    names = run_blocks(ROOT / "docs" / "python.md")
    assert names["samples"] == 70_560 == soundfile.info("speech.wav").frames
    assert names["tokens"] == 60 == int(names["semantic"].token_lengths[0])


def test_messages_of_the_troubleshooting_page_are_messages_of_the_code():
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    quoted = {message for row in rows for message in re.findall(r"`([^`]+)`", row) if " " in message}
    assert len(quoted) > 5
    paths = [*(ROOT / "indextts2").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    assert not [message for message in quoted - {"IMPORT FAILED"} if message not in code]  # that one is ComfyUI's


def test_constants_marked_as_different_from_the_paper_are_listed():
    listed = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "indextts2").rglob("*.py"):
        if "Differs from the paper" in path.read_text(encoding="utf-8"):
            assert path.relative_to(ROOT).as_posix() in listed, path
