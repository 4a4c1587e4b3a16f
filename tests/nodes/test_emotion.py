"""Mixing nodes in the stand-in host: what changes nothing, what is exact, what is refused, and in which words."""

from __future__ import annotations

import pytest
import torch

from tests.host.machine import Machine

from . import graphs
from .graphs import host, node
from .values import constant

MARK, OTHER = "checkpoint-one", "checkpoint-two"
DIM = 32


def vector(seed, dim=DIM):
    return torch.randn(1, dim, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def here(pack, tmp_path):
    """A host with an emotion A, B and C of one checkpoint, one of another, and a speaker; no models."""
    machine = Machine(tmp_path, pack)
    contracts = machine.pack.part("indextts2.contracts")
    base = vector(0)

    def emotion(seed, mark=MARK, dim=DIM):
        return contracts.Emotion(vector(seed, dim), base=vector(0, dim), fingerprint=mark)

    machine.values = {
        "a": emotion(1),
        "b": emotion(2),
        "c": emotion(3),
        "foreign": emotion(4, OTHER),
        "wide": emotion(5, "", 48),
        "speaker": contracts.Speaker(
            torch.zeros(1, 4, DIM), base, torch.zeros(1, 16), torch.zeros(1, 20, 30), torch.zeros(1, 9, 24), MARK
        ),
    }
    return machine


def run(machine, name, output=0, **inputs):
    """One output of a node whose inputs are values of the host by name, or widget values."""
    ports = machine.pack.part("nodes.ports")
    graph = {}
    for key, value in inputs.items():
        if isinstance(value, str) and value in machine.values:
            port = ports.Speaker if value == "speaker" else ports.Emotion
            graph[value] = constant(machine, f"Value_{value}", port, machine.values[value])
            inputs[key] = [value, 0]
    graph["node"] = node(name, **inputs)
    graph["show"] = host("PreviewAny", source=["node", output])
    found = machine.run(graph)["node"][output]
    return found[0] if len(found) == 1 else found


def blend(machine, *, output=0, **inputs):
    weights = {f"weight_{number}": 0.5 for number in range(1, 5)}
    return run(machine, "BlendEmotions", output, **{**weights, "normalise": False, **inputs})


def test_zero_weights_are_the_base_bit_for_bit(here):
    made = blend(here, emotion_1="a", emotion_2="b", weight_1=0.0, weight_2=0.0)
    assert torch.equal(made.vector, vector(0))


def test_one_weight_of_one_is_that_emotion_bit_for_bit(here):
    made = blend(here, emotion_1="a", emotion_2="b", weight_1=0.0, weight_2=1.0)
    assert torch.equal(made.vector, vector(2)) and made.fingerprint == MARK


def test_a_blend_is_the_base_and_weighted_differences(here):
    made = blend(here, emotion_1="a", emotion_3="c", weight_1=0.3, weight_3=0.6)
    expected = vector(0) + 0.3 * (vector(1) - vector(0)) + 0.6 * (vector(3) - vector(0))
    assert torch.allclose(made.vector, expected, atol=1e-6)


def test_an_unconnected_emotion_has_no_weight(here):
    lone = blend(here, emotion_1="a", weight_1=0.4, weight_2=0.9)
    assert torch.equal(lone.vector, blend(here, emotion_1="a", weight_1=0.4, weight_2=0.1).vector)


def test_the_report_shows_coefficients_that_sum_to_one(here):
    report = blend(here, output=1, emotion_1="a", emotion_2="b", weight_1=0.3, weight_2=0.9)
    assert report.startswith("emotion 1 +0.300, emotion 2 +0.900, base -0.200 (sum 1.000)")


def test_normalised_weights_leave_nothing_of_the_base(here):
    report = blend(here, output=1, normalise=True, emotion_1="a", emotion_2="b", weight_1=0.3, weight_2=0.9)
    assert report.startswith("emotion 1 +0.250, emotion 2 +0.750, base +0.000")
    with pytest.raises(ValueError, match="sum to 0"):
        blend(here, normalise=True, emotion_1="a", weight_1=0.0)


@pytest.mark.parametrize("mode", ["lerp", "keep", "slerp"])
def test_both_ends_of_an_interpolation_are_exact(here, mode):
    for place, seed in ((0.0, 1), (1.0, 2)):
        made = run(here, "InterpolateEmotions", emotion_a="a", emotion_b="b", place=place, mode=mode)
        assert torch.equal(made.vector, vector(seed))


def test_halfway_keep_and_slerp_stay_strong_where_lerp_fades(here):
    def strength(mode):
        made = run(here, "InterpolateEmotions", emotion_a="a", emotion_b="b", place=0.5, mode=mode)
        return float((made.vector - vector(0)).norm())

    ends = sum(float((vector(seed) - vector(0)).norm()) for seed in (1, 2)) / 2
    assert strength("lerp") < 0.98 * ends
    assert strength("keep") == pytest.approx(ends, rel=1e-4)
    assert strength("slerp") == pytest.approx(ends, rel=1e-4)


def test_adding_nothing_of_a_difference_changes_nothing(here):
    same = run(here, "EmotionArithmetic", emotion_a="a", emotion_b="b", emotion_c="c", amount=0.0)
    assert torch.equal(same.vector, vector(1))
    made = run(here, "EmotionArithmetic", emotion_a="a", emotion_b="b", emotion_c="c", amount=0.5)
    assert torch.allclose(made.vector, vector(1) + 0.5 * (vector(2) - vector(3)), atol=1e-6)


def test_scaling_by_one_changes_nothing_and_by_zero_gives_the_speaker(here):
    assert torch.equal(run(here, "ScaleEmotion", emotion="a", strength=1.0).vector, vector(1))
    assert torch.equal(run(here, "ScaleEmotion", emotion="a", strength=0.0).vector, vector(0))


def test_transfer_of_strength_zero_is_the_speakers_own_emotion(here):
    inputs = {"speaker": "speaker", "emotional": "a", "neutral": "b"}
    assert torch.equal(run(here, "TransferEmotion", **inputs, strength=0.0).vector, vector(0))
    made = run(here, "TransferEmotion", **inputs, strength=1.0)
    assert torch.allclose(made.vector, vector(0) + vector(1) - vector(2), atol=1e-6)


def test_nothing_of_a_removed_emotion_is_left(here):
    made = run(here, "RemoveEmotion", emotion="a", unwanted="b")
    difference, unwanted = made.vector - vector(0), vector(2) - vector(0)
    assert abs(float((difference * unwanted).sum())) < 1e-3
    assert not torch.equal(made.vector, vector(1))


def schedule(machine, **inputs):
    places = {f"position_{number}": (number - 1) / 4 for number in range(1, 5)}
    return run(machine, "ScheduleEmotions", **{**places, "transition": "step", **inputs})


def test_a_schedule_of_one_emotion_is_that_emotion(here):
    made = schedule(here, emotion_1="a")
    assert made is here.values["a"] or torch.equal(made.vector, vector(1))
    assert made.keyframes == ()


def test_a_schedule_sorts_its_keyframes(here):
    made = schedule(here, emotion_1="a", emotion_2="b", position_1=0.7, position_2=0.0, transition="linear")
    assert [frame.position for frame in made.keyframes] == [0.0, 0.7]
    assert torch.equal(made.vector, vector(2)) and made.transition == "linear"


def test_two_keyframes_at_one_place_are_refused(here):
    with pytest.raises(ValueError, match="share the position 0.5"):
        schedule(here, emotion_1="a", emotion_2="b", position_1=0.5, position_2=0.5)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("BlendEmotions", {"emotion_1": "a", "emotion_2": "foreign", "normalise": False,
                           **{f"weight_{number}": 0.5 for number in range(1, 5)}}),
        ("InterpolateEmotions", {"emotion_a": "a", "emotion_b": "foreign", "place": 0.5, "mode": "lerp"}),
        ("EmotionArithmetic", {"emotion_a": "a", "emotion_b": "b", "emotion_c": "foreign", "amount": 1.0}),
        ("ScaleEmotion", {"emotion": "foreign", "strength": 0.5, "speaker": "speaker"}),
        ("TransferEmotion", {"speaker": "speaker", "emotional": "a", "neutral": "foreign", "strength": 1.0}),
        ("RemoveEmotion", {"emotion": "a", "unwanted": "foreign"}),
        ("ScheduleEmotions", {"emotion_1": "a", "emotion_2": "foreign", "transition": "step",
                              **{f"position_{number}": number / 8 for number in range(1, 5)}}),
    ],
)  # fmt: skip
def test_emotions_of_two_checkpoints_are_refused_naming_both(here, name, inputs):
    with pytest.raises(here.pack.part("indextts2.errors").CheckpointMismatch) as error:
        run(here, name, **inputs)
    assert MARK in str(error.value) and OTHER in str(error.value)


