"""Teaching a checkpoint from a plain list: the loss falls, and the adapter is one that the pack and peft load."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from indextts2.errors import TrainingError
from indextts2.loading.checkpoint import load_t2s, open_checkpoint
from indextts2.loading.lora import read_lora
from indextts2.loading.native import About, write_native
from indextts2.models.t2s import TextToSemantic
from indextts2.training.fine_tune.listing import Line, read_list
from indextts2.training.fine_tune.train import FineTunePart, FineTuneRecipe, train_fine_tune
from indextts2.training.loop.curves import read_log
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import LOG_FILE

from ..conftest import TINY, TINY_V25, TINY_VOCABULARY, random_parts

TEXTS = ("The river runs past the mill.", "Children play by the water.", "We read a story.", "It rained all day.")


@pytest.fixture(scope="module")
def checkpoints(tiny_checkpoint, tmp_path_factory):
    """Kind -> folder of a tiny checkpoint whose lengths were never taught."""
    folders = {"2.0": tmp_path_factory.mktemp("taught") / "v20", "2.5": tmp_path_factory.mktemp("taught") / "v25"}
    about = About(licence="CC0-1.0", provenance="random numbers")
    free = replace(TINY, t2s=replace(TINY.t2s, duration=replace(TINY.t2s.duration, trained=False, free="official")))
    write_native(folders["2.0"], free, begun(free), about, tokenizer=tiny_checkpoint / TINY.text.tokenizer)
    write_native(folders["2.5"], TINY_V25, begun(TINY_V25), about, tokenizer=TINY_VOCABULARY)
    return folders


def begun(config):
    """Random parts whose text-to-semantic model is one that can learn."""
    model = TextToSemantic(config.t2s)
    model.initialise(torch.Generator().manual_seed(3))
    return {**random_parts(config), "t2s": model.state_dict()}


@pytest.fixture
def voice(tmp_path) -> Path:
    """Four recordings with their texts."""
    folder = tmp_path / "voice"
    folder.mkdir()
    lines = ["# four lines"]
    for number, text in enumerate(TEXTS):
        samples = np.random.default_rng(number).normal(0.0, 0.1, 12_000 + 2_000 * number)
        soundfile.write(folder / f"{number}.wav", samples.clip(-1, 1), 16_000)
        entry = {"audio": f"{number}.wav", "text": text, "language": "en"}
        lines.append(json.dumps(entry) if number % 2 else f"{number}.wav|{text}")
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    return folder / "list.txt"


def recipe(tmp_path, checkpoint, voice, **changes):
    path = tmp_path / "recipe.yaml"
    loop = {
        "max_steps": 40,
        "learning_rate": 0.02,
        "evaluate_steps": 0,
        "log_steps": 10,
        "cpu": True,
        "weight_decay": 0.0,
    }
    values = {"checkpoint": str(checkpoint), "listing": str(voice), "rank": 4, "alpha": 8, "held_out": 0.0}
    path.write_text(yaml.safe_dump({**values, "loop": loop, **changes}))
    return path


def losses(folder: Path) -> list[float]:
    return [float(row["loss"]) for row in read_log(folder / LOG_FILE)]


def taught(part, lora):
    """The state of the part's model with an adapter merged into it."""
    state = {key: value.clone() for key, value in part.taught.model.state_dict().items()}
    for pair in lora.pairs:
        state[pair.key] += pair.difference().reshape(state[pair.key].shape)
    return state


@pytest.mark.parametrize("kind", ["2.0", "2.5"])
@pytest.mark.parametrize("lengths", [False, True])
def test_a_list_of_recordings_makes_an_adapter_that_lowers_the_loss(checkpoints, voice, tmp_path, kind, lengths):
    run = tmp_path / "run"
    result = train_fine_tune(recipe(tmp_path, checkpoints[kind], voice, teach_lengths=lengths), run)
    assert result.reason == "done"
    found = losses(run)
    assert found[-1] < found[0] - 0.05  # the heads stay frozen, so it cannot fall far
    model = load_t2s(open_checkpoint(checkpoints[kind])).model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    lora = read_lora(run / "adapter", model)
    keys = {pair.key for pair in lora.pairs}
    assert "gpt.h.0.attn.c_attn.weight" in keys
    assert ("speed_emb.weight" in keys) == (lengths and kind == "2.0")
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_merged_weights_do_what_the_adapters_did_and_peft_reads_them(checkpoints, voice, tmp_path):
    run = tmp_path / "run"
    train_fine_tune(recipe(tmp_path, checkpoints["2.5"], voice), run)
    part, adapters, batch = part_of(checkpoints["2.5"], voice, run)
    with torch.no_grad():
        patched = part._losses(adapters, batch)
        part.taught.model.load_state_dict(taught(part, read_lora(run / "adapter", part.taught.model)))
        merged = part._losses(Untouched(), batch)
    torch.testing.assert_close(patched, merged, rtol=1e-4, atol=1e-4)
    settings = json.loads((run / "adapter" / "adapter_config.json").read_text())
    assert settings["r"] == 4 and settings["lora_alpha"] == 8 and settings["peft_type"] == "LORA"


