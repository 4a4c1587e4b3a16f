"""Words to emotion weights to speech, with a random text-to-emotion model in the host's folder."""

from __future__ import annotations

import pytest
import torch
from comfy import model_management

from indextts2.loading.text_to_emotion import write_settings
from indextts2.training.emotion.text_to_emotion import write_tokenizer
from indextts2.training.emotion.tiny_language_model import TinyModelSettings, tiny_config, tiny_model, tiny_tokenizer

from . import graphs
from .graphs import change

SIZES = TinyModelSettings(vocabulary=320, dim=16, layers=1, heads=2, feed_forward=24, positions=64)
TEXTS = ["I am so happy today.", "Get out of my house!", "It hurts, he is gone."] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("language") / "words"
    tokenizer = tiny_tokenizer(SIZES, TEXTS)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tiny_model(SIZES, tokenizer).save_pretrained(place)
    write_tokenizer(tokenizer, place)
    write_settings(place, tiny_config())
    return place


@pytest.fixture
def graph(machine, folder):
    (machine.base / "models" / "indextts2" / "words").symlink_to(folder)
    read = {
        "t2e": graphs.node("LoadTextToEmotion", model="words", precision="auto"),
        "read": graphs.node(
            "EmotionFromText", t2e=["t2e", 0], text="I am so happy today.", method="auto", temperature=0.0, seed=0
        ),
    }
    return change(graphs.chain() | read, "emotion", weights=["read", 0])


def test_words_become_weights_that_reach_the_speech(machine, graph):
    results = machine.run(graph)
    weights = results["read"][0][0]
    assert sum(weights.values) == pytest.approx(1.0) and results["emotion"][1][0] == weights
    assert "happy" in results["read"][1][0]
    plain = machine.run(graphs.chain())["vocoder"][0][0]["waveform"]
    assert not torch.equal(results["vocoder"][0][0]["waveform"], plain)


def test_the_language_model_waits_in_the_hosts_care_and_is_freed(machine, graph):
    machine.run(graph)
    assert any(request["models"] == ["IndexTTS2Models"] for request in model_management.requests)
    machine.free()
    assert model_management.current_loaded_models == []


def test_an_empty_text_is_calm_with_a_note(machine, graph):
    results = machine.run(change(graph, "read", text=" "))
    assert "Note: The text to read an emotion from is empty" in results["read"][1][0]


def test_a_model_that_is_not_there_is_refused_with_the_list(machine, graph, pack):
    machine.check_combos = False
    with pytest.raises(
        pack.errors.CheckpointError, match="There is no text-to-emotion model 'x' here; there are: mini"
    ):
        machine.run(change(graph, "t2e", model="x"))
