"""Tiny random encoders: masks, batching, quantisation."""

from __future__ import annotations

import pytest
import torch

from indextts2.config import CodecConfig, SemanticEncoderConfig, StyleEncoderConfig
from indextts2.errors import InputError
from indextts2.models.codec import CodecDecoder, SemanticCodec
from indextts2.models.semantic_encoder import SemanticEncoder
from indextts2.models.style_encoder import StyleEncoder, segment_average
from indextts2.training.mini import MINI

SEMANTIC = SemanticEncoderConfig(
    dim=24, layers=2, heads=2, feed_forward=32, conv_kernel=7, left_positions=8, right_positions=4, stride=4
)
CODEC = CodecConfig(codebook_size=32, codebook_dim=4, dim=24, width=16, intermediate=24, layers=2)
STYLE = StyleEncoderConfig(
    dim=12, growth=4, bottleneck=2, channels=16, head_channels=4, block_layers=(2, 2), dilations=(1, 2)
)


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def codec() -> SemanticCodec:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return SemanticCodec(CODEC).eval()


@torch.no_grad()
def test_masked_tokens_do_not_change_the_others():
    encoder = SemanticEncoder(SEMANTIC).eval()
    features = randn(1, 20, SEMANTIC.input_dim)
    mask = torch.arange(20)[None] < 15
    first = encoder(features, mask)
    changed = features.clone()
    changed[:, 15:] = 9.0
    torch.testing.assert_close(encoder(changed, mask)[:, :15], first[:, :15])
    assert (encoder(features) - first)[:, :15].abs().max() > 1e-4


def published_encoder(config: SemanticEncoderConfig) -> torch.nn.Module:
    """The same layers in transformers, without random training aids."""
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    settings = Wav2Vec2BertConfig(
        hidden_size=config.dim,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward,
        feature_projection_input_dim=config.input_dim,
        conv_depthwise_kernel_size=config.conv_kernel,
        left_max_position_embeddings=config.left_positions,
        right_max_position_embeddings=config.right_positions,
        position_embeddings_type="relative_key",
        mask_time_prob=0.0,
        layerdrop=0.0,
        attn_implementation="eager",  # the other kinds cannot take relative positions in every version
    )
    return Wav2Vec2BertModel(settings).eval()


@torch.no_grad()
@pytest.mark.parametrize("tokens", [1, 7, 40])
@pytest.mark.parametrize("config", [SEMANTIC, MINI.semantic_encoder])
def test_the_encoder_equals_that_of_transformers(config, tokens):
    published = published_encoder(config)
    weights = {key: value for key, value in published.state_dict().items() if key != "masked_spec_embed"}
    encoder = SemanticEncoder(config).eval()
    encoder.load_state_dict(weights, strict=True)
    features = randn(2, tokens, config.input_dim)
    mask = torch.arange(tokens) < torch.tensor([[tokens], [max(1, tokens - 3)]])
    for given in (None, mask):
        wanted = published(features, attention_mask=given).last_hidden_state
        torch.testing.assert_close(encoder(features, given), wanted, rtol=0, atol=1e-6)


@torch.no_grad()
def test_training_begins_with_weights_as_wide_as_those_of_transformers():
    wanted, drawn = published_encoder(SEMANTIC).state_dict(), SemanticEncoder(SEMANTIC).state_dict()
    for key, value in drawn.items():
        if value.numel() >= 100:
            assert 0.8 < float((value.std() + 1e-9) / (wanted[key].std() + 1e-9)) < 1.25, key


@torch.no_grad()
def test_no_mask_equals_a_full_mask():
    encoder = SemanticEncoder(SEMANTIC).eval()
    features = randn(2, 11, SEMANTIC.input_dim)
    torch.testing.assert_close(encoder(features), encoder(features, torch.ones(2, 11, dtype=torch.bool)))


