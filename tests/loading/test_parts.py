"""One table of parts: every reader uses it, and another layout is other rows."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from indextts2.config import Config
from indextts2.errors import InputError
from indextts2.loading import parts
from indextts2.loading.checkpoint import empty_model, load_encoder, load_s2m, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe
from indextts2.loading.fingerprint import Fingerprints
from indextts2.loading.parts import GROUPS, OfficialFile, part_of, parts_needed, parts_of
from tests.conftest import TINY
from tests.loading.official_writer import write_official

ROOT = Path(__file__).parent.parent.parent
NAMES = {row.name for row in parts.PARTS}
CODE = [path for room in ("indextts2", "nodes", "tools") for path in sorted((ROOT / room).rglob("*.py"))]

OWN_LISTS = {
    "indextts2/loading/parts.py": "the table",
    "indextts2/training/__main__.py": "what can be trained, of which checkpoint parts are some",
    "indextts2/runtime/reference_cache.py": "sections of the configuration that shape an encoding",
}
"""Files that may list names of parts, and what they list."""


def lists_of_names(tree: ast.AST) -> Iterator[list[str]]:
    """The texts in every list, tuple, set and row of keys that is written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            entries: list[ast.expr | None] = list(node.elts)
        elif isinstance(node, ast.Dict):
            entries = list(node.keys)
        else:
            continue
        yield [entry.value for entry in entries if isinstance(entry, ast.Constant) and isinstance(entry.value, str)]


def lists_of_parts(source: str) -> list[list[str]]:
    """Lists that name three parts, or two that are no group at the same time (t2s is both)."""
    groups, found = {row.group for row in parts.PARTS}, []
    for names in lists_of_names(ast.parse(source)):
        named = NAMES & set(names)
        if len(named - groups) > 1 or (named - groups and len(named) > 2):
            found.append(sorted(named))
    return found


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_but_the_table_lists_parts(path):
    if path.relative_to(ROOT).as_posix() not in OWN_LISTS:
        assert lists_of_parts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["A = ('codec', 'statistics')", "B = {'t2s': 1, 's2m': 2, 'codec': 3}", "for c in ['tokenizer', 'codec']: 0"],
)
def test_a_second_list_of_parts_would_be_found(source):
    assert len(lists_of_parts(source)) == 1


@pytest.mark.parametrize("name", sorted(OWN_LISTS))
def test_every_file_excepted_still_lists_parts(name):
    assert name == "indextts2/loading/parts.py" or lists_of_parts((ROOT / name).read_text(encoding="utf-8"))


def test_the_groups_of_a_checkpoint_are_those_with_a_fingerprint():
    assert Fingerprints.__slots__ == GROUPS
    assert {row.group for row in parts.PARTS} - set(GROUPS) == {"text_to_emotion"}


def test_semantic_to_mel_needs_the_codec_of_the_encoder_and_no_group_its_optional_parts():
    assert parts_needed(["s2m"]) == ("codec", "s2m")
    assert parts_needed(["t2s"]) == ("t2s", "tokenizer")


@pytest.mark.parametrize("row", parts_of(Config()), ids=lambda row: row.name)
def test_every_row_says_how_its_part_is_made_or_named(row):
    kinds = [row.build, row.shapes, row.named_by, row.is_folder or None]
    assert sum(kind is not None for kind in kinds) == 1
    assert row.official_files and all(hasattr(Config(), section) for section in row.config_sections)


def test_a_name_without_a_row_is_refused_and_the_known_ones_are_named():
    with pytest.raises(InputError, match="no part 'gpt'; known are semantic_encoder, codec"):
        part_of("gpt", Config())


@pytest.fixture
def second_layout(monkeypatch):
    """Rows for a configuration of its own: the codec in the model folder, with a dead tensor and other sections."""
    codec = replace(
        part_of("codec", TINY),
        official_files=(OfficialFile(("own_codec.pth",), config_key="codec_checkpoint"),),
        sections=("weights",),
        dead_keys=lambda config: (r"teacher\..*",),
        min_precision=parts.FP32,
        holds=lambda config: config.text.segment_tokens == 77,
    )
    monkeypatch.setattr(parts, "PARTS", (*parts.PARTS, codec))
    return replace(TINY, text=replace(TINY.text, segment_tokens=77))


def test_another_layout_is_other_rows(second_layout, tiny_parts, tiny_tokenizer, tmp_path):
    folder = write_official(tmp_path / "other", second_layout, tiny_parts, tiny_tokenizer)
    (folder / "hf_cache" / "semantic_codec_model.safetensors").unlink()
    shutil.rmtree(folder / "hf_cache" / "semantic_codec", ignore_errors=True)
    torch.save({"weights": {**tiny_parts["codec"], "teacher.weight": torch.ones(2)}}, folder / "own_codec.pth")

    opened = open_checkpoint(folder)
    assert not opened.missing
    assert opened.files["codec"] == (folder / "own_codec.pth",)
    assert describe(opened)["complete"]
    assert load_encoder(opened).codec.state_dict().keys() == empty_model(second_layout, "codec").state_dict().keys()
    assert not hasattr(load_s2m(opened).codec, "teacher")
    convert(opened, tmp_path / "native", precision="fp16")
    stored = open_checkpoint(tmp_path / "native").read("codec")
    assert {value.dtype for value in stored.values()} == {torch.float32}


def test_the_rows_of_another_layout_do_not_touch_this_one(second_layout):
    assert part_of("codec", TINY).sections == ("model",)
