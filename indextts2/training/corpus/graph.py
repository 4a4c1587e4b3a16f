"""The teacher's ONNX graph in two: what predicts runs as published, what makes sound is taken out as plain weights.

Between the two lie durations, pitch and energy, which is where a prosody style is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

RAW_DURATIONS = "/encoder/predictor/ReduceSum_output_0"
"""Units per token before pace and rounding, (1, tokens)."""
DURATIONS = "/encoder/Round_output_0"
"""Whole units per token, (1, tokens)."""
CURVES = ("/encoder/MatMul_1_output_0", "/encoder/Reshape_output_0", "/encoder/Reshape_1_output_0")
"""Content (1, dim, units), F0 in Hz (1, 2 units) and energy (1, 2 units)."""
SOUND = "/decoder/decoder/"
"""Prefix of the nodes that make sound from the curves."""

_QUANTIZED = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}
_PLAIN = ("Conv", "ConvTranspose", "MatMul")


def part(model: Any, outputs: tuple[str, ...], given: tuple[str, ...] = ()) -> Any:
    """A copy of the model that computes only `outputs`; the tensors named in `given` become inputs."""
    from onnx import TensorProto, helper

    makers = {name: node for node in model.graph.node for name in node.output}
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        if name not in given and name in makers:
            waiting += [source for source in makers[name].input if source]
    graph = helper.make_graph(
        [node for node in model.graph.node if set(node.output) & (needed - set(given))],
        "part",
        [value for value in model.graph.input if value.name in needed]
        + [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in given],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [value for value in model.graph.initializer if value.name in needed],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def sound_weights(model: Any) -> dict[str, np.ndarray]:
    """Weights of the part that makes sound, in single precision: "encode.conv1.weight", "encode.conv1.bias", ...

    Quantized weights are multiplied out. A linear weight is (inputs, outputs), as ONNX multiplies it.
    """
    from onnx import numpy_helper

    stored = {value.name: value for value in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def value(name: str) -> np.ndarray:
        return numpy_helper.to_array(stored[name])

    found = {
        name.removeprefix("decoder.decoder."): value(name) for name in stored if name.startswith("decoder.decoder.")
    }
    for node in model.graph.node:
        if not node.name.startswith(SOUND) or node.op_type not in (*_PLAIN, *_QUANTIZED) or node.input[1] not in stored:
            continue
        place = node.name.removeprefix(SOUND).rpartition("/")[0].replace("/", ".")
        weight = value(node.input[1])
        if node.op_type in _QUANTIZED:
            weight = (weight.astype(np.float32) - value(node.input[3]).astype(np.float32)) * _scale(
                node, readers, makers, value
            )
        found[f"{place}.weight"] = np.asarray(weight, dtype=np.float32)
    return {name: array for name, array in found.items() if array.dtype == np.float32}


def _scale(node: Any, readers: dict[str, list[Any]], makers: dict[str, Any], value: Any) -> np.ndarray:
    """The scale of a quantized weight, from (integers [+ bias]) -> float -> times (input scale x weight scale)."""
    step = readers[node.output[0]][0]
    if step.op_type == "Add":
        step = readers[step.output[0]][0]
    product = readers[step.output[0]][0]
    scales = makers[next(name for name in product.input if name != step.output[0])]
    return value(next(name for name in scales.input if name not in makers))
