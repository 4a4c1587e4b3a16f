"""Reads parity fixtures: golden tensors and facts that a reference implementation produced.

Small fixtures travel with the repository in `data/`; the environment variable INDEXTTS2_PARITY_DIR names a folder with
the complete set. A test whose fixture is in neither place is skipped with that reason.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

FOLDER_VARIABLE = "INDEXTTS2_PARITY_DIR"
OWN_FOLDER = Path(__file__).parent / "data"
DEFAULT_TOLERANCE = {"rtol": 1e-4, "atol": 2e-4}  # what the fixtures without their own numbers suggest


def folders() -> list[Path]:
    """Where fixtures are looked for, in that order."""
    named = os.environ.get(FOLDER_VARIABLE)
    return ([Path(named)] if named else []) + [OWN_FOLDER]


def find_or_skip(name: str) -> Path:
    """The path of a fixture file, or a skipped test."""
    for folder in folders():
        if (folder / name).is_file():
            return folder / name
    pytest.skip(
        f"the parity fixture {name} is not in tests/parity/data; set {FOLDER_VARIABLE} to the folder that has it"
    )


@dataclass(frozen=True)
class ParityFixture:
    """One fixture: `name.json` with facts and `name.safetensors` with tensors."""

    name: str

    @cached_property
    def meta(self) -> dict[str, Any]:
        return json.loads(find_or_skip(f"{self.name}.json").read_text(encoding="utf-8"))

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        return load_file(find_or_skip(f"{self.name}.safetensors"))

    def tensor(self, key: str) -> Tensor:
        return self.tensors[key]

    def params(self, prefix_strip: str = "param/") -> dict[str, Tensor]:
        """Every tensor whose key begins with the prefix, without it: a state dict in official keys."""
        return {key.removeprefix(prefix_strip): t for key, t in self.tensors.items() if key.startswith(prefix_strip)}

    @property
    def tolerance(self) -> dict[str, float]:
        """rtol and atol for torch.testing.assert_close. A fixture with several says which in `tolerance_of`."""
        stated = self.meta.get("tol", {})
        return {key: stated.get(key, DEFAULT_TOLERANCE[key]) for key in DEFAULT_TOLERANCE}

    def tolerance_of(self, part: str) -> dict[str, float]:
        return dict(self.meta["tol"][part])

    def assert_close(self, found: Tensor, key: str, *, part: str | None = None, **overrides: float) -> None:
        """Compare with the golden tensor `key` within the stated tolerance (of `part`, where the fixture has parts)."""
        wanted = self.tensor(key)
        tolerance = (self.tolerance if part is None else self.tolerance_of(part)) | overrides
        torch.testing.assert_close(
            found.detach().cpu().to(wanted.dtype), wanted, msg=lambda text: f"{self.name} {key}: {text}", **tolerance
        )

    def fill(self, family: str, key: str, shape: tuple[int, ...]) -> Tensor:
        """The deterministic stand-in weight of a full-size fixture."""
        return torch.from_numpy(procedural_weights().fill(family, key, tuple(shape)))


@lru_cache(maxsize=1)
def procedural_weights() -> ModuleType:
    """The generator of the full-size weights, loaded from beside the fixtures."""
    spec = importlib.util.spec_from_file_location("procedural_weights", find_or_skip("procedural_weights.py"))
    if spec is None or spec.loader is None:
        pytest.skip("procedural_weights.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=8)
def cached_fixture(name: str) -> ParityFixture:
    return ParityFixture(name)


@pytest.fixture
def parity() -> Callable[[str], ParityFixture]:
    """parity("s2m_bigvgan") reads that fixture, or skips the test."""

    def read(name: str) -> ParityFixture:
        find_or_skip(f"{name}.json")
        return cached_fixture(name)

    return read
