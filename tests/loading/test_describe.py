"""What `info` says of checkpoints: version, precision, size, what is missing, licence, damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from indextts2.cli.main import main
from indextts2.loading.checkpoint import open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe, summary
from indextts2.loading.download.sums import write_sums
from indextts2.loading.fingerprint import sha256_of

from ..conftest import TINY
from .official_writer import write_official


@pytest.fixture
def official(tiny_parts, tiny_tokenizer, tmp_path) -> Path:
    return write_official(tmp_path / "IndexTTS-2", TINY, tiny_parts, tiny_tokenizer)


def test_the_precision_and_size_of_official_files_are_told_too(official):
    parts = {part["name"]: part for part in describe(open_checkpoint(official))["parts"]}
    assert parts["t2s"]["precision"] == parts["vocoder"]["precision"] == "fp32"
    assert parts["t2s"]["parameters"] > 0 and parts["t2s"]["bytes"] == (official / "gpt.pth").stat().st_size


def test_the_licence_names_the_texts_that_came_with_the_files(official, tmp_path):
    assert "not stated" in open_checkpoint(official).licence
    (official / "LICENSE.txt").write_text("conditions")
    other = official / "hf_cache" / "licences" / "nvidia--bigvgan"
    other.mkdir(parents=True)
    (other / "LICENSE").write_text("others")
    assert open_checkpoint(official).licence.endswith("LICENSE.txt, hf_cache/licences/nvidia--bigvgan/LICENSE")
    convert(open_checkpoint(official), tmp_path / "native")
    assert (tmp_path / "native" / "licences" / "IndexTTS-2" / "LICENSE.txt").read_text() == "conditions"
    assert (tmp_path / "native" / "licences" / "nvidia--bigvgan" / "LICENSE").read_text() == "others"


def test_the_list_tells_of_each_checkpoint_whether_it_can_be_used(official, monkeypatch, capsys):
    (official / "s2mel.pth").unlink()
    broken = official.parent / "broken"
    broken.mkdir()
    (broken / "config.yaml").write_text("nonsense: 1\n")
    monkeypatch.setenv("INDEXTTS2_MODELS", str(official.parent))
    assert main(["info", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checkpoints"]}
    assert found["IndexTTS-2"]["missing"] == ["s2m"] and not found["IndexTTS-2"]["complete"]
    assert found["IndexTTS-2"]["precision"] == "fp32" and found["IndexTTS-2"]["layout"] == "official"
    assert "Unknown key 'nonsense'" in found["broken"]["error"]
    assert main(["info"]) == 0
    output = capsys.readouterr().out
    assert "lacks s2m" in output and "cannot be used" in output


def test_a_changed_official_file_is_found_by_its_sum(official):
    write_sums(official, {"feat1.pt": sha256_of(official / "feat1.pt")})
    assert describe(open_checkpoint(official), verify=True)["damaged"] == []
    torch.save(torch.load(official / "feat1.pt", weights_only=True) + 1, official / "feat1.pt")
    assert describe(open_checkpoint(official), verify=True)["damaged"] == ["feat1.pt"]


def test_a_checkpoint_that_does_not_open_says_why(tmp_path):
    (tmp_path / "config.yaml").write_text("- 1")
    assert not summary(tmp_path)["complete"] and "keys and values" in summary(tmp_path)["error"]