class Untouched(torch.nn.Module):
    """A model without adapters."""

    def forward(self, taught, *values, **named):
        return taught(*values, **named)


def part_of(folder, voice, run, **changes):
    """A part with the adapters of a run, and the batch of all its utterances."""
    from indextts2.loading.checkpoint import load_encoder
    from indextts2.training.fine_tune.listing import encode_list
    from indextts2.training.loop.state import export_weights

    checkpoint = open_checkpoint(folder)
    t2s = load_t2s(checkpoint)
    utterances = encode_list(read_list(voice), load_encoder(checkpoint), t2s)
    settings = FineTuneRecipe(rank=4, alpha=8, held_out=0.0, loop=LoopSettings(max_steps=1, cpu=True), **changes)
    part = FineTunePart(settings, t2s.model, utterances)
    part.prepare(torch.device("cpu"))
    adapters = part.build()["adapters"]
    adapters.load_state_dict(export_weights(run, "adapters"))
    return part, adapters, part._stacked(utterances, utterances, torch.ones(len(utterances), dtype=torch.int64))


@pytest.mark.parametrize("kind", ["2.0", "2.5"])
def test_a_length_that_was_taught_is_followed_better_than_before(checkpoints, voice, tmp_path, kind):
    """What is told decides where the speech ends: the end at the length told is likelier than at another length."""
    run = tmp_path / "run"
    loop = {"max_steps": 150, "learning_rate": 0.01, "evaluate_steps": 0, "cpu": True, "weight_decay": 0.0}
    train_fine_tune(recipe(tmp_path, checkpoints[kind], voice, teach_lengths=True, loop=loop), run)
    part, adapters, batch = part_of(checkpoints[kind], voice, run, teach_lengths=True)
    wrong = {**batch, "token_targets": batch["token_targets"].flip(0)}

    def gain(model):
        with torch.no_grad():
            return float(part._losses(model, wrong)[0] - part._losses(model, batch)[0])

    assert gain(adapters) > gain(Untouched())
    assert gain(adapters) > 0.0


def test_lines_that_cannot_be_used_are_left_out_by_name(checkpoints, voice, tmp_path, caplog):
    text = voice.read_text() + "gone.wav|Nobody says this.\n0.wav|...\n"
    voice.write_text(text)
    with caplog.at_level("WARNING"):
        train_fine_tune(
            recipe(tmp_path, checkpoints["2.5"], voice, loop={"max_steps": 1, "cpu": True}), tmp_path / "run"
        )
    assert "gone.wav is left out" in caplog.text and "0.wav is left out: 0 text tokens" in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "is empty"), ("one.wav\n", "Line 1"), ("# x\n{broken\n", "Line 2"), ("a.wav|\n", "Line 1")],
)
def test_a_list_that_cannot_be_read_says_where(tmp_path, content, said):
    (tmp_path / "list.txt").write_text(content)
    with pytest.raises(TrainingError, match=said):
        read_list(tmp_path / "list.txt")


def test_the_forms_of_a_line(tmp_path):
    (tmp_path / "list.txt").write_text('a.wav | Hello | en\n{"audio": "b.wav", "text": "Hi"}\n')
    assert read_list(tmp_path / "list.txt") == [
        Line(tmp_path / "a.wav", "Hello", "en"),
        Line(tmp_path / "b.wav", "Hi", ""),
    ]


def test_the_recipe_in_the_repository_is_one(tmp_path):
    from indextts2.training.loop.recipe import load_recipe

    place = Path(__file__).parents[2] / "recipes" / "fine_tune.yaml"
    shutil.copy(place, tmp_path / "copy.yaml")
    assert load_recipe(tmp_path / "copy.yaml", FineTuneRecipe).rank == 16
