"""Text-to-semantic against the reference implementation: conditioners, trunk, processors, and every generated id."""

from __future__ import annotations

import pytest
import torch

from indextts2.config import ConditionerConfig, T2SConfig
from indextts2.models.t2s import TextToSemantic
from indextts2.sampling import SamplingSettings, keep_typical, penalise_repeats, truncate
from indextts2.stages.t2s.decode import decode
from indextts2.stages.t2s.latents import latents
from indextts2.stages.t2s.prefix import Phase, build_prefix, merge_prefixes, prefill
from tests.stages.speaking import plain_job

PREFIX = "w."
POSITION_BUFFER = "embed.pos_enc.pe"  # recomputed, not stored
MAX_TOKENS = 40
STOP, CODE_1 = 129, 1
NEVER = -30.0


def settings(mode, penalty=10.0, **more):
    return SamplingSettings(
        mode=mode, repetition_penalty=penalty, max_tokens=MAX_TOKENS, official_logits=mode == "greedy", **more
    )


@pytest.fixture
def t2s(parity):
    return parity("t2s")


@pytest.fixture
def model(t2s):
    conditioner = t2s.meta["config"]["condition_module"], t2s.meta["config"]["emo_condition_module"]
    speaker, emotion = (
        {
            "width": part["output_size"],
            "feed_forward": part["linear_units"],
            "heads": part["attention_heads"],
            "blocks": part["num_blocks"],
            "perceiver_mult": part["perceiver_mult"],
        }
        for part in conditioner
    )
    config = T2SConfig(
        layers=3,
        dim=64,
        heads=4,
        text_tokens=200,
        max_text_tokens=80,
        semantic_tokens=130,
        max_semantic_tokens=120,
        start_semantic=128,
        stop_semantic=STOP,
        speaker=ConditionerConfig(**speaker, latent_dim=64),
        emotion=ConditionerConfig(**emotion, latents=1, latent_dim=1024),
    )
    weights = {key: value for key, value in t2s.params(PREFIX).items() if not key.endswith(POSITION_BUFFER)}
    model = TextToSemantic(config).eval().requires_grad_(False)
    model.load_state_dict(weights)
    return model


@pytest.fixture
def one(t2s):
    """Condition, emotion and text of the single case."""
    return t2s.tensor("spk.latent"), t2s.tensor("emo.merged_a0.35"), [t2s.tensor("text.ids")[0].tolist()]


@pytest.fixture
def two(t2s):
    """The same of the batch of two; text padding is cut off."""
    lengths = t2s.tensor("tfb.text_len").tolist()
    texts = [row[:length].tolist() for row, length in zip(t2s.tensor("tfb.text"), lengths, strict=True)]
    return t2s.tensor("spk.batch_latent"), t2s.tensor("emo.batch_vec"), texts


def speak(model, case, how):
    condition, emotion, texts = case
    slots = model.duration_slots(None)
    prefixes = [
        build_prefix(model, condition[row : row + 1], [Phase(0, emotion[row : row + 1])], slots, ids)
        for row, ids in enumerate(texts)
    ]
    prefilled = prefill(model, merge_prefixes(prefixes))
    rows = tuple(range(len(texts)))
    return prefilled, decode(model, prefilled, plain_job(model, rows, rows, how), how)


def without_stop(ids):
    return ids[ids != STOP]


def test_the_conformer_matches_stage_by_stage(t2s, model):
    conformer = model.conditioning_encoder
    features = t2s.tensor("spk.feat")
    embedded = conformer.embed(features)
    t2s.assert_close(embedded, "spk.embed")
    t2s.assert_close(conformer.encoders[0](embedded, t2s.tensor("spk.pos_emb")[0], None), "spk.block0")
    t2s.assert_close(conformer(features)[0], "spk.conformer")


