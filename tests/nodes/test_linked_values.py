"""Whatever a link brings, a node says in one sentence what is wrong with it.

The host checks the types of links, but a node of another pack may send "anything". Every input of every node is given
values of wrong kinds, out of range, not finite, empty and of other widths, by link.
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from comfy_api.latest import io

from tests.host import machine as machine_module
from tests.host.machine import Machine
from tools.nodes.known_nodes import SHOWN_ONLY

from . import graphs
from .values import constant

NODES = sorted(json.loads((Path(__file__).parent / "object_info.json").read_text(encoding="utf-8")))
LONGEST = 420  # characters; a user reads no more
NAN = float("nan")


@pytest.fixture(scope="module")
def good(pack, tmp_path_factory, tiny_checkpoint) -> dict[str, Any]:
    """A usable value for every type of port, by the name of the type."""
    base = tmp_path_factory.mktemp("good")
    host = Machine(base, pack)
    place = base / "models" / "indextts2" / "tiny"
    place.parent.mkdir(parents=True)
    place.symlink_to(tiny_checkpoint)
    graph = graphs.chain()
    graph["weights"] = graphs.node(
        "EmotionWeights", **graphs.SLIDERS, combine="add", scale=1.0, normalise_to=0.0, bias=False, cap=False
    )
    graph["script"] = graphs.node("ScriptFromText", text="Anna: Hello there.", kind="auto")
    graph["glossary"] = graphs.node("PronunciationGlossary", lines="M.2 = M dot two")
    cast = {"name": "Anna", "built_in_speaker": "first", "speaker": ["speaker", 0]}
    graph["cast"] = {"class_type": "IndexTTS2_VoiceCast", "inputs": cast}
    graph |= {f"show_{name}": graphs.host("PreviewAny", source=[name, 0]) for name in ("weights", "glossary", "cast")}
    graph["show_script"] = graphs.host("PreviewAny", source=["script", 0])
    made = host.run(graph)
    outputs = {"reference": "REFERENCE", "speaker": "SPEAKER", "emotion": "EMOTION", "weights": "EMOTION_WEIGHTS",
               "text": "TEXT", "duration": "DURATION", "t2s": "SEMANTIC", "s2m": "MEL", "script": "SCRIPT",
               "glossary": "GLOSSARY", "cast": "CAST"}  # fmt: skip
    values = {f"INDEXTTS2_{kind}": made[name][0][0] for name, kind in outputs.items()}
    for place_of, kind in enumerate(("ENCODER", "T2S", "S2M", "VOCODER")):
        values[f"INDEXTTS2_{kind}"] = made["load"][place_of][0]
    values["INDEXTTS2_MODELS"] = made["load"][5][0]
    reader = pack.part("indextts2.stages.emotion.from_text").TextToEmotionModel(torch.nn.Linear(1, 1), None)
    values["INDEXTTS2_T2E"] = pack.part("nodes.host.services").loaded_of(reader)
    audio = made["vocoder"][0][0]
    values["INDEXTTS2_LINES"] = spoken(pack, values["INDEXTTS2_SCRIPT"], audio)
    contracts = pack.part("indextts2.contracts")
    values["INDEXTTS2_WORDS"] = contracts.SpokenWords((contracts.SpokenWord("Hello", 0, 9),), audio["sample_rate"], 99)
    values["INDEXTTS2_TAKES"] = takes_of(pack, values["INDEXTTS2_SEMANTIC"], audio)
    return values | {"AUDIO": audio, "IMAGE": torch.zeros(2, 4, 4, 3), "LATENT": {"samples": torch.zeros(1, 32, 1, 1)},
                     "VIDEO": Video(), "FLOAT": 0.5}  # fmt: skip


def spoken(pack: Any, script: Any, audio: dict[str, Any]) -> Any:
    """A script of one line whose speech is `audio`."""
    line, run = pack.part("indextts2.script.line"), pack.part("indextts2.script.run")
    samples, rate = audio["waveform"][0, 0], audio["sample_rate"]
    report = line.LineReport("spoken", "free", None, len(samples), rate)
    return run.SpokenScript(script, (line.SpokenLine(samples, torch.zeros(3, dtype=torch.int64), report),), rate)


def takes_of(pack: Any, semantic: Any, audio: dict[str, Any]) -> Any:
    """One take whose speech is `audio`."""
    takes, scores = pack.part("indextts2.script.takes"), pack.part("indextts2.script.take_scores")
    waveform = pack.part("indextts2.contracts").Waveform(audio["waveform"], audio["sample_rate"])
    score = scores.TakeScore(0, 0, 3, True, 0.0, 0.0)
    return takes.Takes((takes.SpokenTake(semantic, waveform, score, True),), "Hello there.")


class Video:
    def get_duration(self) -> float:
        return 1.0


def changed(value: Any, change: Any) -> Any:
    """A copy of a value in which `change` was done to every tensor of numbers."""
    if isinstance(value, torch.Tensor):
        return change(value) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: changed(part, change) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(changed(part, change) for part in value)
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: changed(getattr(value, name), change) for name in names})
    return value


def has_numbers(value: Any) -> bool:
    found = []
    changed(value, lambda tensor: found.append(tensor) or tensor)
    return bool(found)


def is_models(value: Any) -> bool:
    """Whether a value is a model of the host, or models on one wire: their weights are no input of a node."""
    parts = vars(value).values() if dataclasses.is_dataclass(value) and hasattr(value, "__dict__") else ()
    return hasattr(value, "patcher") or any(hasattr(part, "patcher") for part in parts)


def impossible(port: Any, good: dict[str, Any]) -> dict[str, Any]:
    """Values that no node can use on this port."""
    kind = port.get_io_type()
    wrong = {"a list": [[]], "an object": object(), "a set": {1}, "bytes": b"abc", "nothing": None}
    if kind not in ("STRING", "COMBO"):
        wrong["a text"] = "abc"
    if kind not in ("INT", "FLOAT"):
        wrong["a number"] = 0.5
    if kind != "IMAGE":
        wrong["a tensor"] = torch.zeros(1, 2)
    if kind != "INDEXTTS2_GLOSSARY":
        wrong["a mapping"] = {}
    if kind in ("INT", "FLOAT"):
        wrong |= {"not a number": NAN, "infinity": math.inf, "huge": 10**400}
        if port.min is not None:
            wrong |= {"too small": port.min - port.step, "too large": port.max + port.step}
    if kind == "INT":
        wrong["a half"] = (port.min or 0) + 0.5
    kinds = list(good)
    place = kinds.index(kind) if kind in good else 0
    others = [kinds[place - 1], kinds[(place + 1) % len(kinds)]]
    wrong |= {other: good[other] for other in others if other not in (kind, "FLOAT", "INDEXTTS2_GLOSSARY")}
    if kind == "INDEXTTS2_GLOSSARY":
        wrong["readings that are no text"] = {"a": 1}
    if kind != "IMAGE" and kind in good and has_numbers(good[kind]) and not is_models(good[kind]):
        wrong["holding NaN"] = changed(good[kind], lambda tensor: tensor * NAN)
    if kind in ("AUDIO", "LATENT"):
        wrong["empty"] = changed(good[kind], lambda tensor: tensor[:0])
    return wrong


def odd(port: Any, good: dict[str, Any]) -> dict[str, Any]:
    """Values of the right kind and another width, which some nodes can use and others cannot."""
    kind = port.get_io_type()
    made: dict[str, Any] = {"what is not on the list": "no such thing"} if kind == "COMBO" else {}
    if kind not in good or not has_numbers(good[kind]) or is_models(good[kind]):
        return made
    for name, change in (
        ("narrower", lambda tensor: tensor[..., :-1]),
        ("with less in the middle", lambda tensor: tensor[:, :-1] if tensor.dim() > 1 else tensor),
        ("of no width", lambda tensor: tensor[..., :0]),
        ("of no length", lambda tensor: tensor[:, :0] if tensor.dim() > 1 else tensor[:0]),
        ("of no rows", lambda tensor: tensor[:0]),
    ):
        try:
            made[name] = changed(good[kind], change)
        except ValueError:
            continue  # the value itself refuses to be so
    return made


def graph_with(machine: Machine, node: str, port: Any, value: Any, good: dict[str, Any]) -> graphs.Graph:
    """The node with its defaults, usable values on what has to be connected, and `value` by link on one port."""
    machine.cache.clear()  # the constants bear the same names from graph to graph
    schema = machine.nodes[node].GET_SCHEMA()
    graph: graphs.Graph = {"node": {"class_type": node, "inputs": {}}}
    for other in schema.inputs:
        if other.id == port.id:
            graph[other.id] = constant(machine, other.id, io.AnyType, value)
            graph["node"]["inputs"][other.id] = [other.id, 0]
        elif isinstance(other, io.WidgetInput) and not other.force_input:
            graph["node"]["inputs"][other.id] = other.options[0] if other.default is None else other.default
        elif not other.optional:
            graph[other.id] = constant(machine, other.id, io.AnyType, good[other.get_io_type()])
            graph["node"]["inputs"][other.id] = [other.id, 0]
    if not schema.is_output_node:
        graph["show"] = graphs.host("PreviewAny", source=["node", 0])
    return graph


def check_sentence(error: Exception, pack: Any) -> str:
    """Why an error is no use to the user; empty when it is."""
    if not isinstance(error, pack.errors.IndexTTS2Error | ValueError):
        return f"{type(error).__name__}: {error}"
    text = str(error)
    if not text.endswith(".") or len(text) > LONGEST or " " not in text:
        return f"no sentence: {text}"
    return ""


@pytest.fixture(autouse=True)
def a_saved_speaker(machine, pack, good):
    """A file that the loader of speakers can choose."""
    place = machine.base / "output" / "indextts2" / "anna.safetensors"
    place.parent.mkdir(parents=True, exist_ok=True)
    pack.part("indextts2.values.files").save_value(place, good["INDEXTTS2_SPEAKER"])


@pytest.fixture(autouse=True)
def as_careless_as_another_pack(machine, a_saved_speaker, node, monkeypatch):
    """The stand-in lets any value through, as a host does, and asks for the schema once, to be quick."""
    monkeypatch.setattr(machine_module, "check_output", lambda name, kind, value: None)
    machine.check_combos = False
    schema = machine.nodes[node].GET_SCHEMA()
    monkeypatch.setattr(machine.nodes[node], "GET_SCHEMA", lambda: schema)


@pytest.mark.parametrize("node", NODES)
def test_a_wrong_value_on_any_port_ends_in_one_sentence(machine, pack, good, node):
    poor = []
    for port in machine.nodes[node].GET_SCHEMA().inputs or []:
        if port.get_io_type() in SHOWN_ONLY:
            continue
        for name, value in impossible(port, good).items():
            try:
                machine.run(graph_with(machine, node, port, value, good))
                poor.append(f"{port.id}, {name}: taken")
            except Exception as error:  # noqa: BLE001
                poor += [f"{port.id}, {name}: {why}" for why in [check_sentence(error, pack)] if why]
    assert not poor, "\n".join(poor)


@pytest.mark.parametrize("node", NODES)
def test_a_value_of_another_width_is_used_or_refused_in_one_sentence(machine, pack, good, node):
    poor = []
    for port in machine.nodes[node].GET_SCHEMA().inputs or []:
        for name, value in odd(port, good).items():
            try:
                machine.run(graph_with(machine, node, port, value, good))
            except Exception as error:  # noqa: BLE001
                poor += [f"{port.id}, {name}: {why}" for why in [check_sentence(error, pack)] if why]
    assert not poor, "\n".join(poor)
