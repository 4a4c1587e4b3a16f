"""A good guest: Cancel, Free, LoRA, bad values, errors that a user can act on."""

from __future__ import annotations

import gc
import random
import weakref

import pytest
import torch
from comfy import model_management
from comfy_api.latest import io
from safetensors.torch import save_file

from tests.host.machine import Mutated, Refused

from . import graphs
from .graphs import change

ONE_SENTENCE = 420  # characters; a user reads no more


@pytest.fixture
def chain():
    return graphs.chain()


def waveform(machine, graph, place="vocoder"):
    return machine.run(graph)[place][0][0]["waveform"]


def test_cancel_at_any_step_stops_at_once_and_the_next_run_is_whole(machine, chain):
    whole = waveform(machine, chain)
    machine.free()
    machine.cancel_after(10**9)
    machine.run(chain)
    looks = machine.looks
    assert looks > 20, "the flag is looked at between any two steps"
    draw = random.Random(7)
    for at in sorted({0, 1, looks - 1, *(draw.randrange(looks) for _ in range(5))}):
        machine.free()
        machine.cancel_after(at)
        with pytest.raises(model_management.InterruptProcessingException):
            machine.run(chain)
        assert machine.looks == at + 1, "nothing looked at the flag again after Cancel"
    assert torch.equal(waveform(machine, chain), whole)


def test_cancel_is_seen_inside_a_stage_that_has_no_loop(machine, chain):
    """Reading a reference and one step of the flow are single calls; Cancel is seen between their layers."""
    only = {name: chain[name] for name in ("load", "recording", "reference")}
    only["show"] = graphs.host("PreviewAny", source=["reference", 0])
    machine.cancel_after(10**9)
    machine.run(only)
    looks = machine.looks
    assert looks > 30
    machine.free()
    machine.cancel_after(looks - 5)
    with pytest.raises(model_management.InterruptProcessingException):
        machine.run(only)
    assert machine.executed[-1] == "reference"


def test_cancel_during_speak_leaves_its_models_usable(machine):
    graph = graphs.speak()
    whole = waveform(machine, graph, "speak")
    for at in (8, 20):
        machine.cancel_after(at)
        with pytest.raises(model_management.InterruptProcessingException):
            machine.run(change(graph, "speak", seed=at))
    machine.cancel_after(10**9)
    assert torch.equal(waveform(machine, graph, "speak"), whole)


def test_free_releases_every_model(machine, chain):
    results = machine.run(chain)
    handles = [outputs[0] for outputs in results["load"][:4]]
    watched = [weakref.ref(handle.patcher.model) for handle in handles]
    watched += [weakref.ref(handles[1].models.model), weakref.ref(handles[0].models.semantic_encoder)]
    assert all(watch() is not None for watch in watched) and model_management.current_loaded_models
    del results, handles
    machine.free()
    gc.collect()
    assert [watch() for watch in watched] == [None] * len(watched)
    assert model_management.current_loaded_models == []


def test_another_checkpoint_drops_the_models_of_the_first(machine, chain, write_tiny):
    write_tiny(machine.base / "models" / "indextts2" / "other")
    watched = weakref.ref(machine.run(chain)["load"][1][0].models.model)
    machine.run(change(chain, "load", checkpoint="other"))
    gc.collect()
    assert watched() is None


def test_a_replaced_checkpoint_is_loaded_again(machine, chain, write_tiny):
    folder = write_tiny(machine.base / "models" / "indextts2" / "mine")
    graph = {"load": graphs.loader("mine"), "show": graphs.host("PreviewAny", source=["load", 4])}
    machine.run(graph)
    machine.run(graph)
    assert machine.executed == []
    (folder / "note.txt").write_text("touched")
    machine.run(graph)
    assert machine.executed == ["load", "show"]


# LoRA


def write_lora(machine, name, modules, scale=1.0):
    """modules: name -> (out, in). Returns the change of each weight as (out, in)."""
    folder = machine.base / "models" / "indextts2" / "loras"
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(3)
    tensors, made = {}, {}
    for module, (rows, columns) in modules.items():
        down, up = torch.randn(2, columns, generator=generator), scale * torch.randn(rows, 2, generator=generator)
        tensors[f"base_model.model.{module}.lora_A.weight"], tensors[f"base_model.model.{module}.lora_B.weight"] = (
            down,
            up,
        )
        made[module] = up @ down
    save_file(tensors, folder / name)
    return made


