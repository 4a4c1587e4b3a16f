"""The models of IndexTTS-2.5 against the reference: codec, text-to-semantic, and the chain at full size."""

from __future__ import annotations

import json
import re

import pytest
import torch

from indextts2.config import CodecConfig, ConditionerConfig, DurationConfig, S2MConfig, T2SConfig
from indextts2.models.resampling_codec import ResamplingCodec
from indextts2.models.s2m import SemanticToMel, stretched_frames
from indextts2.models.t2s import TextToSemantic
from indextts2.models.transformer import MATRIX
from indextts2.sampling import SamplingSettings
from indextts2.stages.t2s.decode import decode
from indextts2.stages.t2s.prefix import Phase, build_prefix, merge_prefixes, prefill
from tests.models.folded import folded_weights
from tests.stages.speaking import plain_job

from .conftest import find_or_skip
from .test_encoders import floating_shapes, listed_tensors
from .test_s2m import live_weights, sample

CLEAR_MARGIN = 1e-4  # closer calls of the codec may fall either way
POSITION_BUFFER = "embed.pos_enc.pe"
EDGES = (0, 1)  # ids of start and stop of the text, dropped before they are embedded

# ---- codec ----------------------------------------------------------------------------------------------------------


def codec_config(meta):
    sizes = meta["config"]
    return CodecConfig(
        codebook_size=sizes["codebook_size"],
        codebook_dim=sizes["codebook_dim"],
        dim=sizes["hidden_size"],
        width=sizes["vocos_dim"],
        intermediate=sizes["vocos_intermediate_dim"],
        layers=sizes["vocos_num_layers"],
        downsample=sizes["downsample_scale"],
    )


@pytest.fixture
def tiny_codec(parity):
    fixture = parity("v25_codec")
    codec = ResamplingCodec(codec_config(fixture.meta)).eval().requires_grad_(False)
    codec.load_state_dict(folded_weights(fixture.params()), strict=True)
    return fixture, codec