def test_speaker_condition_and_emotion_vector_match(t2s, model):
    t2s.assert_close(model.speaker_condition(t2s.tensor("spk.feat")), "spk.latent")
    t2s.assert_close(model.emotion_vector(t2s.tensor("emo.feat")), "emo.vec")
    t2s.assert_close(model.emotion_vector(t2s.tensor("spk.feat")), "emo.base_vec")


def test_a_padded_reference_equals_the_reference_alone(t2s, model):
    """The released code leaks padding into the last frames; ours must not, so row 1 is compared with its lone run."""
    features, lengths = t2s.tensor("spk.batch_feat"), t2s.tensor("spk.batch_len")
    mask = torch.arange(features.shape[1]) < lengths[:, None]
    condition = model.speaker_condition(features, mask)
    torch.testing.assert_close(condition[0], t2s.tensor("spk.batch_latent")[0], **t2s.tolerance)
    t2s.assert_close(condition[1:], "spk.row1_alone_latent")
    frames, frame_mask = model.conditioning_encoder(features, mask)
    assert torch.equal(frame_mask, t2s.tensor("spk.batch_mask")[:, 0].bool())


def test_teacher_forced_pass_matches(t2s, model, one):
    condition, emotion, texts = one
    tokens = t2s.tensor("tf.codes")
    output = model.forward_training(
        condition, emotion, model.duration_slots(None), torch.tensor(texts), torch.tensor([len(texts[0])]), tokens,
        torch.tensor([tokens.shape[1]]),
    )  # fmt: skip
    t2s.assert_close(output.latent, "tf.latents")
    steps = tokens.shape[1] + 1
    torch.testing.assert_close(output.semantic_logits.mT, t2s.tensor("tf.mel_logits")[:, :, :steps], **t2s.tolerance)
    wanted = t2s.tensor("tf.text_logits")[:, :, :-1]
    torch.testing.assert_close(output.text_logits.mT, wanted, **t2s.tolerance)


def test_teacher_forced_batch_with_visible_padding_matches(t2s, model):
    """The released batch lets tokens see text padding: the same as texts that really end in stop ids."""
    text, tokens = t2s.tensor("tfb.text").long(), t2s.tensor("tfb.codes")
    output = model.forward_training(
        t2s.tensor("spk.batch_latent"), t2s.tensor("emo.batch_vec"), model.duration_slots(None, batch=2), text,
        torch.full((2,), text.shape[1]), tokens, t2s.tensor("tfb.codes_len"),
    )  # fmt: skip
    t2s.assert_close(output.latent, "tfb.latents")


def test_prefixes_match_bit_for_bit(t2s, model, one, two):
    for case, name in ((one, "gen"), (two, "genb")):
        condition, emotion, texts = case
        merged = merge_prefixes(
            [
                build_prefix(
                    model, condition[i : i + 1], [Phase(0, emotion[i : i + 1])], model.duration_slots(None), ids
                )
                for i, ids in enumerate(texts)
            ]
        )
        assert torch.equal(merged.embeddings[:, :-1], t2s.tensor(f"{name}.prefix_embeds"))
    mask = t2s.tensor("genb.attention_mask").bool()
    assert not bool(mask.all()), "one of the texts is shorter"
    assert torch.equal(merged.attn_mask[:, -1], mask)  # the start token attends to every real row


@pytest.mark.parametrize(
    ("name", "mode", "penalty"),
    [
        ("gen.greedy_rp1", "greedy", 1.0),
        ("gen.greedy_rp10", "greedy", 10.0),
        ("gen.beam3_rp10", "beam_search", 10.0),
        ("gen.beam3_rp1", "beam_search", 1.0),
    ],
)
def test_generated_ids_match(t2s, model, one, name, mode, penalty):
    prefilled, takes = speak(model, one, settings(mode, penalty))
    assert torch.equal(takes[0].tokens, t2s.tensor(f"{name}.ids")[0])
    if f"{name}.score" in t2s.tensors:
        t2s.assert_close(torch.tensor([takes[0].score]), f"{name}.score")
    if f"{name}.latents" in t2s.tensors:
        latent = latents(model, prefilled, [0], takes)
        t2s.assert_close(latent, f"{name}.latents")


