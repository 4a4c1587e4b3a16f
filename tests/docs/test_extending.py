"""docs/extending.md is followed in a copy of the package: its files, and no others, and what was added works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
EDIT = re.compile(
    r"^In `([^`]+)`, (as a new file|above|as a row of|as the last row of)(?: `(\w+)`)?:\n\n"
    r"```(?:python|text)\n(.*?)```",
    re.M | re.S,
)
SECTIONS = {title: body for title, body in SECTION.findall(PAGE)}
FOLLOWED = [title for title, body in SECTIONS.items() if EDIT.search(body)]


def listed_files(body):
    return set(re.findall(r"`([^`]+)`", re.search(r"^Files: (.+?)\.$", body, re.M | re.S).group(1)))


def follow(copy, body):
    """Do what a section says; returns the files it touched."""
    touched = set()
    for name, how, anchor, code in EDIT.findall(body):
        path = copy / name
        touched.add(name)
        if how == "as a new file":
            assert not path.exists(), name
            path.write_text(code, encoding="utf-8")
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        (index,) = [number for number, line in enumerate(lines) if re.match(rf"{anchor}\b.*=", line)]
        if how == "above":
            lines[index:index] = [*code.rstrip("\n").split("\n"), "", ""]
        else:
            assert lines[index].endswith(("{", "(")), lines[index]
            last = next(number for number in range(index, len(lines)) if lines[number] in ("}", ")"))
            place = last if how == "as the last row of" else index + 1
            lines[place:place] = code.rstrip("\n").split("\n")
        path.write_text("\n".join(lines), encoding="utf-8")
    return touched


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the package in which every section was followed; the weights are linked, not copied."""
    copy = tmp_path_factory.mktemp("extended")
    skipped = shutil.ignore_patterns("__pycache__", "mini")
    for folder in ("indextts2", "nodes", "tests/host"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=skipped)
    for folder in ("indextts2/mini", "workflows"):
        (copy / folder).symlink_to(ROOT / folder, target_is_directory=True)
    shutil.copy(ROOT / "__init__.py", copy)
    for title in FOLLOWED:
        assert follow(copy, SECTIONS[title]) == listed_files(SECTIONS[title]), title
    return copy


def run(copy, code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_page_shows_every_kind_of_addition():
    assert {"A solver", "A sampler", "A language", "A checkpoint layout", "A node"} <= set(FOLLOWED)


@pytest.mark.parametrize("title", [title for title, body in SECTIONS.items() if "Files:" in body])
def test_files_of_a_section_exist_or_are_made_by_it(title):
    made = {name for name, how, _, _ in EDIT.findall(SECTIONS[title]) if how == "as a new file"}
    assert not [name for name in listed_files(SECTIONS[title]) - made if not (ROOT / name).is_file()]


def test_an_added_solver_solves_and_is_a_choice_of_the_command_line_and_of_a_configuration(extended):
    errors = run(
        extended,
        "from dataclasses import replace\n"
        "import torch\n"
        "from indextts2.config import Config\n"
        "from indextts2.loading.config_check import check_config\n"
        "from indextts2.cli.main import build_parser\n"
        "from indextts2.stages.ode import integrate, step_grid\n"
        "solver = build_parser().parse_args(['speak', 'Hi.', '--solver', 'ab3']).solver\n"
        "s2m = Config().s2m\n"
        "check_config(replace(Config(), s2m=replace(s2m, defaults=replace(s2m.defaults, solver=solver))))\n"
        "start, grid = torch.ones(1, dtype=torch.float64), step_grid('uniform', 40)\n"
        "for name in ('ab2', solver):\n"
        "    end = integrate(lambda step, state: start * (step / 40) ** 2, grid, start, solver=name)\n"
        "    print(abs(end.item() - 4 / 3))\n",  # a third after the start of one
    )
    second_order, third_order = map(float, errors.split())
    assert third_order < second_order / 10


def test_an_added_sampler_draws_and_is_a_choice_of_the_command_line_and_the_nodes(extended):
    said = run(
        extended,
        "from pathlib import Path\n"
        "import torch\n"
        "from indextts2.cli.main import build_parser\n"
        "from indextts2.sampling import SAMPLERS, SamplingSettings\n"
        "from tests.host.load import load_pack\n"
        "how = SamplingSettings(mode=build_parser().parse_args(['speak', 'Hi.', '--mode', 'min_p']).mode, top_k=0)\n"
        "likely = torch.tensor([0.6, 0.3, 0.059, 0.041]).log().expand(2000, 1, -1)\n"
        "noise = torch.empty(2000, 4).exponential_(generator=torch.Generator().manual_seed(0))\n"
        "drawn = SAMPLERS[how.mode].candidates(likely, noise, how).tokens\n"
        "pack = load_pack(Path('custom_nodes'))\n"
        "inputs = pack.nodes['IndexTTS2_TextToSemantic'].GET_SCHEMA().inputs\n"
        "(choices,) = [one.options for one in inputs if one.id == 'mode']\n"
        "print(sorted(set(drawn.flatten().tolist())), 'min_p' in choices)\n",
    )
    assert said == "[0, 1] True"


def test_an_added_language_is_read_by_a_checkpoint_of_its_kind(extended):
    said = run(
        extended,
        "from dataclasses import replace\n"
        "from indextts2.config import Config\n"
        "from indextts2.loading.config_check import check_config\n"
        "from indextts2.stages.prepare_text import prepare_text\n"
        "from indextts2.text.front_end import front_end_for\n"
        "text = replace(Config().text, kind='german')\n"
        "check_config(replace(Config(), text=text))\n"
        "front_end = front_end_for(text, 'indextts2/mini/tokenizer.model')\n"
        "print(front_end.kind, front_end.pieces('Du & ich').normalised, sep='|')\n",
    )
    assert said == "german|du  und  ich"


def test_an_added_layout_changes_its_rows_and_leaves_the_others(extended):
    said = run(
        extended,
        "from dataclasses import replace\n"
        "from indextts2.config import Config\n"
        "from indextts2.loading.parts import parts_of\n"
        "new, old = (parts_of(replace(Config(), version=version)) for version in ('3.0', '2.0'))\n"
        "changed = [row for row, former in zip(new, old, strict=True) if row != former]\n"
        "print(*((row.name, row.official_files[0].local, *row.sections) for row in changed))\n",
    )
    assert said == "('vocoder', 'vocoder.pth', 'weights')"


def test_an_added_node_is_in_the_pack_and_runs(extended):
    said = run(
        extended,
        "from pathlib import Path\n"
        "import torch\n"
        "from tests.host.load import load_pack\n"
        "pack = load_pack(Path('custom_nodes'))\n"
        "lengths, free = torch.tensor([3, 4]), torch.zeros(2, dtype=torch.int64)\n"
        "tokens = torch.ones(2, 4, dtype=torch.int64)\n"
        "semantic = pack.part('indextts2.contracts').SemanticSpeech(tokens, lengths, None, free, free, (0.0, 0.0))\n"
        "print(pack.nodes['IndexTTS2_CountTokens'].execute(semantic=semantic).args[0])\n",
    )
    assert said == "7"
