"""The vocoder equals the official generator, given the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from indextts2.audio.mel import log_mel, mel_filterbank
from indextts2.config import MelConfig, VocoderConfig
from indextts2.models.vocoder import Vocoder
from tests.models.folded import folded_weights

LISTING = Path(__file__).parent / "data" / "checkpoint_bigvgan.tsv"


def listed_tensors() -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of the published generator, weight norm included."""
    lines = [line.split("\t") for line in LISTING.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {
        key.removeprefix("generator."): tuple(int(n) for n in shape.strip("[]").split(",") if n.strip())
        for key, shape, _ in lines
    }


def test_output_equals_the_official_generator(parity):
    golden = parity("s2m_bigvgan")
    vocoder = Vocoder(VocoderConfig(initial_channels=golden.meta["config"]["upsample_initial_channel"])).eval()
    vocoder.load_state_dict(folded_weights(golden.params()), strict=True)
    with torch.no_grad():
        for index in range(2):
            golden.assert_close(vocoder(golden.tensor(f"in/mel{index}")), f"out/wav{index}")


def test_mel_equals_the_official_mel(parity):
    golden = parity("s2m_audio_frontend")
    golden.assert_close(log_mel(golden.tensor("in/wav22k"), MelConfig()), "out/mel", part="mel")


def test_filterbank_equals_the_official_filterbank(parity):
    golden = parity("s2m_audio_frontend")
    golden.assert_close(mel_filterbank(MelConfig()), "out/mel_basis", part="mel", atol=1e-7)


def test_folded_state_dict_has_exactly_the_published_keys_and_shapes():
    with torch.device("meta"):
        vocoder = Vocoder(VocoderConfig())
    published = {key: torch.empty(shape, device="meta") for key, shape in listed_tensors().items()}
    folded = {key: tuple(value.shape) for key, value in folded_weights(published).items()}
    assert {key: tuple(value.shape) for key, value in vocoder.state_dict().items()} == folded


def test_full_size_generator_equals_the_official_one(parity):
    golden = parity("s2m_full_bigvgan")
    vocoder = Vocoder(VocoderConfig()).eval()
    filled = {
        key: golden.fill("bigvgan", key, shape)
        for key, shape in listed_tensors().items()
        if not key.endswith(".filter")
    }
    missing = vocoder.load_state_dict(folded_weights(filled), strict=False)
    assert not missing.unexpected_keys and all(key.endswith(".filter") for key in missing.missing_keys)
    with torch.no_grad():
        golden.assert_close(vocoder(golden.tensor("in/mel")), "out/wav")


def test_pypi_bigvgan_gives_the_same_waveform_for_random_weights():
    bigvgan = pytest.importorskip("bigvgan.bigvgan", reason="the PyPI package bigvgan is not installed")
    from bigvgan.env import AttrDict

    config = VocoderConfig(
        bands=12,
        initial_channels=16,
        upsample_rates=(4, 2),
        upsample_kernels=(8, 4),
        residual_kernels=(3,),
        residual_dilations=((1, 3, 5),),
    )
    oracle = bigvgan.BigVGAN(
        AttrDict(
            resblock="1",
            num_mels=config.bands,
            upsample_rates=list(config.upsample_rates),
            upsample_kernel_sizes=list(config.upsample_kernels),
            upsample_initial_channel=config.initial_channels,
            resblock_kernel_sizes=list(config.residual_kernels),
            resblock_dilation_sizes=[list(row) for row in config.residual_dilations],
            activation="snakebeta",
            snake_logscale=True,
            use_tanh_at_final=False,
            use_bias_at_final=False,
        )
    ).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in oracle.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    vocoder = Vocoder(config).eval()
    vocoder.load_state_dict(folded_weights(oracle.state_dict()), strict=True)
    mel = torch.randn(2, config.bands, 11, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(vocoder(mel), oracle(mel), rtol=1e-4, atol=1e-5)
