"""The stand-in host with a tiny checkpoint in the place of the built-in one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from indextts2.loading.native import About, write_native
from tests.conftest import TINY_V25, TINY_VOCABULARY, random_parts
from tests.host.load import Pack, load_pack
from tests.host.machine import Machine

SAMPLE_RATE, SECONDS = 24_000, 1.0


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(tmp_path_factory.mktemp("host") / "custom_nodes")


@pytest.fixture(scope="session")
def tiny_mini(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A folder like the built-in checkpoint's: tiny models, two references, a model that reads emotion from words."""
    from indextts2.loading.text_to_emotion import write_settings
    from indextts2.training.emotion.text_to_emotion import write_tokenizer
    from indextts2.training.emotion.tiny_language_model import (
        TinyModelSettings,
        tiny_config,
        tiny_model,
        tiny_tokenizer,
    )

    folder = tmp_path_factory.mktemp("built_in") / "mini"
    shutil.copytree(tiny_checkpoint, folder)
    (folder / "references").mkdir()
    for number, name in enumerate(("anna", "ben")):
        noise = np.random.default_rng(number).normal(0.0, 0.1, round(SECONDS * SAMPLE_RATE))
        soundfile.write(folder / "references" / f"{name}.wav", noise.clip(-1.0, 1.0), SAMPLE_RATE)
    sizes = TinyModelSettings(vocabulary=320, dim=16, layers=1, heads=2, feed_forward=24, positions=64)
    tokenizer = tiny_tokenizer(sizes, ["I am so happy today.", "Get out of my house!", "It hurts, he is gone."] * 3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tiny_model(sizes, tokenizer).save_pretrained(folder / "text_to_emotion")
    write_tokenizer(tokenizer, folder / "text_to_emotion")
    write_settings(folder / "text_to_emotion", tiny_config())
    return folder


@pytest.fixture
def machine(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A host with the nodes of the example graphs, and no checkpoint but the built-in one."""
    from .host_extra import EXTRA

    monkeypatch.setenv("HF_HOME", str(tmp_path / "no_cache"))
    host = Machine(tmp_path, pack)
    host.nodes.update(EXTRA)
    return host


@pytest.fixture(scope="session")
def tiny_mini_v25(tmp_path_factory: pytest.TempPathFactory, tiny_mini: Path) -> Path:
    """The same folder with the models of a tiny IndexTTS-2.5."""
    folder = tmp_path_factory.mktemp("built_in_v25") / "mini"
    about = About(licence="CC0-1.0", provenance="random numbers")
    # A tiny checkpoint never ends by itself, so it has to be told the lengths that the graphs ask for.
    trained = replace(TINY_V25.t2s, duration=replace(TINY_V25.t2s.duration, trained=True))
    config = replace(TINY_V25, t2s=trained)
    write_native(folder, config, random_parts(config), about, tokenizer=TINY_VOCABULARY)
    for name in ("references", "text_to_emotion"):
        shutil.copytree(tiny_mini / name, folder / name)
    return folder


@pytest.fixture
def machine_with_tiny_v25(
    machine: Machine, pack: Pack, tiny_mini_v25: Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    """The host with a tiny IndexTTS-2.5 under the name of the built-in checkpoint."""
    monkeypatch.setattr(pack.part("indextts2.loading.find"), "mini_folder", lambda: tiny_mini_v25)
    return machine


@pytest.fixture
def machine_with_tiny(machine: Machine, pack: Pack, tiny_mini: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The same, with the tiny checkpoint under the name of the built-in one."""
    monkeypatch.setattr(pack.part("indextts2.loading.find"), "mini_folder", lambda: tiny_mini)
    return machine
