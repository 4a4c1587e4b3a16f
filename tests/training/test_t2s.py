"""Training text-to-semantic: what moves in each stage, what is hidden from it, and that it learns."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
import torch
from torch import nn

from indextts2.errors import TrainingError
from indextts2.models.t2s import TextToSemantic
from indextts2.training.corpus.styles import NEUTRAL
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.state import export_weights, load_state
from indextts2.training.loop.trainer import train
from indextts2.training.t2s.data import NO_GUIDE, T2SDataSettings, relative_prosody
from indextts2.training.t2s.label_offsets import OFFSETS, fresh_offsets, trained_offsets
from indextts2.training.t2s.train import (
    CLASSIFIER,
    CONTOUR_READER,
    EMOTION_BRANCH,
    LABEL_READER,
    MODEL,
    READER,
    T2SPart,
    T2SRecipe,
    frozen_names,
)
from tests.conftest import TINY
from tests.training.toy_features import SPEAKERS, write_toy_features

LOOP = LoopSettings(max_steps=4, learning_rate=1e-3, evaluate_steps=0, log_steps=2, cpu=True)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("features")
    write_toy_features(folder)
    return T2SRecipe(
        loop=LOOP,
        features=str(folder),
        tokenizer=str(tiny_tokenizer),
        data=T2SDataSettings(batch_size=4, prompt_tokens=16, min_prompt_tokens=6),
        guide_heads=((0, 0), (1, 0)),
    )


@pytest.fixture(scope="module")
def first_stage(recipe, tiny_config, tmp_path_factory):
    """The folder of a finished stage 1."""
    folder = tmp_path_factory.mktemp("stage1")
    train(T2SPart(recipe, tiny_config), replace(recipe.loop, evaluate_steps=4), folder)
    return folder


def quiet(recipe, **changes):
    """Nothing random but the batch."""
    return replace(recipe, dropout=0.0, corruption=0.0, length_dropout=0.0, **changes)


def test_one_batch_can_be_learned_by_heart(recipe, tiny_config):
    part = T2SPart(quiet(recipe), tiny_config)
    models = part.build()
    batch = part.batch(0, generator())
    optimiser = torch.optim.Adam([w for w in models[MODEL].parameters() if w.requires_grad], lr=5e-3)
    losses = []
    for _ in range(60):
        loss, metrics = part.loss(models, batch, generator())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(metrics["semantic"]))
    assert losses[-1] < 0.3 * losses[0]
    assert float(metrics["right"]) > 0.8


def test_prompt_and_target_are_different_utterances_of_one_speaker(recipe, tiny_config):
    data = T2SPart(recipe, tiny_config).data
    for seed in range(20):
        batch = data.batch(generator(seed))
        for row in range(len(batch.speaker_ids)):
            speaker = data.speakers[int(batch.speaker_ids[row])]
            target = batch.tokens[row, : batch.token_lengths[row]]
            prompt = batch.prompt[row, batch.prompt_mask[row]]
            of_prompt = [
                entry
                for entry in data.by_speaker[speaker]
                if any(
                    torch.equal(window, prompt)
                    for window in data.store.tensor(entry, "features").unfold(0, len(prompt), 1).transpose(1, 2)
                )
            ]
            assert len(of_prompt) == 1
            assert not torch.equal(data.store.tensor(of_prompt[0], "tokens"), target)


def test_the_guide_points_at_text_and_knows_nothing_of_padding(recipe, tiny_config):
    batch = T2SPart(recipe, tiny_config).batch(0, generator(1))
    for row, length in enumerate(batch.token_lengths.tolist()):
        guide = batch.guide[row]
        assert bool((guide[:length] >= 0).all()) and bool((guide[:length] < batch.text_lengths[row]).all())
        assert bool((guide[1:length] >= guide[: length - 1]).all())
        assert bool((guide[length:] == NO_GUIDE).all())


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_frozen_parts_do_not_move_and_the_others_do(stage, recipe, tiny_config, first_stage, tmp_path):
    if stage == 1:
        before = T2SPart(recipe, tiny_config).build()[MODEL].state_dict()
        folder = first_stage
    else:
        before, folder = export_weights(first_stage, MODEL), tmp_path / "run"
        later = replace(recipe, stage=stage, start_from=str(first_stage))
        train(T2SPart(later, tiny_config), later.loop, folder)
    after = export_weights(folder, MODEL)
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    frozen = {name for name in after if name.startswith(frozen_names(stage))}
    assert frozen and not (moved & frozen)
    assert {name.split(".")[0] for name in moved} == {name.split(".")[0] for name in set(after) - frozen}


def test_stage_one_freezes_the_emotion_branch_two_the_speaker_and_three_both():
    with torch.device("meta"):
        names = [name for name, _ in TextToSemantic(TINY.t2s).named_parameters()]
    of = {stage: {name for name in names if name.startswith(frozen_names(stage))} for stage in (1, 2, 3)}
    assert any(name.startswith("emo_conditioning_encoder.") for name in of[1] - of[2])
    assert any(name.startswith("conditioning_encoder.") for name in of[2] - of[1])
    assert of[3] == of[1] | of[2]
    assert not any(name.startswith(("gpt.", "mel_", "text_embedding.", "text_pos_")) for name in of[3])


def test_the_gradient_from_the_speaker_classifier_reaches_the_emotion_branch_with_reversed_sign(
    recipe, tiny_config, first_stage
):
    part = T2SPart(quiet(recipe, stage=2, start_from=str(first_stage), guide_weight=0.0), tiny_config)
    models = part.build()
    batch = part.batch(0, generator())
    model, classifier = models[MODEL], models[CLASSIFIER]

    def gradients(loss):
        for module in models.values():
            module.zero_grad()
        loss.backward()
        return {
            name: torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
            for name, weight in model.named_parameters()
            if name.startswith(("emo_conditioning_encoder.", "emo_perceiver_encoder.", "emovec_layer.", "emo_layer."))
        }, [weight.grad.clone() for weight in classifier.parameters() if weight.grad is not None]

    found, of_classifier = {}, {}
    for strength in (0.0, 0.7):
        part.recipe = replace(part.recipe, reversal=strength)
        loss, metrics = part.loss(models, batch, generator())
        assert "speaker" in metrics
        found[strength], of_classifier[strength] = gradients(loss)
    guess = classifier(model.emotion_vector(batch.emotion_prompt, batch.emotion_mask))
    plain, learning = gradients(nn.functional.cross_entropy(guess, batch.speaker_ids))
    assert any(gradient.abs().max() > 1e-4 for gradient in plain.values())
    for name, gradient in plain.items():
        torch.testing.assert_close(found[0.7][name] - found[0.0][name], -0.7 * gradient, rtol=1e-3, atol=1e-6)
    for zero, full, direct in zip(of_classifier[0.0], of_classifier[0.7], learning, strict=True):
        torch.testing.assert_close(zero, direct)  # the classifier itself learns to tell the speakers
        torch.testing.assert_close(full, direct)


def test_only_stage_two_has_a_classifier_and_it_knows_every_speaker(recipe, tiny_config, first_stage):
    built = {
        stage: T2SPart(replace(recipe, stage=stage, start_from=str(first_stage)), tiny_config).build()
        for stage in (1, 2, 3)
    }
    assert [CLASSIFIER in models for models in built.values()] == [False, True, False]
    assert built[2][CLASSIFIER].layers[-1].out_features == SPEAKERS


def test_the_length_is_withheld_at_the_stated_rate_in_training_alone(recipe, tiny_config):
    part = T2SPart(recipe, tiny_config)
    batch, draws = part.batch(0, generator()), generator(3)
    told = torch.cat([part._length_targets(batch, draws, training=True) for _ in range(500)])
    assert float((told == 0).float().mean()) == pytest.approx(recipe.length_dropout, abs=0.03)
    assert set(told.tolist()) == {0, *batch.token_lengths.tolist()}
    assert torch.equal(part._length_targets(batch, draws, training=False), batch.token_lengths)
    without = T2SPart(replace(recipe, use_length=False), tiny_config)
    assert not without._length_targets(batch, draws, training=False).any()


def test_a_withheld_length_is_a_zero_embedding(recipe, tiny_config):
    model = T2SPart(recipe, tiny_config).build()[MODEL]
    slots = model.duration_slots(torch.tensor([0, 7]))
    assert not slots[0].any() and slots[1].any()


def test_the_length_table_and_the_position_table_are_one_tensor(recipe, tiny_config):
    model = T2SPart(recipe, tiny_config).build()[MODEL]
    slots = model.duration_slots(torch.tensor([7]))
    table = model.mel_pos_embedding.emb.weight
    assert torch.equal(slots[0, 0], table[7])
    slots[0, 0].sum().backward()
    moved = [name for name, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()]
    assert moved == ["mel_pos_embedding.emb.weight"]
    assert table.grad.any(dim=1).nonzero().flatten().tolist() == [7]


@pytest.mark.parametrize("stage", [2, 3])
def test_a_later_stage_needs_a_run_to_start_from(stage, recipe, tiny_config):
    with pytest.raises(TrainingError, match="start_from"):
        T2SPart(replace(recipe, stage=stage), tiny_config)


def test_there_are_three_stages(recipe, tiny_config):
    with pytest.raises(TrainingError, match="stage 4"):
        T2SPart(replace(recipe, stage=4, start_from="x"), tiny_config)


def test_a_killed_and_resumed_stage_equals_an_uninterrupted_one(recipe, tiny_config, first_stage, tmp_path):
    class Killed(T2SPart):
        def batch(self, step, generator):
            if step == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().batch(step, generator)

    recipe = replace(recipe, stage=2, start_from=str(first_stage))
    loop = replace(LOOP, ema_decay=0.9, final_learning_rate=1e-4)
    train(T2SPart(recipe, tiny_config), loop, tmp_path / "whole")
    assert train(Killed(recipe, tiny_config), loop, tmp_path / "parts").reason == "signal"
    train(T2SPart(recipe, tiny_config), loop, tmp_path / "parts")
    whole, parts = load_state(tmp_path / "whole"), load_state(tmp_path / "parts")
    assert whole["step"] == parts["step"] == LOOP.max_steps
    for group in ("models", "average"):
        for name, weights in whole[group].items():
            for key, value in weights.items():
                assert torch.equal(value, parts[group][name][key]), (group, name, key)


def test_a_corpus_too_small_for_a_batch_is_refused(recipe, tiny_config):
    with pytest.raises(TrainingError, match="batches of 64"):
        T2SPart(replace(recipe, data=replace(recipe.data, batch_size=64)), tiny_config)


def test_held_out_numbers_are_logged(first_stage):
    header = (first_stage / "log.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "held_out_semantic" in header and "held_out_attention_inside" in header


def learned(part, metric):
    """This metric along 60 steps on one batch."""
    models, batch = part.build(), part.batch(0, generator())
    weights = [weight for model in models.values() for weight in model.parameters() if weight.requires_grad]
    optimiser, found = torch.optim.Adam(weights, lr=5e-3), []
    for _ in range(60):
        loss, metrics = part.loss(models, batch, generator())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(float(metrics[metric]))
    return found


def test_prosody_is_measured_from_the_mean_of_the_speaker_and_learned_where_it_is_asked_for(
    recipe, tiny_config, first_stage
):
    asked = replace(quiet(recipe), stage=2, start_from=str(first_stage), prosody_weight=1.0)
    part = T2SPart(asked, tiny_config)
    own = [relative_prosody(part.data.store, part.data.entries)[entry.id] for entry in part.data.by_speaker["s0"]]
    torch.testing.assert_close(torch.stack(own).mean(dim=0), torch.zeros(6), atol=1e-5, rtol=0.0)
    found = learned(part, "prosody")
    assert found[-1] < 0.6 * found[0]
    plain = T2SPart(replace(asked, prosody_weight=0.0), tiny_config)
    assert READER not in plain.build() and not bool(plain.batch(0, generator()).prosody.any())


def test_the_contour_is_read_off_every_latent_where_it_is_asked_for(recipe, tiny_config):
    asked = quiet(recipe, contour_weight=1.0)
    part = T2SPart(asked, tiny_config)
    found = learned(part, "contour")
    assert found[-1] < 0.6 * found[0]
    plain = T2SPart(replace(asked, contour_weight=0.0), tiny_config)
    assert CONTOUR_READER not in plain.build() and plain.batch(0, generator()).contour.numel() == 0


@pytest.mark.parametrize("settings", [{}, {"join_probability": 1.0}, {"cut_probability": 1.0}])
def test_the_contour_keeps_to_the_tokens_of_a_target_that_is_joined_or_cut(recipe, tiny_config, settings):
    asked = replace(recipe, contour_weight=1.0, data=replace(recipe.data, **settings))
    data = T2SPart(asked, tiny_config).data
    for number, entry in enumerate(data.entries):
        data._contours[entry.id] = data.store.tensor(entry, "tokens").float().repeat_interleave(2)[:, None]
        batch = data.batch_of([entry], generator(number))
        assert torch.equal(batch.contour[0, ::2, 0].long(), batch.tokens[0])
        assert torch.equal(batch.contour[0, 1::2, 0].long(), batch.tokens[0])


def reading_of(recipe, tiny_config, **settings):
    """Data with these settings, an entry of it, and how that entry reads by itself."""
    part = T2SPart(replace(recipe, data=replace(recipe.data, letters_probability=0.0, **settings)), tiny_config)
    entry = part.data.entries[0]
    plain = T2SPart(recipe, tiny_config).data
    codes = plain.store.tensor(entry, "tokens")
    return part.data, entry, part.data.reader.front_end.ids(part.data.reader.front_end.pieces(entry.text).pieces), codes


def test_a_joined_target_is_the_entry_and_a_second_sentence_of_the_same_speaker(recipe, tiny_config):
    data, entry, ids, codes = reading_of(recipe, tiny_config, join_probability=1.0)
    data.by_speaker = {name: [replace(row, style="happy") for row in rows] for name, rows in data.by_speaker.items()}
    target = next(row for row in data.by_speaker[entry.speaker] if row.id == entry.id)
    batch = data.batch_of([target], generator(3))
    text, tokens, guide = batch.text_ids[0].tolist(), batch.tokens[0], batch.guide[0]
    assert text[: len(ids)] == ids and torch.equal(tokens[: len(codes)], codes) and len(tokens) > len(codes)
    rest = tokens[len(codes) :]
    assert any(torch.equal(rest, data.store.tensor(row, "tokens")) for row in data.by_speaker[entry.speaker])
    assert int(guide[: len(codes)].max()) < len(ids) <= int(guide[len(codes) + 2 :].min())


def test_a_cut_target_begins_at_a_word_with_the_tokens_that_sound_there(recipe, tiny_config, monkeypatch):
    monkeypatch.setattr("indextts2.training.t2s.data.SHORTEST_CUT", 4)
    data, entry, ids, codes = reading_of(recipe, tiny_config, cut_probability=1.0)
    begins = set()
    for seed in range(12):
        batch = data.batch_of([entry], generator(seed))
        text, tokens = batch.text_ids[0].tolist(), batch.tokens[0]
        assert ids[-len(text) :] == text and torch.equal(codes[-len(tokens) :], tokens)
        assert 4 <= len(tokens) < len(codes) and int(batch.guide[0].min()) == 0
        begins.add(len(text))
    assert len(begins) > 1


def test_a_target_without_a_fitting_partner_or_a_later_word_is_read_as_it_is(recipe, tiny_config):
    for settings in ({"join_probability": 1.0}, {"cut_probability": 1.0}):
        data, entry, ids, codes = reading_of(recipe, tiny_config, **settings)
        lone = replace(entry, style="a style of its own")  # nothing to join; too short to cut
        data.by_style[lone.style, lone.speed] = [lone]
        data._label_index[lone.style] = 0
        batch = data.batch_of([lone], generator(1))
        assert batch.text_ids[0].tolist() == ids and torch.equal(batch.tokens[0], codes)


@pytest.mark.parametrize(("reader", "told"), [("prosody_weight", "emotion_prosody"), ("label_weight", "label_right")])
def test_the_emotion_branch_alone_is_taught_first_where_it_is_asked_for(
    reader, told, recipe, tiny_config, first_stage, tmp_path
):
    asked = replace(recipe, stage=2, start_from=str(first_stage), emotion_steps=LOOP.max_steps, **{reader: 1.0})
    train(T2SPart(asked, tiny_config), replace(asked.loop, evaluate_steps=0), tmp_path / "run")
    before, after = export_weights(first_stage, MODEL), export_weights(tmp_path / "run", MODEL)
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith(EMOTION_BRANCH) for name in moved)
    header = (tmp_path / "run" / "log.csv").read_text(encoding="utf-8").splitlines()[0]
    assert told in header and "semantic" not in header


@pytest.mark.parametrize("changes", [{"stage": 3}, {"prosody_weight": 0.0}])
def test_emotion_steps_without_a_reader_of_prosody_or_in_another_stage_are_refused(recipe, tiny_config, changes):
    asked = {"stage": 2, "prosody_weight": 1.0, "emotion_steps": 2, **changes}
    with pytest.raises(TrainingError, match="emotion_steps"):
        T2SPart(replace(recipe, start_from="x", **asked), tiny_config)


def test_several_emotion_prompts_of_the_style_are_mixed_as_a_bank_row_is(recipe, tiny_config, first_stage):
    settings = replace(recipe.data, mean_emotion_probability=0.5, mean_emotion_prompts=3)
    part = T2SPart(replace(recipe, data=settings, stage=2, start_from=str(first_stage)), tiny_config)
    model = part.build()[MODEL].eval()
    kinds = set()
    for seed in range(8):
        targets = part.data.entries[:4]
        batch = part.data.batch_of(targets, generator(seed))
        prompts, mix = part.data._emotion_prompts(targets, generator(seed))
        torch.testing.assert_close(mix.sum(dim=1), torch.ones(4))
        for row, target in enumerate(targets):
            heard = [prompts[place] for place in mix[row].nonzero()[:, 0].tolist()]
            kinds.add(len(heard))
            assert {entry.style for entry in heard} == {target.style}
        vectors = model.emotion_vector(batch.emotion_prompt, batch.emotion_mask)
        torch.testing.assert_close(batch.emotion_vector(model), batch.emotion_mix @ vectors)
        assert batch.emotion_mix.shape == (4, len(batch.emotion_prompt))
        assert [part.data.labels[label] for label in batch.labels.tolist()] == [target.style for target in targets]
    assert kinds == {1, 3}
    alone = T2SPart(recipe, tiny_config).data.batch_of(targets, generator()).emotion_mix
    torch.testing.assert_close(alone, torch.eye(4))


def test_the_label_is_learned_where_it_is_asked_for(recipe, tiny_config, first_stage):
    asked = quiet(recipe, stage=2, start_from=str(first_stage), label_weight=1.0)
    part = T2SPart(asked, tiny_config)
    models = part.build()
    weights = [weight for model in models.values() for weight in model.parameters() if weight.requires_grad]
    optimiser, batch = torch.optim.Adam(weights, lr=5e-3), part.batch(0, generator())
    found = []
    for _ in range(60):
        loss, metrics = part.loss(models, batch, generator())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append((float(metrics["label"]), float(metrics["latent_label"])))
    assert found[-1][0] < 0.5 * found[0][0] and found[-1][1] < 0.5 * found[0][1]
    assert LABEL_READER not in T2SPart(replace(asked, label_weight=0.0), tiny_config).build()


def test_emotion_steps_need_something_to_say(recipe, first_stage, tiny_config):
    with pytest.raises(TrainingError, match="label_weight above zero"):
        T2SPart(replace(recipe, stage=2, start_from=str(first_stage), emotion_steps=3), tiny_config)


def test_emotion_prompts_heard_once_give_the_vectors_that_the_branch_would_give(recipe, tiny_config, first_stage):
    whole = replace(recipe.data, prompt_tokens=10_000, min_prompt_tokens=10_000, mean_emotion_probability=0.5)
    ask = replace(recipe, stage=3, start_from=str(first_stage), data=whole)
    part, knowing = T2SPart(ask, tiny_config), T2SPart(replace(ask, cache_emotion_vectors=True), tiny_config)
    model = part.build()[MODEL].eval()
    knowing.build()
    batch, known = part.batch(0, generator(3)), knowing.batch(0, generator(3))
    assert known.emotion_prompt.dim() == 2
    assert torch.equal(known.emotion_mix, batch.emotion_mix)
    torch.testing.assert_close(known.emotion_vector(model), batch.emotion_vector(model), atol=1e-5, rtol=1e-4)


def test_a_stage_that_heard_once_trains_and_is_evaluated(recipe, tiny_config, first_stage, tmp_path):
    ask = replace(recipe, stage=3, start_from=str(first_stage), cache_emotion_vectors=True)
    before = export_weights(first_stage, MODEL)
    train(T2SPart(ask, tiny_config), replace(ask.loop, evaluate_steps=4), tmp_path / "run")
    after = export_weights(tmp_path / "run", MODEL)
    assert any(not torch.equal(after[name], before[name]) for name in before)
    assert all(torch.equal(after[name], before[name]) for name in before if name.startswith(EMOTION_BRANCH))


@pytest.mark.parametrize("changes", [{"stage": 2}, {"prompt_dropout": 0.2}, {"prompt_noise": 0.2}])
def test_hearing_once_needs_a_branch_and_prompts_that_stay(recipe, tiny_config, first_stage, changes):
    with pytest.raises(TrainingError, match="cache_emotion_vectors"):
        T2SPart(
            replace(recipe, **{"stage": 3, "cache_emotion_vectors": True, "start_from": str(first_stage), **changes}),
            tiny_config,
        )


def test_only_a_mix_of_emotion_prompts_gets_the_offset_of_its_label(recipe, tiny_config, first_stage):
    settings = replace(recipe.data, mean_emotion_probability=0.5, mean_emotion_prompts=3)
    part = T2SPart(replace(recipe, data=settings, stage=3, start_from=str(first_stage), label_offset=2.0), tiny_config)
    models = part.build()
    model, offsets = models[MODEL].eval(), models[OFFSETS]
    assert offsets.labels == part.data.labels
    several = 0
    for seed in range(4):
        batch = part.batch(0, generator(seed))
        added = batch.emotion_vector(model, offsets) - batch.emotion_vector(model)
        for row, mix in enumerate(batch.emotion_mix):
            many = int((mix > 0).sum()) > 1
            several += many
            wanted = offsets(batch.labels)[row] if many else torch.zeros_like(added[row])
            torch.testing.assert_close(added[row], wanted, atol=1e-5, rtol=1e-4)
    assert 0 < several < 16
    torch.testing.assert_close(
        torch.stack(list(offsets.rows.values())).norm(dim=1), torch.full((len(offsets.rows),), 2.0)
    )


def test_offsets_are_learned_averaged_and_none_of_neutral(recipe, tiny_config, first_stage, tmp_path):
    settings = replace(recipe.data, mean_emotion_probability=1.0, mean_emotion_prompts=2)
    ask = replace(recipe, data=settings, stage=3, start_from=str(first_stage), label_offset=2.0)
    part = T2SPart(ask, tiny_config)
    before = {name: row.clone() for name, row in part.build()[OFFSETS].rows.items()}
    train(part, replace(ask.loop, ema_decay=0.5), tmp_path / "run")
    after = trained_offsets(tmp_path / "run", part.data.labels)
    assert set(after.rows) == set(before) and NEUTRAL not in after.rows
    assert any(not torch.equal(after.rows[name], before[name]) for name in before)
    assert trained_offsets(first_stage, part.data.labels) is None
    later = T2SPart(replace(ask, start_from=str(tmp_path / "run")), tiny_config).build()[OFFSETS]
    assert all(torch.equal(later.rows[name], row) for name, row in after.rows.items())
    neutral = fresh_offsets(4, ("angry", NEUTRAL), 1.0, generator())
    assert (
        torch.equal(neutral(torch.tensor([1])), torch.zeros(1, 4))
        and float(neutral(torch.tensor([0])).detach().norm()) > 0.9
    )


def test_an_offset_without_mixes_to_put_it_on_is_refused(recipe, tiny_config, first_stage):
    ask = replace(recipe, stage=3, start_from=str(first_stage), label_offset=1.0)
    of_one = replace(recipe.data, mean_emotion_probability=1.0, mean_emotion_prompts=1)
    for refused in (ask, replace(ask, data=of_one)):
        with pytest.raises(TrainingError, match="mean_emotion_probability above zero and mean_emotion_prompts above 1"):
            T2SPart(refused, tiny_config)


def test_a_negative_offset_is_refused(recipe, tiny_config):
    with pytest.raises(TrainingError, match=r"not negative, but is -1\.0"):
        T2SPart(replace(recipe, label_offset=-1.0), tiny_config)
