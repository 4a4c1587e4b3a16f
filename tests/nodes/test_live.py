"""What a user sees while nodes work: stages and lines in words, and the mel as it grows; nothing where it cannot be."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from comfy import utils

from . import graphs
from .test_script import MODELS, SYNTHESIS

STAGES = ["Listening to the reference", "Deciding words and delivery", "Shaping the sound", "Making the waveform"]


@pytest.fixture
def told(monkeypatch):
    """What a host with a place for progress text is told, as (node, text)."""
    texts, states = [], []
    server, execution = ModuleType("server"), ModuleType("comfy_execution")
    server.PromptServer = SimpleNamespace(
        instance=SimpleNamespace(
            send_progress_text=lambda text, node_id: texts.append((node_id, text)),
            send_sync=lambda event, data, client: states.append((event, data, client)),
            client_id="browser",
        )
    )
    inner = ModuleType("comfy_execution.utils")
    inner.get_executing_context = lambda: SimpleNamespace(node_id="7", prompt_id="p")
    for name, module in (("server", server), ("comfy_execution", execution), ("comfy_execution.utils", inner)):
        monkeypatch.setitem(sys.modules, name, module)
    server.states = states
    return texts


def test_speak_names_its_stages_in_their_order_and_then_the_length(machine, told):
    machine.run(graphs.speak())
    texts = [text for _, text in told]
    assert list(dict.fromkeys(texts)) == [*STAGES, "0.50 s of speech"]
    assert {node for node, _ in told} == {"7"}


def test_a_script_names_the_line_too(machine, told):
    text = "Anna [start 0.1; end 0.6]: Hello there.\nAnna [start 0.8; end 1.2]: Good day."
    machine.run(
        {
            "load": graphs.loader(),
            "script": graphs.node("ScriptFromText", text=text, kind="auto"),
            "lines": graphs.node("SynthesizeScript", **MODELS, script=["script", 0], **SYNTHESIS),
        }
    )
    texts = [text for _, text in told]
    assert f"Line 1 of 2: {STAGES[1]}" in texts and f"Line 2 of 2: {STAGES[3]}" in texts
    assert texts[-1].startswith("2 of 2 lines, ")


@pytest.mark.parametrize("broken", ["no module", "no server", "no method", "other arguments", "no context"])
def test_a_host_without_a_place_for_words_is_no_error(machine, told, monkeypatch, broken):
    server, utils_module = sys.modules["server"], sys.modules["comfy_execution.utils"]
    if broken == "no module":
        monkeypatch.setitem(sys.modules, "server", None)
    elif broken == "no server":
        server.PromptServer = SimpleNamespace()
    elif broken == "no method":
        server.PromptServer.instance = SimpleNamespace()
    elif broken == "other arguments":
        server.PromptServer.instance.send_progress_text = lambda: None
    else:
        utils_module.get_executing_context = lambda: None
    machine.pack.part("nodes.host.services").tell("Shaping the sound")
    assert told == []


def script() -> dict:
    return {
        "load": graphs.loader(),
        "script": graphs.node("ScriptFromText", text="Anna [start 0.1; end 0.6]: Hello there.", kind="auto"),
        "lines": graphs.node("SynthesizeScript", **MODELS, script=["script", 0], **SYNTHESIS | {"steps": 2}),
    }


def takes() -> dict:
    speak = graphs.speak()
    speak["speak"]["class_type"] = "IndexTTS2_SpeakTakes"
    speak["speak"]["inputs"] |= {"takes": 1, "judge_words": False}
    for node in speak.values():
        if node["inputs"].get("audio") == ["speak", 0]:
            node["inputs"]["audio"] = ["speak", 1]
    return speak


@pytest.fixture
def previews(pack, monkeypatch):
    """What the host's progress bars are given to show, in order: (kind, picture, longest side)."""
    shown = []
    monkeypatch.setattr(pack.part("nodes.preview"), "PREVIEW_SECONDS", 0.0)
    update = utils.ProgressBar.update_absolute

    def seen(bar, value, total=None, preview=None):
        shown.append(preview) if preview else None
        update(bar, value, total, preview)

    monkeypatch.setattr(utils.ProgressBar, "update_absolute", seen)
    return shown


@pytest.mark.parametrize("speaking", [graphs.speak, script, takes])
def test_the_mel_is_shown_on_every_node_that_speaks_as_it_grows(machine, previews, speaking):
    machine.run(speaking())
    assert len(previews) >= 2, "one per step"
    kind, picture, size = previews[0]
    assert kind == "JPEG" and picture.size[0] == 384 and picture.getextrema() != ((0, 0),) * 3 and size == 512


@pytest.mark.parametrize("speaking", [graphs.speak, script])
def test_the_last_preview_is_the_word_timeline_since_hosts_show_previews_before_results(
    machine, pack, previews, monkeypatch, speaking
):
    returned = []
    shown = pack.part("nodes.preview").ui.PreviewImage
    monkeypatch.setattr(
        pack.part("nodes.preview").ui,
        "PreviewImage",
        lambda image, **more: returned.append(image) or shown(image, **more),
    )
    machine.run(speaking())
    (image,) = returned
    _, picture, size = previews[-1]
    assert picture.size == (image.shape[2], image.shape[1]) and size == max(picture.size), "not made smaller"
    assert np.abs(np.asarray(picture) / 255 - image[0].numpy()).max() < 0.01


@pytest.mark.parametrize("speaking", [graphs.speak, script])
def test_the_last_preview_is_taken_away_so_that_no_host_shows_the_timeline_twice(machine, told, speaking):
    machine.run(speaking())
    nothing_runs = ("progress_state", {"prompt_id": "p", "nodes": {}}, "browser")
    assert sys.modules["server"].states == [nothing_runs]


def test_pictures_come_no_more_often_than_a_user_can_see(pack):
    import torch

    preview = pack.part("nodes.preview")
    shown = []
    watch = preview.GrowingMel(SimpleNamespace(show=shown.append))
    for _ in range(50):
        watch(torch.zeros(80, 10))
    assert len(shown) == 1