def test_emotions_of_two_widths_are_refused_naming_both(here):
    with pytest.raises(here.pack.part("indextts2.errors").CheckpointMismatch, match="32 numbers and another 48"):
        blend(here, emotion_1="a", emotion_2="wide")


def test_scaling_without_any_base_says_what_to_connect(here):
    contracts = here.pack.part("indextts2.contracts")
    here.values["baseless"] = contracts.Emotion(vector(1), fingerprint=MARK)
    with pytest.raises(ValueError, match="Connect a speaker"):
        run(here, "ScaleEmotion", emotion="baseless", strength=0.5)
    made = run(here, "ScaleEmotion", emotion="baseless", strength=0.0, speaker="speaker")
    assert torch.equal(made.vector, vector(0))


# weights


def weights(machine, output=0, **inputs):
    usual = {**graphs.SLIDERS, "combine": "add", "scale": 1.0, "normalise_to": 0.0, "bias": False, "cap": False}
    return run(machine, "EmotionWeights", output, **{**usual, **inputs})


def test_weights_come_out_as_the_sliders_are_set(here):
    assert weights(here, happy=0.6, calm=0.2).values == (0.6, 0, 0, 0, 0, 0, 0, 0.2)
    assert weights(here, 1, happy=0.6, calm=0.2) == "happy 0.60, calm 0.20 (sum 0.80)"