def test_features_become_the_tokens_of_the_reference(tiny_codec):
    fixture, codec = tiny_codec
    for key in sorted(key for key in fixture.tensors if key.startswith("in/x")):
        number = key.removeprefix("in/x")
        features = fixture.tensor(key)
        fixture.assert_close(codec.encode(features), f"out/encoder{number}")
        tokens, quantized = codec.quantize(features)
        assert torch.equal(tokens, fixture.tensor(f"out/codes{number}"))
        assert tokens.shape[1] == -(-features.shape[1] // codec.config.downsample)
        fixture.assert_close(quantized, f"out/quantized{number}")
        fixture.assert_close(codec.decode(tokens), f"out/decode_of_codes{number}")


def test_tokens_become_the_features_of_the_reference(tiny_codec):
    fixture, codec = tiny_codec
    tokens = fixture.tensor("in/codes")
    fixture.assert_close(codec.embed(tokens).transpose(1, 2), "out/vq2emb")
    fixture.assert_close(codec.decoder(codec.embed(tokens)), "out/decoder")
    fixture.assert_close(codec.decode(tokens), "out/decode")
    for row in range(len(tokens)):
        torch.testing.assert_close(codec.decode(tokens[row : row + 1])[0], codec.decode(tokens)[row])


def full_codec(fixture):
    codec = ResamplingCodec(CodecConfig(downsample=2)).eval().requires_grad_(False)
    shapes = listed_tensors("v25_codec")
    filled = {key: fixture.fill("semantic_codec", key, shape) for key, shape in shapes.items()}
    codec.load_state_dict(folded_weights(filled), strict=True)
    return codec


def test_full_size_codec_equals_the_official_one(parity):
    fixture = parity("v25_full_codec")
    codec = full_codec(fixture)
    features = fixture.tensor("in/x")
    fixture.assert_close(codec.encode(features), "out/encoder")
    tokens, quantized = codec.quantize(features)
    clear = fixture.tensor("out/margin") > CLEAR_MARGIN
    assert torch.equal(tokens[clear], fixture.tensor("out/codes")[clear])
    torch.testing.assert_close(quantized[clear], fixture.tensor("out/quantized")[clear], **fixture.tolerance)
    fixture.assert_close(codec.decode(fixture.tensor("in/codes")), "out/decode")


# ---- semantic-to-mel ------------------------------------------------------------------------------------------------


@torch.inference_mode()
def test_full_size_chain_equals_the_reference(parity):
    fixture = parity("v25_full_s2mel")
    codec = full_codec(fixture)
    with torch.device("meta"):
        model = SemanticToMel(S2MConfig())
    model = model.to_empty(device="cpu").eval()
    model.load_state_dict(live_weights(fixture, "s2mel", model))
    features = codec.decode(fixture.tensor("in/codes"))
    fixture.assert_close(features, "out/S_infer")
    frames = stretched_frames(features.shape[1], S2MConfig().frames_per_token, fixture.meta["duration_factor"])
    assert frames == int(fixture.tensor("out/target_len"))
    target = model.regulate(features, [frames])
    fixture.assert_close(target, "out/cond")
    prompt_mel = fixture.tensor("in/ref_mel")
    prompt = model.regulate(fixture.tensor("in/feat"), [prompt_mel.shape[-1]])
    fixture.assert_close(prompt, "out/prompt_condition")
    mel = sample(
        model,
        prompt_mel,
        fixture.tensor("in/style"),
        torch.cat([prompt, target], dim=1),
        fixture.tensor("in/z"),
        steps=fixture.meta["n_timesteps"],
        guidance=fixture.meta["cfg_rate"],
    )
    fixture.assert_close(mel[..., prompt_mel.shape[-1] :], "out/mel_target")


def test_natural_and_stretched_lengths_match():
    """Evaluated from left to right in double precision, then truncated; another grouping differs somewhere."""
    rows = json.loads(find_or_skip("v25_text.json").read_text(encoding="utf-8"))["target_length"]
    rate = S2MConfig().frames_per_token
    assert len(rows) > 1
    for row in rows:
        found = stretched_frames(row["semantic_frames"], rate, row["duration_factor"])
        assert found == row["target_mel_frames"]
    pairs = [(2 * count, hundredth / 100) for count in range(1, 200) for hundredth in range(50, 200)]
    regrouped = [max(int(features * (rate * factor)), 1) for features, factor in pairs]
    assert regrouped != [stretched_frames(features, rate, factor) for features, factor in pairs]


# ---- text-to-semantic -----------------------------------------------------------------------------------------------


@pytest.fixture
def gpt(parity):
    return parity("v25_gpt")


@pytest.fixture
def model(gpt):
    sizes, emotion = gpt.meta["config"], gpt.meta["config"]["emo_condition_module"]
    config = T2SConfig(
        layers=sizes["layers"],
        dim=sizes["model_dim"],
        heads=sizes["heads"],
        text_tokens=sizes["number_text_tokens"],
        max_text_tokens=sizes["max_text_tokens"],
        semantic_tokens=sizes["number_mel_codes"],
        max_semantic_tokens=sizes["max_mel_tokens"],
        start_semantic=sizes["start_mel_token"],
        stop_semantic=sizes["stop_mel_token"],
        speaker_from="style",
        language_rows=gpt.meta["derived"]["lang_rows"],
        duration=DurationConfig(rows=False),
        emotion=ConditionerConfig(
            width=emotion["output_size"],
            feed_forward=emotion["linear_units"],
            heads=emotion["attention_heads"],
            blocks=emotion["num_blocks"],
            perceiver_mult=emotion["perceiver_mult"],
            latents=1,
            latent_dim=1024,
        ),
    )
    model = TextToSemantic(config).eval().requires_grad_(False)
    weights = {key: value for key, value in gpt.params("w.").items() if not key.endswith(POSITION_BUFFER)}
    model.load_state_dict(weights, strict=True)
    return model


def settings(gpt, mode, penalty):
    return SamplingSettings(
        mode=mode,
        repetition_penalty=penalty,
        max_tokens=gpt.tensor("gen.greedy_rp1.ids").shape[1],
        official_logits=mode == "greedy",
    )


def spoken_ids(gpt):
    return [number for number in gpt.tensor("text.ids")[0].tolist() if number not in EDGES]


def prefix_of(gpt, model, ids=None, language="text.lang"):
    condition, emotion = gpt.tensor("spk.latent"), gpt.tensor("emo.merged_a0.35")
    ids = spoken_ids(gpt) if ids is None else ids
    row = int(gpt.tensor(language)[0]) if isinstance(language, str) else language
    slots = model.duration_slots(None)
    return build_prefix(model, condition, [Phase(0, emotion)], slots, ids, language=row)


def generated(gpt, model, mode, penalty, language="text.lang"):
    how = settings(gpt, mode, penalty)
    prefilled = prefill(model, prefix_of(gpt, model, language=language))
    return decode(model, prefilled, plain_job(model, (0,), (0,), how), how)[0]


def test_the_speaker_is_one_latent_of_the_style_vector(gpt, model):
    gpt.assert_close(model.speaker_from_style(gpt.tensor("in.style")), "spk.latent")


def test_emotion_vectors_and_their_merge_match(gpt, model):
    base, vector = (model.emotion_vector(gpt.tensor(key)) for key in ("in.spk_feat", "in.emo_feat"))
    gpt.assert_close(base, "emo.base")
    gpt.assert_close(vector, "emo.vec")
    gpt.assert_close(base + 0.35 * (vector - base), "emo.merged_a0.35")


def test_two_zero_rows_stand_between_the_condition_and_the_text(gpt, model):
    condition = gpt.tensor("spk.latent") + gpt.tensor("emo.merged_a0.35")[:, None]
    gpt.assert_close(torch.cat([condition, model.duration_slots(None)], dim=1), "prefix.cond")
    assert not model.duration_slots(None).any()


@pytest.mark.parametrize("names", [("text.lang", "prefix.embeds"), ("lang2.lang", "lang2.embeds")])
def test_prefixes_match_and_need_no_zero_rows_on_the_left(gpt, model, names):
    language, key = names
    found = prefix_of(gpt, model, language=language).embeddings[:, :-1]  # without the start token
    wanted = gpt.tensor(key)
    padding = wanted.shape[1] - found.shape[1]
    assert padding == gpt.meta["measured"]["left_zero_rows"] and not wanted[:, :padding].any()
    torch.testing.assert_close(found, wanted[:, padding:], **gpt.tolerance)


def test_two_texts_with_a_language_each_match(gpt, model):
    texts = [[number for number in row if number not in EDGES] for row in gpt.tensor("batch.text").tolist()]
    languages = gpt.tensor("batch.lang").tolist()
    merged = merge_prefixes(
        [prefix_of(gpt, model, ids, language) for ids, language in zip(texts, languages, strict=True)]
    )
    wanted, mask = gpt.tensor("batch.embeds"), gpt.tensor("batch.attention_mask").bool()
    width = merged.embeddings.shape[1] - 1
    for row in range(len(texts)):
        real = mask[row, :-1]
        torch.testing.assert_close(merged.embeddings[row, :-1][real[-width:]], wanted[row][real], **gpt.tolerance)


def test_a_text_without_its_language_is_refused(gpt, model):
    from indextts2.errors import InputError

    with pytest.raises(InputError, match="language"):
        prefix_of(gpt, model, language=None)


@pytest.mark.parametrize(
    ("name", "mode", "penalty"),
    [("greedy_rp1", "greedy", 1.0), ("greedy_rp10", "greedy", 10.0), ("beam3_rp10", "beam_search", 10.0)],
)
def test_generated_ids_match(gpt, model, name, mode, penalty):
    take = generated(gpt, model, mode, penalty)
    assert torch.equal(take.tokens, gpt.tensor(f"gen.{name}.ids")[0])
    if f"gen.{name}.score" in gpt.tensors:
        gpt.assert_close(torch.tensor([take.score]), f"gen.{name}.score")


def test_another_language_row_speaks_otherwise(gpt, model):
    take = generated(gpt, model, "greedy", 10.0, language="lang2.lang")
    assert torch.equal(take.tokens, gpt.tensor("lang2.greedy_rp10.ids")[0])
    assert gpt.meta["measured"]["lang2_ids_differ"]
    assert not torch.equal(take.tokens, gpt.tensor("gen.greedy_rp10.ids")[0])


def test_generation_stops_where_the_reference_does(gpt, model):
    model.mel_head.bias[model.config.stop_semantic] = gpt.tensor("stop.bias")
    take = generated(gpt, model, "greedy", 1.0)
    wanted = gpt.tensor("stop.greedy_rp1.ids")[0]
    assert take.stopped and torch.equal(take.tokens, wanted[wanted != model.config.stop_semantic])


def test_teacher_forced_logits_match_in_the_rows_of_decoding(gpt, model):
    tokens = gpt.tensor("tf.codes")
    prefix = prefix_of(gpt, model)
    rows = torch.arange(tokens.shape[1]) + model.config.decode_row_offset
    embeddings = torch.cat([prefix.embeddings, model.embed_semantic_at(tokens, rows)], dim=1)
    hidden = model.states(embeddings).hidden[:, prefix.embeddings.shape[1] - 1 :]
    gpt.assert_close(model.mel_head(hidden), "tf.logits")
    wrong = torch.cat([prefix.embeddings, model.embed_semantic_at(tokens, rows - 1)], dim=1)
    hidden = model.states(wrong).hidden[:, prefix.embeddings.shape[1] - 1 :]
    assert float((model.mel_head(hidden) - gpt.tensor("tf.logits")).abs().max()) > 1.0


def test_the_full_size_models_have_exactly_the_published_keys_and_shapes():
    with torch.device("meta"):
        t2s = TextToSemantic(
            T2SConfig(text_tokens=60_509, speaker_from="style", language_rows=107, duration=DurationConfig(rows=False))
        )
        codec = ResamplingCodec(CodecConfig(downsample=2))
    published = {
        key: shape for key, shape in listed_tensors("v25_gpt").items() if not re.search(POSITION_BUFFER + "$", key)
    }
    turned = {key: shape[::-1] if MATRIX.fullmatch(key) else shape for key, shape in published.items()}
    assert floating_shapes(t2s) == turned, "matrices of the trunk are (in, out) in the file, (out, in) in the module"
    folded = folded_weights(
        {key: torch.empty(shape, device="meta") for key, shape in listed_tensors("v25_codec").items()}
    )
    assert floating_shapes(codec) == {key: tuple(value.shape) for key, value in folded.items()}
