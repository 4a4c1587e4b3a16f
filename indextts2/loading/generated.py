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
from .checkpoint import NATIVE, Checkpoint, empty_model
from .find import mini_folder
from .fingerprint import Fingerprints
from .native import STORED_PRECISIONS
from .quantise import INT8, QUANTISED_PARTS, encoded, layers_to_quantise
from .renames import MODEL_PARTS, PARTS
from .stream import Source

DEVIATION = 0.02
DRAWN = 999_983  # numbers drawn for a large tensor, which repeats them; a prime, so that no two of its rows are alike
NORM_ENDINGS = ("gamma", "norm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight", "running_var")


@dataclass(frozen=True, slots=True)
class GeneratedCheckpoint(Checkpoint):
    """A checkpoint whose tensors are made when they are read.

    precision: as for `convert`. seed: None for one number throughout.
    """

    precision: str = "fp32"
    seed: int | None = 0

    def read(self, part: str) -> dict[str, Tensor]:
        """All tensors of a part, in the precision of the checkpoint."""
        layers = {}
        if self.precision == INT8 and part in QUANTISED_PARTS:
            layers = layers_to_quantise(empty_model(self.config, part))
        dtype = STORED_PRECISIONS[self.precision] if part in MODEL_PARTS else torch.float32
        made: dict[str, Tensor] = {}
        for key, make in generated_sources(self.config, part, self.seed).items():
            whole = make().to("meta") if self.seed is None and part in MODEL_PARTS else make()
            for name, value in encoded(key, whole, layers).items():
                kind = dtype if value.is_floating_point() and name == key else value.dtype
                made[name] = _same_number(value, kind) if value.is_meta else value.to(kind)
        return made


def full_size_config() -> Config:
    """The released sizes, spoken through the built-in tokenizer, so that no file of the released model is needed."""
    text = replace(Config().text, kind="english", tokenizer="tokenizer.model")
    return replace(Config(), text=text, name="generated weights of full size")


def generated_checkpoint(
    precision: str = "fp32", config: Config | None = None, *, tokenizer: Path | None = None, seed: int | None = 0
) -> GeneratedCheckpoint:
    """A whole checkpoint with generated weights; nothing is written anywhere.

    config: the released sizes when None. tokenizer: the mini's when None. seed: None makes zeros, which take little
    time and memory: for counting sizes.
    """
    config = config or full_size_config()
    files = {part: (Path(f"generated {part}"),) for part in PARTS}
    files["tokenizer"] = (tokenizer or mini_folder() / config.text.tokenizer,)
    marks = Fingerprints("generated", "generated", "generated", "generated")
    return GeneratedCheckpoint(
        config, Path("generated"), NATIVE, files, marks, "none", {}, precision=precision, seed=seed
    )


def generated_sources(config: Config, part: str, seed: int | None = 0) -> dict[str, Source]:
    """Tensor -> what makes it: the same for the same seed, each on its own; zeros without one."""
    if part == "statistics":
        dim = config.semantic_encoder.dim
        return {"mean": partial(torch.zeros, dim), "std": partial(torch.ones, dim)}
    if part == "emotion_bank":
        rows = sum(config.emotion_bank.group_sizes)
        return {
            "style_rows": partial(_noise, (rows, config.style_encoder.dim), seed),
            "emotion_rows": partial(_noise, (rows, config.t2s.dim), seed),
        }
    return dict(_of_module(empty_model(config, part), seed))


def _of_module(module: torch.nn.Module, seed: int | None) -> Iterator[tuple[str, Source]]:
    for place, (key, value) in enumerate(module.state_dict().items()):
        if not value.is_meta:  # buffers are real: tables and statistics
            yield key, partial(_same, value)
        elif key.endswith(NORM_ENDINGS) or (value.dim() == 1 and key.endswith("weight")):
            yield key, partial(torch.ones, tuple(value.shape))
        elif value.dim() == 1:
            yield key, partial(torch.zeros, tuple(value.shape))
        else:
            yield key, partial(_noise, tuple(value.shape), None if seed is None else seed + place)


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
