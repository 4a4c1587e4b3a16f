"""The pack inside the stand-in host, with the tiny checkpoint among the host's models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.host.load import Pack, load_pack
from tests.host.machine import Machine

TINY = "tiny"


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The pack, loaded once as the host loads it."""
    return load_pack(tmp_path_factory.mktemp("host") / "custom_nodes")


@pytest.fixture
def machine(pack: Pack, tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A host whose models/indextts2 holds the tiny checkpoint under the name "tiny", and nothing from elsewhere."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no_cache"))
    host = Machine(tmp_path, pack)
    place = tmp_path / "models" / "indextts2" / TINY
    place.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(tiny_checkpoint, place)
    return host
