"""Models built from the released configuration have exactly the live keys and shapes of the published files."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

from indextts2.config import Config
from indextts2.loading.parts import part_of
from indextts2.loading.renames import live_sources
from indextts2.loading.tensors import without_memory

LISTINGS = Path(__file__).parent.parent / "parity" / "data"
RELEASED = Config()
LISTED = {
    "semantic_encoder": ("w2vbert", ""),
    "codec": ("semantic_codec", ""),
    "style_encoder": ("campplus", ""),
    "t2s": ("gpt", ""),
    "s2m": ("s2mel", "net."),
    "vocoder": ("bigvgan", "generator."),
}
DEAD_COUNT = {"semantic_encoder": 225, "codec": 116, "style_encoder": 122, "t2s": 2, "s2m": 22, "vocoder": 0}


def listing(part: str) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of a published file."""
    name, prefix = LISTED[part]
    shapes: dict[str, tuple[int, ...]] = {}
    for line in (LISTINGS / f"checkpoint_{name}.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "key\t")):
            continue
        key, shape, _ = line.split("\t")
        shapes[key.removeprefix(prefix)] = tuple(int(number) for number in re.findall(r"\d+", shape))
    return shapes


def models() -> dict[str, Callable[[], nn.Module]]:
    from indextts2.models.codec import SemanticCodec
    from indextts2.models.s2m import SemanticToMel
    from indextts2.models.semantic_encoder import SemanticEncoder
    from indextts2.models.style_encoder import StyleEncoder
    from indextts2.models.t2s import TextToSemantic
    from indextts2.models.vocoder import Vocoder

    return {
        "semantic_encoder": lambda: SemanticEncoder(RELEASED.semantic_encoder),
        "codec": lambda: SemanticCodec(RELEASED.codec),
        "style_encoder": lambda: StyleEncoder(RELEASED.style_encoder),
        "t2s": lambda: TextToSemantic(RELEASED.t2s),
        "s2m": lambda: SemanticToMel(RELEASED.s2m),
        "vocoder": lambda: Vocoder(RELEASED.vocoder),
    }


@pytest.mark.parametrize("part", LISTED)
def test_live_keys_and_shapes_of_the_published_file_are_those_of_the_model(part):
    module = without_memory(models()[part])
    published = {key: torch.empty(shape, device="meta") for key, shape in listing(part).items()}
    live = {key: tuple(make().shape) for key, make in live_sources(part, published, RELEASED).items()}
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    counters = {key for key in own if key.endswith("num_batches_tracked")}
    assert live == {key: shape for key, shape in own.items() if key not in counters}


@pytest.mark.parametrize("part", LISTED)
def test_as_many_tensors_are_dead_as_the_specification_counts(part):
    patterns = part_of(part, RELEASED).dead_keys(RELEASED)
    dead = [key for key in listing(part) if any(re.fullmatch(pattern, key) for pattern in patterns)]
    assert len(dead) == DEAD_COUNT[part]


def test_building_without_memory_gives_parameters_no_memory_and_buffers_some():
    module = without_memory(models()["vocoder"])
    assert all(parameter.is_meta for parameter in module.parameters())
    assert not any(buffer.is_meta for buffer in module.buffers())
    assert not any(parameter.is_meta for parameter in nn.Linear(2, 2).parameters())


def test_building_without_memory_touches_no_other_thread():
    parts = [models()[part] for part in ("vocoder", "s2m", "codec", "style_encoder")]
    with ThreadPoolExecutor(5) as pool:
        foreign = [pool.submit(lambda: [nn.Linear(4, 4) for _ in range(300)])]
        built = [pool.submit(without_memory, part) for part in parts * 2]
        modules = [done.result() for done in built]
        others = foreign[0].result()
    assert all(parameter.is_meta for module in modules for parameter in module.parameters())
    assert not any(parameter.is_meta for layer in others for parameter in layer.parameters())


def test_building_without_memory_leaves_no_hook_behind():
    from torch.nn.modules.module import _global_parameter_registration_hooks as hooks

    seen = []
    without_memory(lambda: seen.append(dict(hooks)) or nn.Linear(2, 2))
    assert seen == [dict(hooks)] == [{}]
