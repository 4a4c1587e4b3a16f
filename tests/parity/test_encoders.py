"""Filterbanks, resamplers and the three encoders equal the official ones, given the same weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from indextts2.audio.fbank import kaldi_fbank, semantic_input, style_features
from indextts2.audio.resample import resample_sinc, resample_soxr
from indextts2.config import CodecConfig, SemanticEncoderConfig, StyleEncoderConfig
from indextts2.models.codec import SemanticCodec
from indextts2.models.semantic_encoder import SemanticEncoder
from indextts2.models.style_encoder import StyleEncoder
from tests.models.folded import folded_weights

DATA = Path(__file__).parent / "data"
SOXR_TOLERANCE = {"rtol": 0.0, "atol": 1e-3}  # the resampler's build may differ


def listed_tensors(part: str) -> dict[str, tuple[int, ...]]:
    """Key and shape of every floating-point tensor of a published file."""
    lines = [line.split("\t") for line in (DATA / f"checkpoint_{part}.tsv").read_text(encoding="utf-8").splitlines()]
    return {
        line[0].removeprefix("model."): tuple(int(n) for n in re.split("[,x]", line[1].strip("[]")) if n.strip())
        for line in lines
        if not line[0].startswith("#") and not line[0].endswith("num_batches_tracked")
    }


def without_decoder(tensors):
    return {key: value for key, value in tensors.items() if not key.startswith("decoder.")}


def floating_shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in module.state_dict().items() if value.is_floating_point()}


def test_sinc_resampling_equals_the_official_resampler(parity):
    golden = parity("s2m_audio_frontend")
    golden.assert_close(resample_sinc(golden.tensor("in/wav22k"), 22_050, 16_000), "out/wav16k", part="wav16k")
    for rate, name in ((22_050, "22050"), (16_000, "16k")):
        resampled = resample_sinc(golden.tensor("in/wav48k"), 48_000, rate)
        golden.assert_close(resampled, f"out/wav48k_to_{name}", part="wav16k")


def test_soxr_resampling_equals_the_official_first_step(parity):
    golden = parity("s2m_audio_frontend")
    golden.assert_close(
        resample_soxr(golden.tensor("in/wav48k"), 48_000, 22_050), "out/wav48k_to_22050_soxr_hq", **SOXR_TOLERANCE
    )
    golden.assert_close(
        resample_soxr(golden.tensor("in/wav22k"), 22_050, 16_000), "out/wav22k_to_16k_soxr_hq", **SOXR_TOLERANCE
    )


def test_style_filterbank_equals_the_kaldi_filterbank(parity):
    golden = parity("s2m_audio_frontend")
    waveform = golden.tensor("out/wav16k")
    golden.assert_close(kaldi_fbank(waveform)[0], "out/fbank", part="fbank")
    golden.assert_close(style_features(waveform)[0], "out/fbank_centered", part="fbank")


@pytest.mark.parametrize(("waveform", "prefix"), [("out/wav16k", "seamless"), ("in/wav16k_cut", "seamless_cut")])
def test_semantic_input_equals_the_official_extractor_for_even_and_odd_frame_counts(parity, waveform, prefix):
    golden = parity("s2m_audio_frontend")
    features, mask = semantic_input(golden.tensor(waveform), SemanticEncoderConfig())
    golden.assert_close(features, f"out/{prefix}_input_features", part="seamless")
    assert torch.equal(mask.int(), golden.tensor(f"out/{prefix}_attention_mask"))


def test_semantic_encoder_equals_the_official_tapped_layer(parity):
    golden = parity("s2m_w2vbert")
    sizes = golden.meta["config"]
    encoder = SemanticEncoder(
        SemanticEncoderConfig(
            dim=sizes["hidden_size"], heads=sizes["num_attention_heads"], feed_forward=sizes["intermediate_size"]
        )
    ).eval()
    live = {key: value for key, value in golden.params().items() if key != "masked_spec_embed"}
    encoder.load_state_dict(live, strict=True)
    mean, std = golden.tensor("in/stats_mean"), golden.tensor("in/stats_var").sqrt()
    with torch.no_grad():
        for index in range(2):
            mask = golden.tensor(f"in/attention_mask{index}").bool()
            hidden = encoder(golden.tensor(f"in/input_features{index}"), mask)
            golden.assert_close(hidden, f"out/hidden17_{index}")
            golden.assert_close((hidden - mean) / std, f"out/feat{index}")


def test_codec_equals_the_official_codec(parity):
    golden = parity("s2m_semantic_codec")
    sizes = golden.meta["config"]
    codec = SemanticCodec(
        CodecConfig(
            codebook_size=sizes["codebook_size"],
            codebook_dim=sizes["codebook_dim"],
            dim=sizes["hidden_size"],
            width=sizes["vocos_dim"],
            intermediate=sizes["vocos_intermediate_dim"],
            layers=sizes["vocos_num_layers"],
        )
    ).eval()
    codec.load_state_dict(without_decoder(folded_weights(golden.params())), strict=True)
    with torch.no_grad():
        for index in range(2):
            features = golden.tensor(f"in/x{index}")
            tokens, quantized = codec.quantize(features)
            golden.assert_close(codec.encode(features), f"out/encoder{index}")
            assert torch.equal(tokens, golden.tensor(f"out/codes{index}"))
            golden.assert_close(quantized, f"out/quantized{index}")
        golden.assert_close(codec.embed(golden.tensor("in/codes")).transpose(1, 2), "out/vq2emb")


def test_style_encoder_equals_the_official_one(parity):
    golden = parity("s2m_campplus")
    sizes = golden.meta["config"]
    encoder = StyleEncoder(
        StyleEncoderConfig(growth=sizes["growth_rate"], bottleneck=sizes["bn_size"], channels=sizes["init_channels"])
    ).eval()
    encoder.load_state_dict(golden.params(), strict=True)
    with torch.no_grad():
        for index in range(3):
            golden.assert_close(encoder(golden.tensor(f"in/feat{index}")), f"out/style{index}")


def test_full_size_style_encoder_equals_the_official_one(parity):
    golden = parity("s2m_full_campplus")
    encoder = StyleEncoder(StyleEncoderConfig()).eval()
    filled = {key: golden.fill("campplus", key, shape) for key, shape in listed_tensors("campplus").items()}
    missing, unexpected = encoder.load_state_dict(filled, strict=False)
    assert not unexpected and all(key.endswith("num_batches_tracked") for key in missing)
    wanted = golden.tensor("out/style")
    relative = golden.meta["tol"]["atol_relative_to_max"] * float(wanted.abs().max())
    with torch.no_grad():
        golden.assert_close(
            encoder(golden.tensor("in/feat")), "out/style", rtol=golden.meta["tol"]["rtol"], atol=relative
        )


def test_full_size_codec_equals_the_official_one(parity):
    golden = parity("s2m_full_semantic_codec")
    codec = SemanticCodec(CodecConfig()).eval()
    filled = {
        key: golden.fill("semantic_codec", key, shape)
        for key, shape in without_decoder(listed_tensors("semantic_codec")).items()
    }
    codec.load_state_dict(folded_weights(filled), strict=True)
    with torch.no_grad():
        features = golden.tensor("in/x")
        golden.assert_close(codec.encode(features), "out/encoder")
        tokens, quantized = codec.quantize(features)
        clear = golden.tensor("out/margin") > 1e-4  # closer calls may fall either way
        assert torch.equal(tokens[clear], golden.tensor("out/codes")[clear])
        torch.testing.assert_close(quantized[clear], golden.tensor("out/quantized")[clear], **golden.tolerance)
        golden.assert_close(codec.embed(golden.tensor("in/codes")).transpose(1, 2), "out/vq2emb")


def test_encoders_have_exactly_the_live_keys_of_the_published_files():
    with torch.device("meta"):
        style, codec = StyleEncoder(StyleEncoderConfig()), SemanticCodec(CodecConfig())
        semantic = SemanticEncoder(SemanticEncoderConfig())
    assert floating_shapes(style) == listed_tensors("campplus")
    published = {key: torch.empty(shape, device="meta") for key, shape in listed_tensors("semantic_codec").items()}
    folded = without_decoder(folded_weights(published))
    assert floating_shapes(codec) == {key: tuple(value.shape) for key, value in folded.items()}
    tapped = SemanticEncoderConfig().layers
    live = {
        key: shape
        for key, shape in listed_tensors("w2vbert").items()
        if key != "masked_spec_embed" and not (key.startswith("encoder.layers.") and int(key.split(".")[2]) >= tapped)
    }
    assert floating_shapes(semantic) == live