def with_lora(chain, name, strength=1.0):
    graph = change(change(chain, "t2s", t2s=["lora", 0]), "text", t2s=["lora", 0])
    return graph | {"lora": graphs.node("LoadLora", t2s=["load", 1], lora=name, strength=strength)}


def test_a_lora_changes_the_speech_and_leaves_the_model_given_as_it_was(machine, chain):
    made = write_lora(machine, "one.safetensors", {"mel_head": (42, 32), "gpt.h.0.attn.c_attn": (96, 32)})
    plain = waveform(machine, chain)
    model = machine.run(chain)["load"][1][0].models.model
    before = {name: model.get_submodule(name).weight.clone() for name in made}
    graph = with_lora(chain, "one.safetensors")
    assert not torch.equal(waveform(machine, graph), plain)
    head, trunk = (model.get_submodule(name).weight - before[name] for name in ("mel_head", "gpt.h.0.attn.c_attn"))
    assert torch.allclose(head, made["mel_head"], atol=1e-5)
    assert torch.allclose(trunk, made["gpt.h.0.attn.c_attn"], atol=1e-5)
    assert torch.equal(waveform(machine, change(chain, "t2s", seed=1)), plain)
    assert torch.equal(model.get_submodule("mel_head").weight, before["mel_head"])


@pytest.mark.parametrize(("name", "strength"), [("none", 1.0), ("one.safetensors", 0.0)])
def test_a_lora_of_no_strength_changes_nothing(machine, chain, name, strength):
    write_lora(machine, "one.safetensors", {"mel_head": (42, 32)})
    plain = waveform(machine, chain)
    assert torch.equal(waveform(machine, with_lora(chain, name, strength)), plain)


def test_a_lora_of_the_trunk_keeps_the_speakers_valid_and_one_of_the_conditioners_does_not(machine, chain, pack):
    write_lora(machine, "trunk.safetensors", {"mel_head": (42, 32)})
    write_lora(machine, "condition.safetensors", {"emo_layer": (32, 32)})
    machine.run(with_lora(chain, "trunk.safetensors"))
    with pytest.raises(pack.errors.CheckpointMismatch, match="the speaker"):
        machine.run(with_lora(chain, "condition.safetensors"))


@pytest.mark.parametrize(
    ("modules", "words"), [({"mel_head": (50, 32)}, "other sizes"), ({"nothing.here": (4, 4)}, "does not fit")]
)
def test_a_lora_of_another_model_is_refused(machine, chain, pack, modules, words):
    write_lora(machine, "other.safetensors", modules)
    with pytest.raises(pack.errors.CheckpointError, match=words):
        machine.run(with_lora(chain, "other.safetensors"))


# bad values


def numbers(machine):
    return [
        (name, port)
        for name, node in machine.pack.nodes.items()
        for port in node.GET_SCHEMA().inputs or []
        if isinstance(port, io.Int.Input | io.Float.Input)
    ]


def test_the_host_refuses_every_number_outside_its_range(machine):
    widgets = [(name, port) for name, port in numbers(machine) if port.min is not None]  # a bare socket has no range
    assert widgets
    for name, port in widgets:
        for value in (port.min - port.step, port.max + port.step, "many"):
            graph = {"1": {"class_type": name, "inputs": {port.id: value}}}
            with pytest.raises(Refused, match=port.id):
                machine.validate(graph)


@pytest.mark.parametrize(
    ("place", "inputs", "words"),
    [
        ("load", {"checkpoint": "nowhere"}, "There is no checkpoint 'nowhere' here; there are: mini, tiny"),
        ("load", {"precision": "fp4"}, "A precision is one of"),
        ("reference", {"built_in_speaker": "nobody", "audio": None}, "no built-in reference 'nobody'"),
        ("emotion", {"selection": "best"}, "nearest, random, mean"),
        ("duration", {"unit": "miles"}, "A duration is given in"),
        ("duration", {"unit": "seconds", "method": "magic"}, "A duration method is one of"),
        ("t2s", {"mode": "dream"}, "mode is one of"),
        ("s2m", {"grid": "chess"}, "grid"),
        ("s2m", {"solver": "guess"}, "solver"),
        ("text", {"text": "   "}, "The text is empty"),
        ("text", {"text": "!!! ..."}, "spoken"),
        ("recording", {"seconds": 0.1}, "at least"),
        ("recording", {"seconds": 0.0}, "empty|at least"),
    ],
)
def test_values_the_host_lets_through_end_in_one_clear_sentence(machine, chain, pack, place, inputs, words):
    machine.check_combos = False  # as in 0.3.64, and where a text is linked into a combo
    with pytest.raises(pack.errors.IndexTTS2Error, match=words) as caught:
        machine.run(change(chain, place, **inputs))
    message = str(caught.value)
    assert len(message) < ONE_SENTENCE and "\n" not in message and message.endswith(".")


