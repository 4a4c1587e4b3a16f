"""Conditions that a configuration must satisfy before anything is built from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from ..config import EMOTIONS, Config
from ..errors import ConfigError

LARGEST = 1 << 20  # no size of a model of this kind comes near; a larger one is a damaged file
ZERO_ALLOWED = frozenset(
    {
        "t2s.start_text",
        "t2s.stop_text",
        "t2s.alignment_heads",
        "t2s.language_rows",
        "mel.low_hz",
        "s2m.defaults.guidance",
        "text.pause_seconds",
        "semantic_encoder.right_positions",
    }
)
CHOICES = {
    "t2s.duration.slot": ("a", "b", "both"),
    "t2s.duration.free": ("official", "zero", "row0"),
    "t2s.decode_row_offset": (1, 2),
}


def _choices() -> dict[str, tuple[Any, ...]]:
    """Field -> the values it may have; the tables are imported when a configuration is checked, for a quick start."""
    from ..stages.conditions import SPEAKER_CONDITIONERS
    from ..stages.content import CONTENT
    from ..stages.ode import GRIDS, SOLVERS
    from ..text.front_end import FRONT_ENDS

    return {
        **CHOICES,
        "s2m.content": tuple(CONTENT),
        "s2m.defaults.grid": tuple(GRIDS),
        "s2m.defaults.solver": tuple(SOLVERS),
        "t2s.speaker_from": tuple(SPEAKER_CONDITIONERS),
        "text.kind": tuple(FRONT_ENDS),
    }


def check_config(config: Config) -> None:
    """Refuse impossible sizes and sections that do not fit together. Raises ConfigError."""
    for path, value in _leaves(config, ""):
        _check_value(path, value)
    _check_divisions(config)
    _check_sections(config)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(value):
        for entry in dataclasses.fields(value):
            yield from _leaves(getattr(value, entry.name), f"{path}.{entry.name}" if path else entry.name)
    elif isinstance(value, tuple):
        if not value:
            raise ConfigError(f"{path} should not be empty.")
        for item in value:
            yield from _leaves(item, path)
    else:
        yield path, value


def _check_value(path: str, value: object) -> None:
    allowed = _choices().get(path)
    if allowed is not None and value not in allowed:
        raise ConfigError(f"{path} should be one of {', '.join(map(str, allowed))}, but is {value!r}.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    smallest_ok = value >= 0 if path in ZERO_ALLOWED else value > 0
    if not (smallest_ok and value <= LARGEST):
        raise ConfigError(f"{path} should lie above 0 and below {LARGEST}, but is {value}.")


def _check_divisions(config: Config) -> None:
    pairs = (
        ("semantic_encoder.dim", config.semantic_encoder.dim, config.semantic_encoder.heads),
        ("t2s.dim", config.t2s.dim, config.t2s.heads),
        ("t2s.speaker.width", config.t2s.speaker.width, config.t2s.speaker.heads),
        ("t2s.emotion.width", config.t2s.emotion.width, config.t2s.emotion.heads),
        ("s2m.flow.width", config.s2m.flow.width, config.s2m.flow.heads),
    )
    for name, width, heads in pairs:
        if width % heads:
            raise ConfigError(f"{name} is {width}, which {heads} heads do not divide.")


def _check_sections(config: Config) -> None:
    t2s, flow, vocoder = config.t2s, config.s2m.flow, config.vocoder
    equal = (
        ("t2s.start_semantic", t2s.start_semantic, "codec.codebook_size", config.codec.codebook_size),
        ("s2m.regulator.input_dim", config.s2m.regulator.input_dim, "s2m.semantic_dim", config.s2m.semantic_dim),
        ("s2m.regulator.width", config.s2m.regulator.width, "s2m.flow.content_dim", flow.content_dim),
        ("s2m.flow.bands", flow.bands, "mel.bands", config.mel.bands),
        ("vocoder.bands", vocoder.bands, "mel.bands", config.mel.bands),
        ("the product of vocoder.upsample_rates", math.prod(vocoder.upsample_rates), "mel.hop", config.mel.hop),
        (
            "the number of vocoder.upsample_kernels",
            len(vocoder.upsample_kernels),
            "the number of vocoder.upsample_rates",
            len(vocoder.upsample_rates),
        ),
        (
            "the number of vocoder.residual_dilations",
            len(vocoder.residual_dilations),
            "the number of vocoder.residual_kernels",
            len(vocoder.residual_kernels),
        ),
        (
            "the number of style_encoder.dilations",
            len(config.style_encoder.dilations),
            "the number of style_encoder.block_layers",
            len(config.style_encoder.block_layers),
        ),
        ("the number of emotion_bank.group_sizes", len(config.emotion_bank.group_sizes), "emotions", len(EMOTIONS)),
    )
    for name, value, other, wanted in equal:
        if value != wanted:
            raise ConfigError(f"{name} is {value}, but {other} is {wanted}. They must be equal.")
    if not t2s.start_semantic < t2s.stop_semantic < t2s.semantic_tokens:
        raise ConfigError(
            f"start, stop and number of semantic tokens are {t2s.start_semantic}, {t2s.stop_semantic}, "
            f"{t2s.semantic_tokens}; start must come before stop, and stop before the number."
        )
    if max(t2s.start_text, t2s.stop_text) > t2s.text_tokens:
        raise ConfigError("t2s.start_text and t2s.stop_text must be rows of the text table.")
    if t2s.speaker_from == "style" and t2s.style_dim != config.style_encoder.dim:
        raise ConfigError(
            f"t2s.style_dim is {t2s.style_dim}, but style_encoder.dim is {config.style_encoder.dim}. "
            "They must be equal."
        )
    if (config.s2m.content == "decoder") != (config.codec.downsample > 1):
        raise ConfigError(
            f"s2m.content is '{config.s2m.content}' and codec.downsample {config.codec.downsample}; a codec that "
            "resamples goes with the content 'decoder', and no other does."
        )
    if config.mel.window > config.mel.fft_size:
        raise ConfigError(f"mel.window is {config.mel.window}, longer than mel.fft_size {config.mel.fft_size}.")