def test_zero_weights_stay_zero_whatever_is_done_to_them(here):
    assert not any(weights(here, scale=3.0, normalise_to=1.0, bias=True, cap=True).values)


def test_weights_are_scaled_normalised_and_capped_in_this_order(here):
    assert weights(here, happy=0.2, sad=0.2, scale=2.0).values[0] == pytest.approx(0.4)
    assert sum(weights(here, happy=0.2, sad=0.6, normalise_to=0.5).values) == pytest.approx(0.5)
    assert sum(weights(here, happy=1.0, sad=1.0, cap=True).values) == pytest.approx(0.8)
    assert weights(here, happy=0.4, bias=True).values[0] == pytest.approx(0.4 * 0.9375)


# bridges


def test_an_emotion_survives_the_way_through_a_latent_bit_for_bit(here):
    latent = run(here, "EmotionToLatent", emotion="a")
    assert latent["samples"].shape == (1, DIM, 1, 1)
    from comfy_api.latest import io

    graph = {"latent": constant(here, "Latent", io.Latent, latent), "a": constant(
        here, "Value_a", here.pack.part("nodes.ports").Emotion, here.values["a"])}  # fmt: skip
    graph["node"] = node("LatentToEmotion", latent=["latent", 0], like=["a", 0])
    graph["show"] = host("PreviewAny", source=["node", 0])
    made = here.run(graph)["node"][0][0]
    assert torch.equal(made.vector, vector(1)) and made.fingerprint == MARK and torch.equal(made.base, vector(0))


def test_changing_a_latent_leaves_the_emotion_alone(here):
    latent = run(here, "EmotionToLatent", emotion="a")
    with torch.inference_mode():
        latent["samples"].zero_()
    assert torch.equal(here.values["a"].vector, vector(1))


def test_an_emotion_survives_the_way_through_text_and_through_a_list(here):
    text = run(here, "EmotionToNumbers", 1, emotion="a")
    assert torch.equal(run(here, "EmotionFromNumbers", text=text, like="a").vector, vector(1))
    ports = here.pack.part("nodes.ports")
    graph = {
        "a": constant(here, "Value_a", ports.Emotion, here.values["a"]),
        "list": node("EmotionToNumbers", emotion=["a", 0]),
        "node": node("EmotionFromNumbers", text="", numbers=["list", 0]),
        "show": host("PreviewAny", source=["node", 0]),
    }
    found = here.run(graph)
    assert len(found["list"][0]) == DIM
    assert torch.equal(found["node"][0][0].vector, vector(1)) and found["node"][0][0].fingerprint == ""


@pytest.mark.parametrize(("text", "words"), [("1, two", "'two' is not a number"), ("", "No numbers"), ("nan", "NaN"),
                                             ("1 2 3", "32 numbers, but got 3")])  # fmt: skip
def test_bad_numbers_are_refused_in_words(here, text, words):
    with pytest.raises(Exception, match=words):
        run(here, "EmotionFromNumbers", text=text, like="a")


# where and in which precision

ARITHMETIC = {
    "BlendEmotions": {
        "emotion_1": "a", "emotion_2": "b", **{f"weight_{number}": 0.5 for number in range(1, 5)}, "normalise": False,
    },
    "InterpolateEmotions": {"emotion_a": "a", "emotion_b": "b", "place": 0.3, "mode": "lerp"},
    "EmotionArithmetic": {"emotion_a": "a", "emotion_b": "b", "emotion_c": "c", "amount": 0.5},
    "ScaleEmotion": {"emotion": "a", "strength": 0.5},
    "RemoveEmotion": {"emotion": "a", "unwanted": "b"},
    "TransferEmotion": {"speaker": "speaker", "emotional": "a", "neutral": "b", "strength": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("name", ARITHMETIC)
def test_emotions_are_computed_with_on_the_compute_device(here, name):
    """A device without memory stands for it: whatever is computed there cannot come back."""
    from comfy import model_management

    made = run(here, name, **ARITHMETIC[name])
    assert made.vector.dtype == torch.float32
    here.free()
    model_management.set_devices(compute="meta")
    with pytest.raises((NotImplementedError, RuntimeError), match="(?i)meta"):
        run(here, name, **ARITHMETIC[name])


@pytest.mark.parametrize("name", ARITHMETIC)
def test_emotions_in_half_precision_are_computed_with_in_float32(here, name):
    exact = run(here, name, **ARITHMETIC[name]).vector
    for key in ("a", "b", "c"):
        here.values[key] = halved(here.values[key])
    here.free()
    made = run(here, name, **ARITHMETIC[name]).vector
    assert made.dtype == torch.float32
    rounding = float((made - exact).norm() / exact.norm())
    assert 0.0 < rounding < 2e-3, "only the inputs were rounded"


def halved(emotion):
    from dataclasses import replace

    return replace(emotion, vector=emotion.vector.half())