@pytest.mark.parametrize(
    ("place", "name", "source"),
    [("t2s", "speaker", ["reference", 0]), ("s2m", "semantic", ["text", 0]), ("vocoder", "vocoder", ["load", 2])],
)
def test_the_host_refuses_links_between_other_types(machine, chain, place, name, source):
    with pytest.raises(Refused, match=f"{name} takes INDEXTTS2_"):
        machine.run(change(chain, place, **{name: source}))


def test_a_checkpoint_without_a_vocoder_says_so_where_it_is_needed(machine, chain, pack, write_tiny):
    folder = write_tiny(machine.base / "models" / "indextts2" / "part")
    for path in folder.glob("vocoder*"):
        path.unlink()
    (folder.parent / "tiny").unlink()  # which would be found as its base
    with pytest.raises(pack.errors.InputError, match="lacks the model this input needs"):
        machine.run(change(chain, "load", checkpoint="part"))
    assert machine.executed[-1] == "vocoder", "everything before it ran"


def test_silence_is_refused_as_a_reference_and_stereo_is_not(machine, chain, pack):
    machine.run(change(chain, "recording", channels=2, rate=44_100))
    silent = chain | {"recording": graphs.host("Silence")}
    machine.nodes["Silence"] = silence_node()
    with pytest.raises(pack.errors.AudioError, match="silent"):
        machine.run(silent)


def silence_node():
    from tests.host.host_nodes import node

    return node("Silence", [], [io.Audio.Output()])(
        lambda: io.NodeOutput({"waveform": torch.zeros(1, 1, 24_000), "sample_rate": 24_000})
    )


@pytest.mark.parametrize(
    "value", [None, 3, {"waveform": torch.zeros(5)}, {"waveform": torch.zeros(5), "sample_rate": 1}]
)
def test_what_is_no_audio_is_refused(pack, value):
    with pytest.raises(pack.errors.AudioError, match="AUDIO of the host|shape"):
        pack.part("nodes.host.audio").waveform_of(value)


# the stand-in itself


def test_the_stand_in_notices_a_node_that_changes_its_input(machine):
    from tests.host.host_nodes import node

    def spoil(audio):
        audio["waveform"].mul_(2)
        return io.NodeOutput(audio)

    machine.nodes["Spoil"] = node("Spoil", [io.Audio.Input("audio")], [io.Audio.Output(id="other")])(spoil)
    graph = {
        "1": graphs.host("TestAudio", seconds=0.1),
        "2": graphs.host("Spoil", audio=["1", 0]),
        "3": graphs.host("PreviewAudio", audio=["2", 0]),
    }
    with pytest.raises(Mutated, match="Spoil changed its input audio"):
        machine.run(graph)


def test_the_stand_in_notices_a_model_that_runs_without_being_asked_for(machine, chain):
    models = machine.run(chain)["load"][3][0].models
    model_management.unload_all_models()
    with pytest.raises(AssertionError, match="not loaded"):
        models.model(torch.zeros(1, 20, 4))


@pytest.mark.parametrize(
    "inputs",
    [
        lambda: [io.Int.Input("n", default=5, min=0, max=3, step=1)],
        lambda: [io.Float.Input("n", default=0.0, min=0.0, max=1.0)],
        lambda: [io.Combo.Input("n", options=["a"], default="b")],
        lambda: [io.Combo.Input("n", options=[])],
        lambda: [io.Audio.Input("n"), io.Audio.Input("n")],
        lambda: [io.Audio.Input("Not an id")],
    ],
)
def test_the_stand_in_refuses_schemas_that_cannot_be_right(inputs):
    from tests.host.host_nodes import node

    with pytest.raises(ValueError, match="Wrong"):
        node("Wrong", inputs(), [])(lambda n: None).GET_SCHEMA()


@pytest.mark.parametrize("wrong", [{"search_aliases": []}, {"node": "x"}])
def test_the_stand_in_refuses_fields_that_its_host_lacks(wrong):
    with pytest.raises(TypeError):
        io.Schema(node_id="x", **wrong)
    with pytest.raises(TypeError):
        io.Float.Input("x", default=0.0, min=0.0, max=1.0, step=0.1, advanced=True)
