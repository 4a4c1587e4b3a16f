"""Mels that semantic-to-mel makes beside recordings: of their length, near them, the nearer the later the start."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from indextts2.errors import TrainingError
from indextts2.training import configuration
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import train
from indextts2.training.s2m import aligned_mels
from indextts2.training.s2m.aligned_mels import AlignedMelRecipe, write_aligned_mels
from indextts2.training.s2m.data import S2MDataSettings
from indextts2.training.s2m.train import S2MPart, S2MRecipe
from tests.training.test_s2m import write_store


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_config):
    """Settings that name features and the run of a semantic-to-mel."""
    root = tmp_path_factory.mktemp("aligned")
    write_store(root / "features")
    embedding = torch.randn(tiny_config.codec.codebook_size, tiny_config.codec.dim, generator=torch.Generator())
    recipe = S2MRecipe(
        features=str(root / "features"),
        data=S2MDataSettings(batch_frames=200, crop_tokens=(20,), crop_shares=(1.0,)),
        loop=LoopSettings(max_steps=1, evaluate_steps=0, cpu=True),
    )
    train(S2MPart(recipe, tiny_config, embedding=embedding), recipe.loop, root / "s2m")
    return {"s2m": str(root / "s2m"), "features": recipe.features, "steps": 2}, embedding


def made(trained, tiny_config, tmp_path, monkeypatch, name, **changes):
    settings, embedding = trained
    monkeypatch.setattr(configuration, "MINI", tiny_config)
    monkeypatch.setattr(aligned_mels, "token_embedding", lambda *_: embedding)
    recipe = tmp_path / f"{name}.yaml"
    recipe.write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
    result = write_aligned_mels(recipe, tmp_path / name)
    store = FeatureStore(tmp_path / name)
    assert result.step == len(store.entries)
    return {entry.id: store.tensor(entry, "mel") for entry in store}


def test_every_training_utterance_gets_a_mel_of_its_own_length(trained, tiny_config, tmp_path, monkeypatch):
    features = FeatureStore(Path(trained[0]["features"]))
    mels = made(trained, tiny_config, tmp_path, monkeypatch, "mels")
    own = {entry.id: features.tensor(entry, "mel") for entry in features if entry.split == "train"}
    assert set(mels) == set(own)
    for name, mel in mels.items():  # up to the frames of a token are lost where the last one is not whole
        assert mel.shape[0] == own[name].shape[0] and 0 <= own[name].shape[1] - mel.shape[1] <= 4


def test_the_later_the_start_the_nearer_to_the_recording(trained, tiny_config, tmp_path, monkeypatch):
    features = FeatureStore(Path(trained[0]["features"]))
    apart = []
    for start in (0.0, 0.5, 0.99):
        mels = made(trained, tiny_config, tmp_path, monkeypatch, f"mels_{start}", start=start)
        own = {entry.id: features.tensor(entry, "mel") for entry in features}
        errors = [(mel - own[name][:, : mel.shape[1]]).abs().mean() for name, mel in mels.items()]
        apart.append(float(torch.stack(errors).mean()))
    assert apart[0] > 1.3 * apart[1] > 1.3 * apart[2] and apart[2] < 3.0


def test_a_recipe_repeats_itself_and_may_ask_for_some_utterances(trained, tiny_config, tmp_path, monkeypatch):
    first, again = (made(trained, tiny_config, tmp_path, monkeypatch, name) for name in "ab")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert len(made(trained, tiny_config, tmp_path, monkeypatch, "c", utterances=2)) == 2


@pytest.mark.parametrize(("changes", "words"), [({"start": 1.0}, "start"), ({"steps": 0}, "steps")])
def test_settings_that_cannot_work_are_refused(changes, words):
    with pytest.raises(TrainingError, match=words):
        AlignedMelRecipe("run", **changes)
