"""Weights carried over to tokens that were numbered anew."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from indextts2.errors import TrainingError
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import train
from indextts2.training.t2s.train import MODEL, T2SPart, T2SRecipe
from indextts2.training.t2s.translate import EMBEDDING, HEAD, HEAD_BIAS, token_pairs, translated
from tests.training.toy_features import CODES, SENTENCES, SPEAKERS, write_toy_features


@pytest.fixture
def renumbered(tmp_path):
    """Toy features, the same ones with other numbers for the tokens, and the new number of every old token."""
    old, new = tmp_path / "old", tmp_path / "new"
    write_toy_features(old)
    shutil.copytree(old, new)
    order = torch.randperm(CODES, generator=torch.Generator().manual_seed(1))
    shard = new / "features_00000.safetensors"
    tensors = load_file(str(shard))
    save_file(
        {
            name: order[value.long()].to(torch.int16) if name.endswith("/tokens") else value
            for name, value in tensors.items()
        },
        str(shard),
    )
    return old, new, order


def random_weights():
    generator = torch.Generator().manual_seed(2)
    sizes = {EMBEDDING: (CODES + 2, 8), HEAD: (CODES + 2, 8), HEAD_BIAS: (CODES + 2,), "other": (3,)}
    return {name: torch.randn(size, generator=generator) for name, size in sizes.items()}


def test_renumbered_tokens_get_the_weights_of_their_old_numbers(renumbered):
    old, new, order = renumbered
    weights = random_weights()
    pairs = token_pairs(FeatureStore(old), FeatureStore(new), CODES)
    found = translated(weights, pairs * 1e6)
    seen = pairs.sum(dim=0) > 0
    for name in (EMBEDDING, HEAD, HEAD_BIAS):
        torch.testing.assert_close(
            found[name][order[seen.nonzero()[:, 0]]], weights[name][:CODES][seen], atol=1e-4, rtol=0
        )
        torch.testing.assert_close(found[name][CODES:], weights[name][CODES:])  # start and stop stay
    assert torch.equal(found["other"], weights["other"])


def test_a_token_that_halves_an_old_one_is_half_as_likely():
    pairs = torch.zeros(4, 4)
    pairs[0, 0] = pairs[1, 0] = 50.0
    pairs[2, 1], pairs[3, 2] = 100.0, 100.0
    weights = {EMBEDDING: torch.randn(6, 3), HEAD: torch.randn(6, 3), HEAD_BIAS: torch.zeros(6)}
    bias = translated(weights, pairs * 1e6)[HEAD_BIAS]
    torch.testing.assert_close((bias[:2] - bias[2:4]).exp(), torch.full((2,), 0.5), atol=1e-3, rtol=0)


def test_two_stores_without_a_common_utterance_are_refused(renumbered, tmp_path):
    old, new, _ = renumbered
    text = (new / "index.jsonl").read_text(encoding="utf-8").replace('"id": "s', '"id": "t')
    (new / "index.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match="no utterance in common"):
        token_pairs(FeatureStore(old), FeatureStore(new), CODES)


def test_stage_one_goes_on_from_a_run_with_other_tokens(renumbered, tiny_config, tiny_tokenizer, tmp_path):
    old, new, order = renumbered
    loop = LoopSettings(max_steps=2, learning_rate=1e-3, evaluate_steps=0, cpu=True)
    recipe = T2SRecipe(loop=loop, features=str(old), tokenizer=str(tiny_tokenizer), guide_heads=((0, 0), (1, 0)))
    recipe = replace(recipe, data=replace(recipe.data, batch_size=4, prompt_tokens=16, min_prompt_tokens=6))
    train(T2SPart(recipe, tiny_config), loop, tmp_path / "run")
    assert len(FeatureStore(old).entries) == SPEAKERS * len(SENTENCES)
    going_on = replace(recipe, features=str(new), start_from=str(tmp_path / "run"), former_features=str(old))
    plain = replace(going_on, former_features="")
    rows = [T2SPart(one, tiny_config).build()[MODEL].mel_embedding.weight[:CODES] for one in (going_on, plain)]
    carried, before = rows[0][order], rows[1]
    assert (carried - before).norm(dim=1).mean() < 0.3 * (rows[0] - before).norm(dim=1).mean()
