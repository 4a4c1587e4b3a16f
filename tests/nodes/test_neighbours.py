"""Beside packs of other people that put themselves first on the path and own top-level packages of our names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

from . import graphs

TOP_LEVEL = ("indextts", "indextts2", "training", "text")
INSIDE = ("config", "contracts", "errors", "stages", "models", "loading", "sampling", "audio", "text")


def write_neighbour(folder: Path, package: str) -> Path:
    """A pack as careless as they come: its package hides every module that ours could be after by mistake."""
    place = folder / f"other-{package}"
    (place / package).mkdir(parents=True)
    (place / package / "__init__.py").write_text("WHOSE = 'theirs'\n", encoding="utf-8")
    for name in INSIDE:
        (place / package / f"{name}.py").write_text("raise RuntimeError('taken for ours')\n", encoding="utf-8")
    lines = ["import os, sys", "sys.path.insert(0, os.path.dirname(__file__))", f"import {package} as own"]
    (place / "__init__.py").write_text("\n".join([*lines, "NODE_CLASS_MAPPINGS = {}", ""]), encoding="utf-8")
    return place


@pytest.fixture
def neighbours(tmp_path, monkeypatch):
    """Such packs, loaded as the host loads them; the tests' own library is put aside meanwhile."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [*sys.modules]:
        if name.partition(".")[0] in TOP_LEVEL:
            monkeypatch.delitem(sys.modules, name)
    loaded = {}
    for package in TOP_LEVEL:
        place = write_neighbour(tmp_path / "custom_nodes", package)
        spec = importlib.util.spec_from_file_location(f"neighbour_{package}", place / "__init__.py")
        loaded[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[package])
    yield loaded
    for name in [*sys.modules]:
        if name.partition(".")[0] in TOP_LEVEL:
            del sys.modules[name]


def test_a_graph_runs_beside_packs_with_our_names_and_theirs_stay_theirs(machine, neighbours):
    audio = machine.run(graphs.chain())["vocoder"][0][0]["waveform"]
    assert audio.shape[-1] > 0
    machine.run(graphs.speak())
    for package, pack in neighbours.items():
        assert sys.modules[package] is pack.own and importlib.import_module(package).WHOSE == "theirs"


def test_no_module_of_the_pack_lives_under_a_name_that_others_may_use(pack):
    prefix = pack.module.__name__
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None) or ""
        if name.startswith(prefix):
            continue
        assert not file.startswith(f"{prefix}/"), f"{name} was loaded from the pack's folder"
