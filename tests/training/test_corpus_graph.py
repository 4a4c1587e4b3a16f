"""The teacher's graph in parts, on a small graph of the same kinds of nodes. Needs onnx, of the corpus extra."""

import numpy as np
import pytest

from indextts2.training.corpus.graph import SOUND, part, sound_weights

onnx = pytest.importorskip("onnx", reason="the corpus extra is not installed")


def small_model():
    """a -> predicted; (a, given) -> made; beside it a quantized convolution with bias and a quantized product."""
    from onnx import TensorProto, helper, numpy_helper

    def node(kind, inputs, output, name=""):
        return helper.make_node(kind, inputs, [output], name=name)

    stored = {
        "two": np.array([2.0], np.float32),
        "w": np.array([[[3, 5]]], np.uint8), "w_zero": np.array(1, np.uint8), "w_scale": np.array(0.5, np.float32),
        "m": np.array([[7], [2]], np.int8), "m_zero": np.array(2, np.int8), "m_scale": np.array(0.25, np.float32),
        "decoder.decoder.block.conv.bias": np.array([9.0], np.float32), "shape": np.array([1, -1, 1], np.int64),
        "plain": np.ones((1, 1, 3), np.float32),
    }  # fmt: skip
    conv, linear = f"{SOUND}block/conv/", f"{SOUND}block/fc/"
    nodes = [
        node("Mul", ["a", "two"], "predicted"),
        node("Add", ["predicted", "b"], "made"),
        helper.make_node("DynamicQuantizeLinear", ["made"], ["q", "q_scale", "q_zero"]),
        node("ConvInteger", ["q", "w", "q_zero", "w_zero"], "conv_integer", f"{conv}Conv_quant"),
        node("Mul", ["q_scale", "w_scale"], "scales"),
        node("Div", ["decoder.decoder.block.conv.bias", "scales"], "bias_scaled"),
        node("Floor", ["bias_scaled"], "bias_whole"),
        helper.make_node("Cast", ["bias_whole"], ["bias_integer"], to=TensorProto.INT32),
        node("Reshape", ["bias_integer", "shape"], "bias"),
        node("Add", ["conv_integer", "bias"], "conv_biased"),
        helper.make_node("Cast", ["conv_biased"], ["conv_float"], to=TensorProto.FLOAT),
        node("Mul", ["conv_float", "scales"], "convolved"),
        node("MatMulInteger", ["q", "m", "q_zero", "m_zero"], "product_integer", f"{linear}Gemm_MatMul_quant"),
        node("Mul", ["q_scale", "m_scale"], "product_scales"),
        helper.make_node("Cast", ["product_integer"], ["product_float"], to=TensorProto.FLOAT),
        node("Mul", ["product_float", "product_scales"], "multiplied"),
        node("Conv", ["convolved", "plain"], "last", f"{SOUND}post/Conv"),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4]) for name in ("a", "b")]
    outputs = [helper.make_tensor_value_info("last", TensorProto.FLOAT, None)]
    values = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    return helper.make_model(helper.make_graph(nodes, "small", inputs, outputs, values))


def names_of(values):
    return [value.name for value in values]


def test_a_part_holds_what_its_outputs_need_and_nothing_else():
    early = part(small_model(), ("predicted",))
    assert names_of(early.graph.input) == ["a"] and names_of(early.graph.output) == ["predicted"]
    assert [node.op_type for node in early.graph.node] == ["Mul"] and names_of(early.graph.initializer) == ["two"]


def test_a_given_tensor_becomes_an_input_and_what_made_it_is_left_out():
    late = part(small_model(), ("made",), ("predicted",))
    assert names_of(late.graph.input) == ["b", "predicted"]
    assert [node.op_type for node in late.graph.node] == ["Add"]


def test_quantized_weights_are_multiplied_out_and_named_by_their_place():
    weights = sound_weights(small_model())
    np.testing.assert_allclose(weights["block.conv.weight"], [[[1.0, 2.0]]])
    np.testing.assert_allclose(weights["block.fc.weight"], [[1.25], [0.0]])
    np.testing.assert_allclose(weights["block.conv.bias"], [9.0])
    np.testing.assert_allclose(weights["post.weight"], np.ones((1, 1, 3)))
    assert all(array.dtype == np.float32 for array in weights.values())
