"""Training semantic-to-mel: what is cut, what is hidden, what counts, and that it learns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from indextts2.errors import TrainingError
from indextts2.models.flow import attend
from indextts2.models.length_regulator import frame_to_token
from indextts2.models.s2m import SemanticToMel
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.loop.curves import read_log
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.state import export_weights
from indextts2.training.loop.trainer import train
from indextts2.training.s2m.data import S2MData, S2MDataSettings
from indextts2.training.s2m.train import (
    MODEL,
    S2MPart,
    S2MRecipe,
    feature_distance,
    flow_example,
    initialise,
    pooled_loss,
    velocity_loss,
)

RATE = 22_050 / 256 / 25.0
SETTINGS = S2MDataSettings(batch_frames=400, crop_tokens=(12, 20), crop_shares=(0.5, 0.5))


def write_store(folder: Path, *, latents: bool = False, lengths: tuple[int, ...] = (30, 34, 26)) -> FeatureStore:
    """Three speakers; the mel of token t holds t in every band, so that cuts can be checked."""
    tensors, lines = {}, []
    for speaker in range(3):
        for number, tokens in enumerate(lengths):
            name, frames = f"s{speaker}_{number}", int(tokens * RATE)
            clock = (torch.arange(frames) / RATE).floor()
            if latents:
                if number == 0:  # only some have a latent
                    tensors[f"{name}/latent"] = torch.arange(float(tokens))[:, None].expand(-1, 32).contiguous()
                else:
                    continue
            else:
                tensors[f"{name}/tokens"] = torch.arange(tokens)
                tensors[f"{name}/mel"] = (clock + 100.0 * speaker).expand(20, -1).contiguous()
                tensors[f"{name}/style"] = torch.full((16,), float(speaker))
                place = torch.arange(2.0 * tokens)
                tensors[f"{name}/contour"] = torch.stack([5.0 + 0.01 * place, place, torch.ones(2 * tokens)], dim=1)
                tensors[f"{name}/features"] = torch.arange(float(tokens))[:, None].expand(-1, 24).contiguous()
            line = {"id": name, "speaker": f"s{speaker}", "style": "neutral", "text": "x", "seconds": tokens / 25}
            split = "test_text" if number == len(lengths) - 1 else "train"
            lines.append(
                json.dumps(
                    line | {"split": split, "token_count": tokens, "frame_count": frames, "shard": "a.safetensors"}
                )
            )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(folder / "a.safetensors"))
    (folder / "index.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return FeatureStore(folder)


@pytest.fixture
def store(tmp_path) -> FeatureStore:
    return write_store(tmp_path / "features")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_prompt_and_target_belong_to_one_speaker_and_tokens_to_their_frames(store):
    data = S2MData(store, SETTINGS, RATE)
    for seed in range(30):
        batch = data.batch(generator(seed))
        speaker = batch["style"][:, 0]
        for kind in ("", "prompt_"):
            mel, tokens = batch[f"{kind}mel"][:, 0], batch[f"{kind}tokens"]
            assert torch.equal((mel / 100).floor().amax(dim=1), speaker)
            assert mel.shape[1] == int(tokens.shape[1] * RATE)
            first = mel[:, 0] - 100 * speaker
            assert bool(((first - tokens[:, 0]).abs() <= 1).all())


def test_a_batch_keeps_to_its_frames(store):
    data = S2MData(store, SETTINGS, RATE)
    for seed in range(20):
        batch = data.batch(generator(seed))
        assert batch["mel"].shape[0] * (batch["mel"].shape[2] + batch["prompt_mel"].shape[2]) <= 400


def test_a_prompt_from_the_same_sentence_ends_where_the_target_begins(store):
    settings = S2MDataSettings(batch_frames=400, crop_tokens=(12,), crop_shares=(1.0,), other_prompt=0.0)
    batch = S2MData(store, settings, RATE).batch(generator())
    assert torch.equal(batch["prompt_tokens"][:, -1] + 1, batch["tokens"][:, 0])


def test_the_style_is_that_of_the_prompt_or_of_the_target_as_asked(store):
    chosen = {}
    for style_of_prompt in (True, False):
        settings = replace(SETTINGS, other_prompt=1.0, style_of_prompt=style_of_prompt)
        data = S2MData(store, settings, RATE)
        marks = {entry.id: float(number) for number, entry in enumerate(data.entries)}
        plain = data.store.tensor

        def marked(entry, kind, plain=plain, marks=marks):
            return torch.full((16,), marks[entry.id]) if kind == "style" else plain(entry, kind)

        data.store.tensor = marked
        chosen[style_of_prompt] = data.batch(generator())["style"][:, 0]
        data.store.tensor = plain
    assert bool((chosen[True] != chosen[False]).all())


def test_the_contour_is_that_of_the_target(store):
    data = S2MData(store, SETTINGS, RATE, with_contour=True)
    for seed in range(10):
        batch = data.batch(generator(seed))
        loudness = batch["contour"][..., 1]
        place = (loudness - loudness[:, :1]) * 1.5 + 2 * batch["tokens"][:, :1]
        torch.testing.assert_close(
            place, torch.arange(loudness.shape[1]) + 2.0 * batch["tokens"][:, :1], atol=1e-3, rtol=0
        )
        assert loudness.shape[1] == 2 * batch["tokens"].shape[1]


def test_prompts_are_of_another_style_where_that_is_asked_and_there_is_one(store):
    names = {entry.id: style for entry, style in zip(store.entries, ("sad", "sad", "calm") * 3, strict=True)}
    store.entries = tuple(replace(entry, style=names[entry.id], split="train") for entry in store.entries)
    data = S2MData(store, replace(SETTINGS, other_prompt=1.0, other_style=1.0), RATE)
    lone, twin = data.entries[0], next(entry for entry in data.entries if entry.style == "calm")
    for seed in range(20):
        source, apart = data._prompt_source(twin, 5, 5, generator(seed))
        assert apart and source.style == "sad"
    data._by_speaker[lone.speaker] = [entry for entry in data._by_speaker[lone.speaker] if entry.style == lone.style]
    assert data._prompt_source(lone, 5, 5, generator())[0].style == lone.style


def test_the_middle_of_the_flow_learns_to_say_the_contour_of_targets_that_see_their_tokens(store, tiny_config):
    recipe = S2MRecipe(features=str(store.folder), data=SETTINGS, contour_weight=1.0, condition_dropout=0.0)
    part = S2MPart(recipe, tiny_config, embedding=EMBEDDING)
    models, batch = part.build(), part.batch(0, generator())
    loss, metrics = part.loss(models, batch, generator())
    torch.testing.assert_close(loss.detach(), metrics["velocity"] + metrics["contour"])
    loss.backward()
    assert float(models[MODEL].estimator.transformer.layers[0].attention.wo.weight.grad.abs().sum()) > 0
    unseen = S2MPart(replace(recipe, condition_dropout=1.0), tiny_config, embedding=EMBEDDING)
    assert float(unseen.loss(models, batch, generator())[1]["contour"]) == 0.0


def test_attention_gives_the_same_with_and_without_gradients():
    query, key, value = torch.randn(3, 2, 3, 7, 8, generator=generator())
    expected = attend(query, key, value, None)
    torch.testing.assert_close(attend(query.requires_grad_(), key, value, None), expected, atol=1e-6, rtol=1e-5)


def test_a_crop_longer_than_every_utterance_is_shortened(store):
    settings = S2MDataSettings(batch_frames=800, crop_tokens=(200,), crop_shares=(1.0,))
    batch = S2MData(store, settings, RATE).batch(generator())
    assert batch["tokens"].shape[1] <= 34 and batch["prompt_tokens"].shape[1] <= 34


def test_a_lone_short_utterance_is_its_own_prompt(tmp_path):
    store = write_store(tmp_path / "lone", lengths=(10, 10))
    settings = S2MDataSettings(batch_frames=100, crop_tokens=(16,), crop_shares=(1.0,))
    batch = S2MData(store, settings, RATE).batch(generator())
    assert batch["prompt_tokens"].shape[1] >= 1


def test_latents_of_the_target_travel_with_the_rows_that_have_one(store, tmp_path):
    latents = write_store(tmp_path / "latents", latents=True)
    data = S2MData(store, SETTINGS, RATE, latents=latents)
    seen = set()
    for seed in range(10):
        batch = data.batch(generator(seed))
        for row, has in enumerate(batch["has_latent"].tolist()):
            seen.add(has)
            wanted = batch["tokens"][row].float() if has else torch.zeros(batch["tokens"].shape[1])
            assert torch.equal(batch["latent"][row, :, 0], wanted)
    assert seen == {True, False}


def test_a_split_without_utterances_is_refused(store):
    with pytest.raises(TrainingError, match="no utterances"):
        S2MData(store, SETTINGS, RATE, split="nowhere")


def toy_batch(size: int) -> dict[str, torch.Tensor]:
    return {
        "prompt_tokens": torch.randint(40, (size, 3), generator=generator(1)),
        "tokens": torch.randint(40, (size, 5), generator=generator(2)),
        "prompt_mel": torch.randn(size, 20, 10, generator=generator(3)),
        "mel": torch.randn(size, 20, 17, generator=generator(4)),
        "style": torch.randn(size, 16, generator=generator(5)),
        "latent": torch.randn(size, 5, 32, generator=generator(6)),
        "has_latent": torch.ones(size, dtype=torch.bool),
    }


EMBEDDING = torch.randn(40, 24, generator=generator(7))


def test_conditions_are_withheld_and_latents_fused_at_the_stated_rates():
    example, _ = flow_example(toy_batch(4000), EMBEDDING, generator(), latent_probability=0.5, condition_dropout=0.15)
    assert float(example.latent_mask.float().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(example.condition_mask.float().mean()) == pytest.approx(0.85, abs=0.02)


def test_the_noisy_target_lies_between_noise_and_mel_and_the_prompt_is_clean():
    batch = toy_batch(8)
    example, velocity = flow_example(batch, EMBEDDING, generator(), latent_probability=0.5, condition_dropout=0.0)
    assert not example.noisy[..., :10].any()
    rest = (1.0 - example.time)[:, None, None] * velocity
    torch.testing.assert_close(example.noisy[..., 10:] + rest, batch["mel"], rtol=1e-4, atol=1e-4)
    assert torch.equal(example.prompt_mel, batch["prompt_mel"])
    assert len({int(time * 8) for time in example.time}) == 8  # one time in every eighth


def test_a_row_without_a_latent_never_fuses_one():
    batch = toy_batch(50)
    batch["has_latent"][:] = False
    example, _ = flow_example(batch, EMBEDDING, generator(), latent_probability=1.0, condition_dropout=0.0)
    assert not example.latent_mask.any()


def test_the_loss_counts_the_target_only():
    wanted = torch.randn(2, 20, 9, generator=generator(1))
    found = torch.cat([torch.full((2, 20, 6), 99.0), wanted + 0.5], dim=2)
    assert float(velocity_loss(found, wanted)) == pytest.approx(0.5)


def test_a_fresh_model_predicts_the_mean_mel(tiny_config):
    model, mean = SemanticToMel(tiny_config.s2m), torch.arange(20.0)
    initialise(model, mean)
    example, _ = flow_example(toy_batch(2), EMBEDDING, generator(), latent_probability=1.0, condition_dropout=0.0)
    assert torch.allclose(model(example), mean[None, :, None].expand(2, 20, 27))
    assert not model.project_latent(toy_batch(2)["latent"]).any()


def test_one_batch_can_be_learned_by_heart(tiny_config):
    torch.manual_seed(0)
    model = SemanticToMel(tiny_config.s2m)
    batch = toy_batch(4)
    initialise(model, batch["mel"].mean(dim=(0, 2)))
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    example, velocity = flow_example(batch, EMBEDDING, generator(), latent_probability=0.5, condition_dropout=0.0)
    losses = []
    for _ in range(150):
        loss = velocity_loss(model(example), velocity)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.4 * losses[0]


def test_training_runs_resumes_and_exports_published_keys(store, tiny_config, tmp_path):
    recipe = S2MRecipe(features=str(store.folder), data=SETTINGS)

    def run(steps: int) -> None:
        part = S2MPart(recipe, tiny_config, embedding=torch.randn(40, 24, generator=generator(7)))
        settings = LoopSettings(max_steps=steps, learning_rate=1e-3, ema_decay=0.9, evaluate_steps=2, cpu=True)
        train(part, settings, tmp_path / "run")

    run(2)
    run(4)
    weights = export_weights(tmp_path / "run", MODEL)
    model = SemanticToMel(tiny_config.s2m)
    model.load_state_dict(weights)
    assert {key.split(".")[0] for key in weights} == {"cfm", "length_regulator", "gpt_layer"}
    log = (tmp_path / "run" / "log.csv").read_text(encoding="utf-8")
    assert "held_out_loss" in log


def test_alignment_pulls_the_middle_states_towards_the_semantic_features(store, tiny_config, tmp_path):
    recipe = S2MRecipe(features=str(store.folder), data=SETTINGS, alignment_weight=1.0, condition_dropout=0.0)
    part = S2MPart(recipe, tiny_config, embedding=EMBEDDING)
    models = part.build()
    batch = part.batch(0, generator())
    assert batch["features"].shape == (*batch["tokens"].shape, 24)
    assert torch.equal(batch["features"][..., 0], batch["tokens"].float())
    loss, metrics = part.loss(models, batch, generator())
    torch.testing.assert_close(loss.detach(), metrics["velocity"] + metrics["alignment"])
    loss.backward()
    layers = models[MODEL].estimator.transformer.layers
    assert not layers[0]._forward_hooks and not layers[len(layers) // 2]._forward_hooks
    assert float(layers[0].attention.wo.weight.grad.abs().sum()) > 0
    settings = LoopSettings(max_steps=30, learning_rate=5e-3, evaluate_steps=0, log_steps=10, cpu=True)
    train(part, settings, tmp_path / "run")
    later = [float(row["alignment"]) for row in read_log(tmp_path / "run" / "log.csv")]
    assert later[-1] < 0.5 * float(metrics["alignment"])
    going_on = S2MPart(replace(recipe, start_from=str(tmp_path / "run")), tiny_config, embedding=EMBEDDING)
    wanted = export_weights(tmp_path / "run", MODEL)
    assert all(torch.equal(value, wanted[name]) for name, value in going_on.build()[MODEL].state_dict().items())


def test_rows_without_their_tokens_are_not_asked_to_know_them():
    features = torch.randn(2, 5, 24, generator=generator(1))
    index = frame_to_token([(5, 17)])
    heard = features[:, index].clone()
    heard[1] = -heard[1]
    assert float(feature_distance(heard, features, torch.tensor([True, False]))) == pytest.approx(0.0, abs=1e-5)
    assert float(feature_distance(heard, features, torch.tensor([True, True]))) == pytest.approx(1.0, abs=1e-5)


def test_the_pooled_loss_hears_what_stays_over_many_frames_and_not_what_cancels_out():
    wanted = torch.randn(2, 20, 64, generator=generator(1))
    prompt = torch.full((2, 20, 6), 99.0)
    offset = torch.cat([prompt, wanted + 0.5], dim=2)
    flutter = torch.cat([prompt, wanted + 0.5 * (-1.0) ** torch.arange(64)], dim=2)
    assert float(pooled_loss(offset, wanted)) == pytest.approx(0.5)
    assert float(pooled_loss(flutter, wanted)) == pytest.approx(0.0, abs=1e-6)
    assert float(velocity_loss(flutter, wanted)) == pytest.approx(0.5)
    assert float(pooled_loss(offset[..., :11], wanted[..., :5])) == pytest.approx(0.5)  # shorter than every window


def test_the_pooled_loss_is_counted_by_its_weight(store, tiny_config):
    recipe = S2MRecipe(features=str(store.folder), data=SETTINGS, pooled_weight=0.5)
    part = S2MPart(recipe, tiny_config, embedding=EMBEDDING)
    loss, metrics = part.loss(part.build(), part.batch(0, generator()), generator())
    assert float(metrics["pooled"]) > 0
    torch.testing.assert_close(loss.detach(), metrics["velocity"] + 0.5 * metrics["pooled"])
