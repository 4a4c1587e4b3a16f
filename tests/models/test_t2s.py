"""Text-to-semantic on a tiny random model: padding, cache, duration rows, attention to watch, initialisation."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.config import DurationConfig
from indextts2.errors import CheckpointError, InputError
from indextts2.models.t2s import TextToSemantic
from indextts2.models.transformer import CacheView
from tests.conftest import TINY

CONFIG = TINY.t2s


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def tiny(config=CONFIG, seed=0):
    model = TextToSemantic(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.normal_(std=0.3, generator=generator(seed + parameter.numel()))
    return model


@pytest.fixture(scope="module")
def model():
    return tiny()


def case(batch=3, text=9, tokens=14, seed=3):
    g = generator(seed)
    return {
        "condition": torch.randn(batch, CONFIG.speaker.latents, CONFIG.dim, generator=g),
        "emotion_vector": torch.randn(batch, CONFIG.dim, generator=g),
        "slots": torch.randn(batch, 2, CONFIG.dim, generator=g),
        "text_ids": torch.randint(2, CONFIG.text_tokens, (batch, text), generator=g),
        "text_lengths": torch.tensor([text, text - 4, 1][:batch]),
        "tokens": torch.randint(0, CONFIG.codebook_size, (batch, tokens), generator=g),
        "token_lengths": torch.tensor([tokens - 5, tokens, 1][:batch]),
    }


def row_of(inputs, row):
    one = {name: value[row : row + 1] for name, value in inputs.items()}
    one["text_ids"] = one["text_ids"][:, : int(one["text_lengths"])]
    one["tokens"] = one["tokens"][:, : int(one["token_lengths"])]
    return one


def test_a_padded_batch_equals_its_rows_alone(model):
    inputs = case()
    together = model.forward_training(**inputs, attention_heads=((0, 1), (1, 0)))
    for row in range(3):
        alone = model.forward_training(**row_of(inputs, row), attention_heads=((0, 1), (1, 0)))
        text, tokens = int(inputs["text_lengths"][row]), int(inputs["token_lengths"][row])
        tolerance = {"rtol": 1e-5, "atol": 1e-5}
        torch.testing.assert_close(together.semantic_logits[row, : tokens + 1], alone.semantic_logits[0], **tolerance)
        torch.testing.assert_close(together.text_logits[row, : text + 1], alone.text_logits[0], **tolerance)
        torch.testing.assert_close(together.latent[row, :tokens], alone.latent[0], **tolerance)
        weights = together.attention[row, :, : tokens + 1]
        torch.testing.assert_close(weights[..., :text], alone.attention[0], **tolerance)
        assert not weights[..., text:].any()


def test_shapes_of_a_teacher_forced_pass(model):
    output = model.forward_training(**case())
    assert output.semantic_logits.shape == (3, 15, CONFIG.semantic_tokens)
    assert output.text_logits.shape == (3, 10, CONFIG.text_tokens + 1)
    assert output.latent.shape == (3, 14, CONFIG.dim)
    assert output.attention is None


def test_a_token_never_sees_later_ones(model):
    inputs = case(batch=1)
    before = model.forward_training(**inputs).semantic_logits
    inputs["tokens"] = inputs["tokens"].clone()
    inputs["tokens"][0, 6] = (inputs["tokens"][0, 6] + 1) % CONFIG.codebook_size
    after = model.forward_training(**inputs).semantic_logits
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7], after[:, 7])


def test_probed_attention_is_differentiable_and_sums_to_one():
    model = tiny().requires_grad_(True)
    attention = model.forward_training(**case(), attention_heads=((1, 1),)).attention
    torch.testing.assert_close(attention.sum(-1), torch.ones(3, 1, 15))
    attention[..., 0].log().sum().backward()
    assert model.gpt.h[1].attn.c_attn.weight.grad.any()


def test_probed_heads_equal_the_attention_of_the_trunk(model):
    """With all text and nothing else to look at, the probed row is the softmax of that head's scores over the text."""
    inputs = row_of(case(), 0)
    weights = model.forward_training(**inputs, attention_heads=((0, 0), (0, 1))).attention
    rows = torch.cat([inputs["condition"] + inputs["emotion_vector"][:, None], inputs["slots"]], dim=1)
    text = model.embed_text(model.framed_text(inputs["text_ids"], inputs["text_lengths"]))
    start = torch.full((1, 1), CONFIG.start_semantic)
    semantic = model.embed_semantic(torch.cat([start, inputs["tokens"]], dim=1))
    first = model.gpt.h[0]
    split = first.attn.c_attn(first.ln_1(torch.cat([rows, text, semantic], dim=1)))
    query, key, _ = split.unflatten(-1, (3, CONFIG.heads, -1)).permute(2, 0, 3, 1, 4)
    at, count = rows.shape[1] + 1, inputs["text_ids"].shape[1]
    scores = query[:, :, rows.shape[1] + text.shape[1] :] @ key[:, :, at : at + count].mT
    torch.testing.assert_close(weights, torch.softmax(scores * (CONFIG.dim // CONFIG.heads) ** -0.5, -1))


def test_cached_steps_equal_the_uncached_pass(model):
    inputs = row_of(case(), 0)
    whole = model.forward_training(**inputs)
    text = model.embed_text(model.framed_text(inputs["text_ids"], inputs["text_lengths"]))
    prefix = torch.cat([inputs["condition"] + inputs["emotion_vector"][:, None], inputs["slots"], text], dim=1)
    rows, total = prefix.shape[1], prefix.shape[1] + 1 + inputs["tokens"].shape[1]
    cache = model.new_cache(1, total + 5)
    order = torch.arange(total)
    fed = [prefix, model.embed_semantic(torch.full((1, 1), CONFIG.start_semantic))]
    fed += [
        model.embed_semantic_at(token[None, None], torch.tensor([at + 1]))
        for at, token in enumerate(inputs["tokens"][0])
    ]
    at, hidden = 0, []
    for chunk in fed:
        count = chunk.shape[1]
        mask = (order <= order[at : at + count, None])[None]
        hidden.append(
            model.states(chunk, attn_mask=mask, view=CacheView(cache, order[at : at + count], total)).hidden[:, -1]
        )
        at += count
    assert at == rows + 1 + inputs["tokens"].shape[1]
    torch.testing.assert_close(model.mel_head(torch.stack(hidden[1:], 1)), whole.semantic_logits, rtol=1e-5, atol=1e-5)


def test_a_resized_cache_keeps_what_is_in_it(model):
    cache = model.new_cache(2, 4)
    cache.keys.normal_(generator=generator())
    before = cache.keys.clone()
    cache.resize(9)
    assert cache.max_rows == 9 and torch.equal(cache.keys[:, :, :, :4], before) and not cache.keys[:, :, :, 4:].any()
    part = cache.slice(torch.tensor([1, 1, 0]), 3, 6)
    assert torch.equal(part.keys[:, 1, :, :3], before[:, 1, :, :3]) and part.max_rows == 6


# ---- duration ----


def with_duration(**kind):
    return tiny(replace(CONFIG, duration=DurationConfig(**kind)))


def test_the_length_row_is_the_position_table_itself(model):
    slots = model.duration_slots(torch.tensor([5, 137]))
    assert torch.equal(slots[:, 0], model.mel_pos_embedding.emb.weight[[5, 137]])
    assert not slots[:, 1].any()


def test_training_a_length_row_trains_the_position_table():
    model = tiny().requires_grad_(True)
    model.duration_slots(torch.tensor([7])).sum().backward()
    assert model.mel_pos_embedding.emb.weight.grad[7].any()


def test_free_length_is_exactly_zero_where_the_checkpoint_says_so(model):
    assert not model.duration_slots(None, batch=2).any()
    assert torch.equal(model.duration_slots(torch.tensor([0, 0])), model.duration_slots(None, batch=2))


def test_free_and_asked_items_mix_in_one_batch(model):
    slots = model.duration_slots(torch.tensor([0, 12]))
    assert not slots[0].any() and torch.equal(slots[1, 0], model.mel_pos_embedding.emb.weight[12])


@pytest.mark.parametrize(("slot", "where"), [("a", [True, False]), ("b", [False, True]), ("both", [True, True])])
def test_the_declared_slot_takes_the_row_and_the_other_stays_free(slot, where):
    model = with_duration(trained=True, slot=slot, free="official")
    slots, row = model.duration_slots(torch.tensor([9]))[0], model.mel_pos_embedding.emb.weight[9]
    for index, takes in enumerate(where):
        assert torch.equal(slots[index], row if takes else model.speed_emb.weight[1 - index])


def test_free_rows_follow_the_configuration():
    rows = with_duration(free="official").speed_emb.weight
    assert torch.equal(with_duration(free="official").free_slots(), rows.flip(0))
    assert torch.equal(with_duration(free="row0").free_slots(), rows[[0, 0]])
    assert not with_duration(free="zero").free_slots().any()


def test_unknown_kinds_of_duration_are_named():
    with pytest.raises(CheckpointError, match="but the configuration says 'none'"):
        with_duration(free="none").free_slots()
    with pytest.raises(InputError, match="but got 'c'"):
        with_duration(trained=True).duration_slots(torch.tensor([3]), slot="c")


# ---- weights ----


def test_text_beyond_the_position_table_is_refused(model):
    with pytest.raises(InputError, match="121 tokens is too long; this checkpoint reads 120"):
        model.embed_text(torch.ones(1, 123, dtype=torch.int64))


def test_initialisation_depends_on_the_generator_alone():
    first, second, other = (TextToSemantic(CONFIG) for _ in range(3))
    first.initialise(generator(5))
    state = torch.get_rng_state()
    second.initialise(generator(5))
    other.initialise(generator(6))
    assert torch.equal(torch.get_rng_state(), state)
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b), name
    assert not torch.equal(first.mel_head.weight, other.mel_head.weight)
    assert not first.speed_emb.weight.any()


def test_every_live_parameter_learns_from_a_teacher_forced_pass():
    model = TextToSemantic(CONFIG)
    model.initialise(generator())
    features = torch.randn(3, 12, CONFIG.speaker.input_dim, generator=generator())
    inputs = case() | {
        "condition": model.speaker_condition(features),
        "emotion_vector": model.emotion_vector(features),
        "slots": model.duration_slots(torch.tensor([4, 0, 6])),
    }
    output = model.forward_training(**inputs)
    (output.semantic_logits.square().sum() + output.text_logits.square().sum()).backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert idle == {"speed_emb.weight"}  # not used where free length is the zero vector


def test_dropout_is_off_unless_asked_for():
    inputs = case()
    plain, dropping = TextToSemantic(CONFIG), TextToSemantic(CONFIG, dropout=0.5)
    dropping.load_state_dict(plain.state_dict())
    assert torch.equal(plain.train().forward_training(**inputs).latent, plain.eval().forward_training(**inputs).latent)
    wanted = plain.forward_training(**inputs).latent
    assert torch.equal(dropping.eval().forward_training(**inputs).latent, wanted)
    assert not torch.allclose(dropping.train().forward_training(**inputs).latent, wanted)
