"""The command line finds models where ComfyUI and other packs keep them, without asking the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from indextts2.loading.find import find_checkpoints
from indextts2.loading.host_folders import download_folder, host_model_folders, host_root


@pytest.fixture
def host(tmp_path) -> Path:
    root = tmp_path / "ComfyUI"
    (root / "models").mkdir(parents=True)
    (root / "custom_nodes" / "pack" / "indextts2").mkdir(parents=True)
    return root


def test_the_host_is_the_folder_above_custom_nodes(host, tmp_path):
    assert host_root(host / "custom_nodes" / "pack" / "indextts2") == host
    assert host_root(tmp_path / "elsewhere" / "indextts2") is None
    assert host_model_folders(None) == []


def test_folders_of_the_pack_of_other_packs_and_of_the_extra_file_are_looked_in(host, tmp_path):
    (host / "models" / "TTS" / "IndexTTS-2").mkdir(parents=True)
    inside = host / "custom_nodes" / "other" / "checkpoints"
    inside.mkdir(parents=True)
    for name in ("config.yaml", "gpt.pth"):
        (inside / name).write_text("x")
    (host / "extra_model_paths.yaml").write_text(
        f"a:\n  base_path: {tmp_path / 'big disk'}\n  indextts2: |\n    tts/one\n    tts/two\nb:\n  loras: elsewhere\n"
    )
    assert host_model_folders(host) == [
        host / "models" / "indextts2",
        tmp_path / "big disk" / "tts" / "one",
        tmp_path / "big disk" / "tts" / "two",
        host / "models" / "TTS" / "IndexTTS-2",
        inside,
    ]


@pytest.mark.parametrize("text", ["- [", "just words", "a: 1", ""])
def test_an_extra_file_that_says_nothing_useful_is_passed_over(host, text):
    (host / "extra_model_paths.yaml").write_text(text)
    assert host_model_folders(host) == [host / "models" / "indextts2"]


def test_a_download_goes_to_a_named_folder_first_then_to_the_host(host, tmp_path):
    assert download_folder([tmp_path / "mine"], host) == tmp_path / "mine" / "IndexTTS-2"
    assert download_folder([], host) == host / "models" / "indextts2" / "IndexTTS-2"


def test_the_cache_of_the_other_hub_is_found(tmp_path, monkeypatch):
    place = tmp_path / "models" / "IndexTeam" / "IndexTTS-2"
    place.mkdir(parents=True)
    (place / "config.yaml").write_text("version: 2.0\n")
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path))
    assert place in {one.folder for one in find_checkpoints([])}
