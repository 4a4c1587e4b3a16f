"""Checkpoints are found by path, by name, in caches, and inside the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indextts2.errors import CheckpointError
from indextts2.loading.find import (
    built_in_references,
    checkpoint_folder,
    find_checkpoints,
    machine_caches,
    mini_folder,
)
from indextts2.loading.releases import OFFICIAL_KIND, RELEASES

PACKAGE = Path(__file__).parent.parent.parent / "indextts2"


def checkpoint(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("version: 2.0\n", encoding="utf-8")
    return folder


def cached(cache: Path, revision: str, *, current: bool = True) -> Path:
    base = cache / ("models--" + RELEASES[OFFICIAL_KIND].replace("/", "--"))
    if current:
        (base / "refs").mkdir(parents=True, exist_ok=True)
        (base / "refs" / "main").write_text(revision, encoding="utf-8")
    return checkpoint(base / "snapshots" / revision)


def test_a_folder_of_checkpoints_and_a_checkpoint_itself_are_both_found(tmp_path):
    one, two = checkpoint(tmp_path / "many" / "one"), checkpoint(tmp_path / "two")
    (tmp_path / "many" / "empty").mkdir()
    found = {one_.folder for one_ in find_checkpoints([tmp_path / "many", two, tmp_path / "not there"])}
    assert {one, two} <= found and tmp_path / "many" / "empty" not in found


def test_names_are_unique_and_folders_appear_once(tmp_path):
    first, second = checkpoint(tmp_path / "a" / "same"), checkpoint(tmp_path / "b" / "same")
    found = find_checkpoints([tmp_path / "a", tmp_path / "b", first])
    names = [one.name for one in found if one.folder in (first, second)]
    assert names == ["same", "same (b)"]


def test_the_current_revision_of_a_cache_is_found(tmp_path):
    cached(tmp_path, "old", current=False)
    wanted = cached(tmp_path, "new")
    assert wanted in {one.folder for one in find_checkpoints([], [tmp_path])}
    assert checkpoint_folder(wanted.parent.parent) == wanted


def test_a_checkpoint_is_given_by_path_or_by_name(tmp_path):
    wanted = checkpoint(tmp_path / "models" / "mine")
    assert checkpoint_folder(wanted) == wanted
    assert checkpoint_folder(str(wanted)) == wanted
    assert checkpoint_folder("mine", [tmp_path / "models"]) == wanted


def test_mini_is_the_folder_inside_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert checkpoint_folder("mini") == mini_folder() == PACKAGE / "mini"
    assert all(path.parent == PACKAGE / "mini" / "references" for path in built_in_references().values())


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    checkpoint(tmp_path / "mine")
    with pytest.raises(CheckpointError, match=r"no checkpoint 'yours'.*mine"):
        checkpoint_folder("yours", [tmp_path])


@pytest.mark.parametrize("given", ["IndexTTS-2", "models/IndexTTS-2"])
def test_the_released_checkpoint_by_name_says_how_to_get_it_while_it_is_not_there(tmp_path, given, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="download official --to") as caught:
        checkpoint_folder(given, [tmp_path / "models"])
    assert str(tmp_path / "models" / "IndexTTS-2") in str(caught.value)


def test_the_machines_cache_follows_the_usual_environment_variables(tmp_path, monkeypatch):
    (tmp_path / "hub").mkdir()
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert machine_caches() == [tmp_path / "hub"]
    shutil.rmtree(tmp_path / "hub")
    assert machine_caches() == []
