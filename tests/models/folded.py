"""Weights of a state dict with weight norm folded, as loading makes them one by one."""

from __future__ import annotations

from indextts2.loading.weight_norm import folding


def folded_weights(state_dict):
    return {key: make() for key, make in folding(state_dict).items()}