@pytest.mark.parametrize(("name", "mode"), [("genb.greedy_rp10", "greedy"), ("genb.beam3_rp10", "beam_search")])
def test_generated_ids_of_a_left_padded_batch_match(t2s, model, two, name, mode):
    _, takes = speak(model, two, settings(mode))
    assert torch.equal(torch.stack([take.tokens for take in takes]), t2s.tensor(f"{name}.ids"))
    if f"{name}.score" in t2s.tensors:
        t2s.assert_close(torch.tensor([take.score for take in takes]), f"{name}.score")


@pytest.mark.parametrize(
    ("name", "bias", "mode", "more"),
    [
        ("gen.stop.greedy_rp1", "gen.stop.stop_bias", "greedy", {"penalty": 1.0}),
        ("gen.stop.beam3_rp10", "gen.stop.stop_bias", "beam_search", {}),
        ("gen.stop2.beam3_rp10", "gen.stop2.stop_bias", "beam_search", {}),
        ("gen.stop2.beam3_rp10_lp1", "gen.stop2.stop_bias", "beam_search", {"length_penalty": 1.0}),
    ],
)
def test_generation_stops_where_the_reference_does(t2s, model, one, name, bias, mode, more):
    model.mel_head.bias[STOP] = t2s.tensor(bias).reshape(())
    _, takes = speak(model, one, settings(mode, **more))
    assert takes[0].stopped
    assert torch.equal(takes[0].tokens, without_stop(t2s.tensor(f"{name}.ids")[0]))
    if f"{name}.score" in t2s.tensors:
        t2s.assert_close(torch.tensor([takes[0].score]), f"{name}.score")


@pytest.mark.parametrize(
    ("name", "mode"), [("gen.code1.greedy_rp10", "greedy"), ("gen.code1.beam3_rp10", "beam_search")]
)
def test_the_prompt_token_counts_as_used(t2s, model, one, name, mode):
    model.mel_head.bias[CODE_1] = t2s.tensor("gen.code1.bias")
    model.mel_head.bias[STOP] = NEVER
    _, takes = speak(model, one, settings(mode))
    assert torch.equal(takes[0].tokens, t2s.tensor(f"{name}.ids")[0])


def test_greedy_processed_scores_match(t2s, model, one):
    """Step by step: raw logits of the reference, penalised for all ids so far."""
    ids, raw = t2s.tensor("gen.greedy_rp10.ids")[0], t2s.tensor("gen.greedy_rp10.scores")[0]
    used = torch.zeros(raw.shape[-1], dtype=torch.bool)
    used[[CODE_1, model.config.start_semantic]] = True
    first = t2s.tensor("gen.greedy_rp1.logits")[0, 0]
    torch.testing.assert_close(penalise_repeats(first, used, 10.0), raw[0], **t2s.tolerance)
    assert int(raw[0].argmax()) == int(ids[0])


def test_processors_match(t2s):
    scores, ids = t2s.tensor("proc.logprobs"), t2s.tensor("proc.ids")
    used = torch.zeros_like(scores, dtype=torch.bool).scatter(1, ids, True)
    penalised = penalise_repeats(scores, used, 10.0)
    assert torch.equal(penalised, t2s.tensor("proc.out_rp_only"))
    assert torch.equal(truncate(penalised, SamplingSettings()), t2s.tensor("proc.out_beam"))
    assert torch.equal(truncate(penalised, SamplingSettings(mode="sample")), t2s.tensor("proc.out_single"))
    assert torch.equal(penalise_repeats(t2s.tensor("proc.raw_logits"), used, 10.0), t2s.tensor("proc.raw_out_rp"))
    for keep in (1, 2):
        assert torch.equal(keep_typical(scores, 0.9, keep), t2s.tensor(f"proc.typical_keep{keep}"))
