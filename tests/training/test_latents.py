"""From a trained T2S to what the parts after it learn from: latents for S2M, and the emotion bank."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from indextts2.errors import TrainingError
from indextts2.loading.config_file import CONFIG_NAME
from indextts2.models.t2s import TextToSemantic
from indextts2.training import configuration
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.emotion.bank import BANK_FILE, make_emotion_bank
from indextts2.training.loop.export import bank_group_sizes
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import train
from indextts2.training.t2s.data import T2SDataSettings
from indextts2.training.t2s.label_offsets import trained_offsets
from indextts2.training.t2s.latents import write_latents
from indextts2.training.t2s.train import T2SPart, T2SRecipe
from tests.training.toy_features import HELD_OUT, SENTENCES, SPEAKERS, write_toy_features

DATA = {"batch_size": 4, "prompt_tokens": 16, "min_prompt_tokens": 6, "letters_probability": 0.0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_config, tiny_tokenizer):
    """Settings that name features, a tokenizer and the run of a T2S."""
    root = tmp_path_factory.mktemp("trained")
    write_toy_features(root / "features")
    recipe = T2SRecipe(
        loop=LoopSettings(max_steps=1, evaluate_steps=0, cpu=True),
        features=str(root / "features"),
        tokenizer=str(tiny_tokenizer),
        data=T2SDataSettings(**DATA),
        guide_heads=((0, 0),),
    )
    train(T2SPart(recipe, tiny_config), recipe.loop, root / "t2s")
    return {"t2s": str(root / "t2s"), "features": recipe.features, "tokenizer": recipe.tokenizer}


def write(path, settings):
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def test_every_utterance_gets_a_latent_of_its_length(trained, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    recipe = write(tmp_path / "latents.yaml", trained | {"data": DATA})
    result = write_latents(recipe, tmp_path / "latents")
    store, features = FeatureStore(tmp_path / "latents"), FeatureStore(Path(trained["features"]))
    assert result.step == len(store.entries) == len(features.entries)
    for entry in store:
        assert store.tensor(entry, "latent").shape == (entry.token_count, tiny_config.t2s.dim)
    assert {entry.id for entry in store} == {entry.id for entry in features}
    assert sum(entry.split == "test_text" for entry in store) == SPEAKERS * HELD_OUT
    assert len(SENTENCES) > HELD_OUT


def test_the_same_recipe_writes_the_same_latents(trained, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    recipe = write(tmp_path / "latents.yaml", trained | {"data": DATA})
    stores = []
    for name in "ab":
        write_latents(recipe, tmp_path / name)
        stores.append(FeatureStore(tmp_path / name))
    for entry in stores[0]:
        assert torch.equal(*(store.tensor(entry, "latent") for store in stores))


def test_a_t2s_that_was_never_told_a_length_writes_its_latents_without(trained, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    told, plain = [], TextToSemantic.duration_slots

    def slots(self, targets, **more):
        told.append(targets is not None)
        return plain(self, targets, **more)

    monkeypatch.setattr(TextToSemantic, "duration_slots", slots)
    stores = []
    for use_length in (True, False):
        recipe = write(tmp_path / "latents.yaml", trained | {"data": DATA, "use_length": use_length})
        write_latents(recipe, tmp_path / str(use_length))
        assert set(told) == {use_length}
        told.clear()
        stores.append(FeatureStore(tmp_path / str(use_length)))
    pairs = zip(*([store.tensor(entry, "latent") for entry in store] for store in stores), strict=True)
    assert any(not torch.equal(first, second) for first, second in pairs)


def test_a_checkpoint_in_place_of_a_run_says_that_it_has_no_offsets(tmp_path, caplog):
    (tmp_path / CONFIG_NAME).touch()
    assert trained_offsets(tmp_path, ["neutral", "happy"]) is None
    assert "keeps no offsets" in caplog.text


def test_a_run_without_weights_is_refused(trained, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    recipe = write(tmp_path / "latents.yaml", trained | {"t2s": str(tmp_path / "nothing")})
    with pytest.raises(TrainingError, match="Train this part first"):
        write_latents(recipe, tmp_path / "latents")


def test_a_recipe_makes_an_emotion_bank_that_can_be_exported(trained, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    settings = {"t2s": trained["t2s"], "features": trained["features"], "bank": {"min_tokens": 4}}
    result = make_emotion_bank(write(tmp_path / "bank.yaml", settings), tmp_path / "bank")
    sizes = bank_group_sizes(tmp_path / "bank" / BANK_FILE)
    rows = load_file(tmp_path / "bank" / BANK_FILE)["emotion_rows"]
    assert len(sizes) == 8 and sum(sizes) == len(rows) == result.step
    assert rows.shape[1] == tiny_config.t2s.dim


def test_latents_and_bank_use_the_offsets_that_the_run_has_learned(trained, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    mixes = T2SDataSettings(**DATA, mean_emotion_probability=1.0, mean_emotion_prompts=2)
    recipe = T2SRecipe(
        loop=LoopSettings(max_steps=1, learning_rate=1e-9, warmup_steps=0, evaluate_steps=0, cpu=True),
        stage=3,
        features=trained["features"],
        tokenizer=trained["tokenizer"],
        start_from=trained["t2s"],
        data=mixes,
        label_offset=3.0,
        guide_heads=((0, 0),),
    )
    train(T2SPart(recipe, tiny_config), recipe.loop, tmp_path / "t2s")
    found = {}
    for name, run in (("with", str(tmp_path / "t2s")), ("without", trained["t2s"])):
        asked = {"t2s": run, "features": trained["features"]}
        data = {**DATA, "mean_emotion_probability": 1.0, "mean_emotion_prompts": 2}
        write_latents(
            write(tmp_path / "l.yaml", {**asked, "tokenizer": trained["tokenizer"], "data": data}), tmp_path / name
        )
        make_emotion_bank(write(tmp_path / "b.yaml", {**asked, "bank": {"min_tokens": 4}}), tmp_path / name / "bank")
        store = FeatureStore(tmp_path / name)
        rows = load_file(tmp_path / name / "bank" / BANK_FILE)["emotion_rows"]
        found[name] = (torch.cat([store.tensor(entry, "latent").float() for entry in store]), rows)
    assert float((found["with"][0] - found["without"][0]).abs().max()) > 0.01
    torch.testing.assert_close(
        (found["with"][1] - found["without"][1]).norm(dim=1), torch.full((len(rows),), 3.0), atol=1e-3, rtol=1e-3
    )
