"""Checkpoints of any size with generated weights: for timing and for trying the way from file to speech.

They speak noise. No claim about sound can be made with them; the amount of work and memory is the real one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..config import Config
from ..text.languages import LANGUAGE_CODES
from .checkpoint import Checkpoint, empty_model
from .find import mini_folder
from .fingerprint import Fingerprints
from .generation import KIND_BY_CONTENT, TEXT_TOKENS
from .native import STORED_PRECISIONS
from .opened import NATIVE
from .parts import FP32, INT8, checkpoint_parts, part_of
from .quantise import encoded, layers_to_quantise
from .releases import OFFICIAL_KIND
from .stream import Source

BYTES_ONLY = Path(__file__).resolve().parent.parent / "text" / "data" / "bytes.tiktoken"
"""A vocabulary of the 256 single bytes, for checkpoints of IndexTTS-2.5 whose own is not at hand."""

DEVIATION = 0.02
DRAWN = 999_983  # numbers drawn for a large tensor, which repeats them; a prime, so that no two of its rows are alike
SCALE_ENDINGS = ("gamma", "norm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight", "running_var", "std")


@dataclass(frozen=True, slots=True)
class GeneratedCheckpoint(Checkpoint):
    """A checkpoint whose tensors are made when they are read.

    precision: as for `convert`. seed: None for one number throughout.
    """

    precision: str = "fp32"
    seed: int | None = 0

    def read(self, part: str) -> dict[str, Tensor]:
        """All tensors of a part, in the precision of the checkpoint."""
        row = part_of(part, self.config)
        layers: set[str] = set()
        if self.precision == row.min_precision == INT8:
            layers = layers_to_quantise(empty_model(self.config, part))
        dtype = torch.float32 if row.min_precision == FP32 else STORED_PRECISIONS[self.precision]
        made: dict[str, Tensor] = {}
        for key, make in generated_sources(self.config, part, self.seed).items():
            whole = make().to("meta") if self.seed is None and row.build else make()
            for name, value in encoded(key, whole, layers).items():
                kind = dtype if value.is_floating_point() and name == key else value.dtype
                made[name] = _same_number(value, kind) if value.is_meta else value.to(kind)
        return made


def full_size_config(kind: str = OFFICIAL_KIND) -> Config:
    """The released sizes of a kind, spoken through a tokenizer of the package, so that no released file is needed."""
    released = Config()
    name = f"generated weights of full size, {kind}"
    if KIND_BY_CONTENT[released.s2m.content] == kind:
        text = replace(released.text, kind="english", tokenizer="tokenizer.model")
        return replace(released, text=text, name=name)
    return replace(
        released,
        codec=replace(released.codec, downsample=2),
        t2s=replace(
            released.t2s,
            text_tokens=TEXT_TOKENS,
            speaker_from="style",
            language_rows=len(LANGUAGE_CODES) + 1,
            duration=replace(released.t2s.duration, rows=False),
        ),
        s2m=replace(released.s2m, content="decoder"),
        text=replace(released.text, kind="multilingual", tokenizer=BYTES_ONLY.name),
        name=name,
        version=kind,
    )


def generated_checkpoint(
    precision: str = "fp32", config: Config | None = None, *, tokenizer: Path | None = None, seed: int | None = 0
) -> GeneratedCheckpoint:
    """A whole checkpoint with generated weights; nothing is written anywhere.

    config: the released sizes when None. tokenizer: one of the package when None. seed: None makes zeros, which take
    little time and memory: for counting sizes.
    """
    config = config or full_size_config()
    files = {part: (Path(f"generated {part}"),) for part in checkpoint_parts()}
    own = BYTES_ONLY if config.text.tokenizer == BYTES_ONLY.name else mini_folder() / config.text.tokenizer
    files["tokenizer"] = (tokenizer or own,)
    marks = Fingerprints("generated", "generated", "generated", "generated")
    return GeneratedCheckpoint(
        config, Path("generated"), NATIVE, files, marks, "none", {}, precision=precision, seed=seed
    )


def generated_sources(config: Config, part: str, seed: int | None = 0) -> dict[str, Source]:
    """Tensor -> what makes it: the same for the same seed, each on its own; zeros without one."""
    shapes = part_of(part, config).shapes
    if shapes is not None:
        return {key: _generated(key, shape, seed) for key, shape in shapes(config).items()}
    return dict(_of_module(empty_model(config, part), seed))


def _of_module(module: torch.nn.Module, seed: int | None) -> Iterator[tuple[str, Source]]:
    for index, (key, value) in enumerate(module.state_dict().items()):
        if not value.is_meta:  # buffers are real: tables and statistics
            yield key, partial(_same, value)
        else:
            yield key, _generated(key, tuple(value.shape), None if seed is None else seed + index)


def _generated(key: str, shape: tuple[int, ...], seed: int | None) -> Source:
    """Maker of a tensor: scales are one and offsets zero, so that numbers keep their size from layer to layer."""
    if key.endswith(SCALE_ENDINGS) or (len(shape) == 1 and key.endswith("weight")):
        return partial(torch.ones, shape)
    if len(shape) == 1:
        return partial(torch.zeros, shape)
    return partial(_noise, shape, seed)


def _same(value: Tensor) -> Tensor:
    return value


def _same_number(value: Tensor, kind: torch.dtype) -> Tensor:
    """One number for a whole tensor, not zero: norms in half precision would divide by it."""
    return torch.full((), DEVIATION if kind.is_floating_point else 0, dtype=kind).expand(value.shape)


def _noise(shape: tuple[int, ...], seed: int | None) -> Tensor:
    if seed is None:
        return torch.zeros(()).expand(shape)
    count = math.prod(shape)
    if count > DRAWN:  # drawing every number would take longer than all that follows
        block = DEVIATION * torch.randn(DRAWN, generator=torch.Generator().manual_seed(seed))
        whole = torch.empty(count)
        for piece in whole.split(DRAWN):
            piece.copy_(block[: len(piece)])
        return whole.reshape(shape)
    return DEVIATION * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
