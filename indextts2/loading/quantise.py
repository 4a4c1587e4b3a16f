"""Eight-bit weights for the large linear layers: which layers, how they are written, how a module takes them.

A quantised layer `x` has `x.weight` in int8 and `x.weight_peak` beside it; a file tells by that what it holds, so a
checkpoint may mix precisions layer by layer.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from ..models.int8_linear import Int8Linear, quantize
from ..models.transformer import StepLinear
from .tensors import ModuleType

KEPT_LAYERS = ("mel_head", "text_head", "emo_layer", "emovec_layer")
"""Layers of T2S that stay whole: token probabilities, and the emotion vectors that algebra is done on."""

SMALLEST_SIDE = 16  # a smaller matrix saves nothing
ABSMAX = ".weight_peak"  # a key of saved files: the scale of a layer's int8 codes
WEIGHT = ".weight"


def layers_to_quantise(module: nn.Module) -> set[str]:
    """Names of the linear layers that are stored in eight bits."""
    return {
        name
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
        and name not in KEPT_LAYERS
        and min(layer.in_features, layer.out_features) >= SMALLEST_SIDE
    }


def encoded(key: str, value: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
    """A tensor as it is written: itself, or int8 codes and their absmax scale for the matrix of one of `layers`."""
    name = key.removesuffix(WEIGHT)
    if name == key or name not in layers or not value.is_floating_point():
        return {key: value}
    codes, absmax = quantize(value)
    return {key: codes, name + ABSMAX: absmax}


def quantised_layers(tensors: Collection[str]) -> set[str]:
    """Names of the layers that a file holds in eight bits."""
    return {key.removesuffix(ABSMAX) for key in tensors if key.endswith(ABSMAX)}


def with_int8_layers(module: ModuleType, names: Collection[str]) -> ModuleType:
    """The module with the named linear layers replaced by empty ones in eight bits, in place.

    Names that are no linear layer are left; the check of names and shapes reports them then.
    """
    for name in names:
        layer = _layer(module, name)
        if isinstance(layer, nn.Linear):
            holder = module.get_submodule(name.rpartition(".")[0])
            setattr(holder, name.rpartition(".")[2], _empty(layer))
    return module


def _layer(module: nn.Module, name: str) -> nn.Module | None:
    try:
        return module.get_submodule(name)
    except AttributeError:
        return None


def _empty(layer: nn.Linear) -> Int8Linear:
    with torch.device("meta"):
        return Int8Linear(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            integer_products=isinstance(layer, StepLinear),
        )