def test_only_the_live_layers_are_built():
    keys = SemanticEncoder(SEMANTIC).state_dict()
    assert "masked_spec_embed" not in keys
    assert {key.split(".")[2] for key in keys if key.startswith("encoder.layers.")} == {"0", "1"}


def test_training_mode_of_the_encoder_is_not_random():
    encoder = SemanticEncoder(SEMANTIC).train()
    features = randn(1, 9, SEMANTIC.input_dim)
    torch.testing.assert_close(encoder(features), encoder(features))


@torch.no_grad()
def test_quantised_features_are_the_embedding_of_the_tokens(codec):
    tokens, quantized = codec.quantize(randn(2, 9, CODEC.dim))
    assert tokens.shape == (2, 9) and tokens.dtype == torch.int64
    torch.testing.assert_close(codec.embed(tokens), quantized)


@torch.no_grad()
def test_the_search_ignores_the_length_of_codebook_rows_but_the_lookup_does_not(codec):
    features = randn(1, 30, CODEC.dim)
    tokens, quantized = codec.quantize(features)
    codec.codebook.codebook.weight.mul_(torch.linspace(0.2, 5.0, CODEC.codebook_size)[:, None])
    again, scaled = codec.quantize(features)
    assert torch.equal(tokens, again)
    assert (scaled - quantized).abs().max() > 0.1


@torch.no_grad()
def test_every_row_of_the_codebook_finds_itself(codec):
    rows = codec.codebook.codebook.weight[None]
    assert torch.equal(codec.codebook.search(3.0 * rows)[0], torch.arange(CODEC.codebook_size))


@pytest.mark.parametrize("token", [-1, CODEC.codebook_size, CODEC.codebook_size + 1])
def test_tokens_outside_the_codebook_are_refused(codec, token):
    with pytest.raises(InputError, match="0..31"):
        codec.embed(torch.tensor([[0, token]]))


def test_no_tokens_embed_to_nothing(codec):
    assert codec.embed(torch.zeros(1, 0, dtype=torch.int64)).shape == (1, 0, CODEC.dim)


def test_the_decoder_mirrors_the_encoder():
    decoder = {k.removeprefix("decoder."): v.shape for k, v in CodecDecoder(CODEC).state_dict().items()}
    encoder = {
        k.removeprefix("encoder."): v.shape
        for k, v in SemanticCodec(CODEC).state_dict().items()
        if k.startswith("encoder.")
    }
    assert decoder == encoder


@torch.no_grad()
def test_style_of_a_batch_equals_the_styles_of_its_rows():
    encoder = StyleEncoder(STYLE).eval()
    fbank = randn(3, 60, 80)
    together = encoder(fbank)
    assert together.shape == (3, STYLE.dim)
    for row in range(3):
        torch.testing.assert_close(encoder(fbank[row : row + 1]), together[row : row + 1], rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("frames", [3, 4, 199, 200, 201, 430])
def test_style_is_finite_for_any_number_of_frames(frames):
    assert torch.isfinite(StyleEncoder(STYLE).eval()(randn(1, frames, 80))).all()


def test_the_last_segment_is_averaged_over_its_true_length():
    averages = segment_average(torch.cat([torch.ones(1, 1, 100), torch.full((1, 1, 30), 4.0)], dim=-1))
    assert averages.shape == (1, 1, 130)
    assert torch.equal(averages[0, 0, [0, 99, 100, 129]], torch.tensor([1.0, 1.0, 4.0, 4.0]))


def test_mini_encoders_have_the_size_they_are_meant_to_have():
    def millions(module: torch.nn.Module) -> float:
        return sum(weight.numel() for weight in module.parameters()) / 1e6

    with torch.device("meta"):
        assert millions(SemanticEncoder(MINI.semantic_encoder)) < 4
        assert millions(SemanticCodec(MINI.codec)) < 1.5
        assert millions(StyleEncoder(MINI.style_encoder)) < 1
