"""Surgery on the teacher's ONNX graph: F0 and energy controls behind its predictors, durations and F0 as outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

CONTROLS = ("f0_gain", "f0_range", "n_gain", "f0_ramp", "f0_trem")
"""Names of the added graph inputs, one float each."""

_DURATIONS = "/encoder/Round_output_0"
_VOICED_HZ = 40.0
_F0_LIMITS = (50.0, 600.0)
_TREMOLO_HZ = 5.5
_CURVE_RATE = 80.0  # values per second of the predicted F0 curve (24 kHz / 300)

_F0_STEPS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    # operation, inputs, output; "@f0" is the predicted curve (batch, 1, frames), "@..." constants, "." temporaries
    ("Greater", ("@f0", "@voiced_hz"), ".voiced"),
    ("Cast", (".voiced",), ".mask"),
    ("Mul", ("@f0", ".mask"), ".kept"),
    ("ReduceSum", (".kept", "@frames_axis"), ".sum"),
    ("ReduceSum", (".mask", "@frames_axis"), ".count_or_zero"),
    ("Max", (".count_or_zero", "@one"), ".count"),
    ("Div", (".sum", ".count"), ".mean"),
    ("Sub", ("@f0", ".mean"), ".deviation"),
    ("Mul", (".deviation", "f0_range"), ".ranged"),
    ("Add", (".ranged", ".mean"), ".recentred"),
    ("Mul", (".recentred", "f0_gain"), ".gained"),
    ("Mul", ("@f0", "@zero"), ".zeros"),
    ("Add", (".zeros", "@one"), ".ones"),
    ("CumSum", (".ones", "@cumulative_axis"), ".index"),
    ("ReduceSum", (".ones", "@frames_axis"), ".total"),
    ("Div", (".index", ".total"), ".position"),
    ("Sub", (".position", "@half"), ".centred"),
    ("Mul", (".centred", "f0_ramp"), ".slope"),
    ("Add", (".slope", "@one"), ".ramp"),
    ("Mul", (".index", "@radians_per_value"), ".phase"),
    ("Sin", (".phase",), ".sine"),
    ("Mul", (".sine", "f0_trem"), ".wave"),
    ("Add", (".wave", "@one"), ".tremolo"),
    ("Mul", (".gained", ".ramp"), ".ramped"),
    ("Mul", (".ramped", ".tremolo"), ".trembling"),
    ("Max", (".trembling", "@lowest"), ".above"),
    ("Min", (".above", "@highest"), ".limited"),
    ("Where", (".voiced", ".limited", "@f0"), "@out"),
)

_CONSTANTS: dict[str, np.ndarray] = {
    "@voiced_hz": np.array([_VOICED_HZ], dtype=np.float32),
    "@frames_axis": np.array([2], dtype=np.int64),
    "@cumulative_axis": np.array(2, dtype=np.int64),
    "@zero": np.array([0.0], dtype=np.float32),
    "@half": np.array([0.5], dtype=np.float32),
    "@one": np.array([1.0], dtype=np.float32),
    "@radians_per_value": np.array([2.0 * math.pi * _TREMOLO_HZ / _CURVE_RATE], dtype=np.float32),
    "@lowest": np.array([_F0_LIMITS[0]], dtype=np.float32),
    "@highest": np.array([_F0_LIMITS[1]], dtype=np.float32),
}


def _last_output(graph: Any, part: str) -> str:
    return [node for node in graph.node if part in node.name][-1].output[0]


def _insert(graph: Any, source: str, build: Callable[[str, str], list[Any]]) -> None:
    """Put new nodes behind `source` and let every former reader of it read their result."""
    target = source + "_controlled"
    for consumer in graph.node:
        for position, name in enumerate(consumer.input):
            if name == source:
                consumer.input[position] = target
    place = next(k for k, node in enumerate(graph.node) if source in node.output) + 1
    for offset, new in enumerate(build(source, target)):
        graph.node.insert(place + offset, new)


def expose_controls(model: Any) -> Any:
    """Add the five control inputs to an ONNX model, in place, and make durations and F0 its second and third output."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for name, value in _CONSTANTS.items():
        graph.initializer.append(numpy_helper.from_array(value, "control" + name))
    for name in CONTROLS:
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]))

    def f0_nodes(source: str, target: str) -> list[Any]:
        def full(name: str) -> str:
            if name in ("@f0", "@out"):
                return source if name == "@f0" else target
            return {"@": "control", ".": source}.get(name[0], "") + name

        attributes: dict[str, dict[str, Any]] = {"Cast": {"to": TensorProto.FLOAT}, "ReduceSum": {"keepdims": 1}}
        return [
            helper.make_node(kind, [full(name) for name in inputs], [full(output)], **attributes.get(kind, {}))
            for kind, inputs, output in _F0_STEPS
        ]

    def energy_nodes(source: str, target: str) -> list[Any]:
        return [helper.make_node("Mul", [source, "n_gain"], [target])]

    f0, energy = _last_output(graph, "F0_proj"), _last_output(graph, "N_proj")
    _insert(graph, f0, f0_nodes)
    _insert(graph, energy, energy_nodes)
    for name in (_DURATIONS, f0):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return model
