"""Filterbanks, resampling and audio files."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from indextts2.audio.fbank import frame_count, kaldi_fbank, semantic_input, style_features
from indextts2.audio.io import read_audio, write_wav
from indextts2.audio.resample import resample_sinc, resample_soxr
from indextts2.config import FbankConfig, SemanticEncoderConfig
from indextts2.contracts import Waveform
from indextts2.errors import AudioError


def noise(samples: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(seed))


def tone(hertz: float, rate: int, seconds: float) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz * torch.arange(int(rate * seconds)) / rate)[None]


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("samples", [16_000, 16_160, 16_320, 16_500])
def test_semantic_input_equals_the_extractor_of_transformers_at_any_stride(stride, samples):
    from transformers import SeamlessM4TFeatureExtractor

    waveform = noise(samples)
    features, mask = semantic_input(waveform, SemanticEncoderConfig(stride=stride))
    if stride == 1:  # the extractor's mask rule needs two frames per stack
        assert mask.all() and features.shape == (1, frame_count(samples), 80)
        return
    extractor = SeamlessM4TFeatureExtractor(stride=stride)
    wanted = extractor(waveform[0].numpy(), sampling_rate=16_000, pad_to_multiple_of=stride, return_tensors="pt")
    torch.testing.assert_close(features, wanted["input_features"], rtol=1e-3, atol=2e-3)
    assert torch.equal(mask.int(), wanted["attention_mask"].int())


def test_semantic_input_does_not_depend_on_the_level():
    quiet, _ = semantic_input(noise(8_000), SemanticEncoderConfig())
    loud, _ = semantic_input(4 * noise(8_000), SemanticEncoderConfig())
    torch.testing.assert_close(quiet, loud, rtol=1e-3, atol=1e-3)


def test_rows_of_a_batch_do_not_see_each_other():
    both, _ = semantic_input(torch.cat([noise(8_000, 1), noise(8_000, 2)]), SemanticEncoderConfig())
    alone, _ = semantic_input(noise(8_000, 2), SemanticEncoderConfig())
    torch.testing.assert_close(both[1:], alone)


def test_a_tone_lands_in_the_band_around_its_frequency():
    config = FbankConfig()
    loudest = int(kaldi_fbank(tone(1000, 16_000, 0.5)).mean(dim=1).argmax())
    low, high = (1127 * math.log1p(hertz / 700) for hertz in (config.low_hz, config.high_hz))
    centre = low + (loudest + 1) * (high - low) / (config.bands + 1)
    assert abs(700 * math.expm1(centre / 1127) - 1000) < 40


def test_style_features_have_mean_zero_in_every_band():
    assert style_features(noise(8_000)).mean(dim=1).abs().max() < 1e-4


@pytest.mark.parametrize("samples", [0, 1, 399])
def test_less_than_one_frame_is_an_audio_error(samples):
    with pytest.raises(AudioError, match="400 samples"):
        kaldi_fbank(torch.zeros(1, samples))


def test_one_frame_is_too_little_for_the_semantic_encoder():
    with pytest.raises(AudioError, match="two frames"):
        semantic_input(noise(400), SemanticEncoderConfig())


@pytest.mark.parametrize("samples", [1, 2_000, 10_007])
@pytest.mark.parametrize(("source", "target"), [(48_000, 22_050), (44_100, 16_000), (8_000, 22_050), (22_051, 22_050)])
def test_soxr_resampling_equals_that_of_librosa(source, target, samples):
    import librosa

    waveform = torch.cat([noise(samples, 1), noise(samples, 2)])
    wanted = librosa.resample(waveform.numpy(), orig_sr=source, target_sr=target, res_type="soxr_hq")
    torch.testing.assert_close(resample_soxr(waveform, source, target), torch.from_numpy(wanted), rtol=0, atol=1e-6)


@pytest.mark.parametrize("resample", [resample_sinc, resample_soxr])
@pytest.mark.parametrize(("source", "target"), [(22_050, 16_000), (48_000, 22_050), (8_000, 16_000)])
def test_resampling_keeps_a_tone_and_the_length_in_seconds(resample, source, target):
    resampled = resample(tone(440, source, 0.5), source, target)
    assert resampled.shape[1] == math.ceil(int(source * 0.5) * target / source)
    middle = slice(target // 10, target // 3)
    torch.testing.assert_close(resampled[:, middle], tone(440, target, 0.5)[:, middle], rtol=0, atol=5e-3)


@pytest.mark.parametrize("resample", [resample_sinc, resample_soxr])
def test_equal_rates_return_the_same_samples(resample):
    waveform = noise(1000)
    assert resample(waveform, 16_000, 16_000) is waveform


def test_sinc_resampling_removes_what_the_target_cannot_hold():
    assert resample_sinc(tone(10_000, 22_050, 0.5), 22_050, 16_000)[:, 1000:7000].abs().max() < 0.02


def test_a_written_file_reads_back_within_half_a_step(tmp_path):
    samples = noise(4_000).repeat(2, 1)[None]
    write_wav(tmp_path / "stereo.wav", Waveform(samples, 22_050))
    found = read_audio(tmp_path / "stereo.wav")
    assert found.sample_rate == 22_050 and found.samples.shape == (1, 2, 4_000)
    assert (found.samples - samples).abs().max() <= 1 / 32_767


def test_writing_clips_instead_of_wrapping_around(tmp_path):
    write_wav(tmp_path / "loud.wav", Waveform(torch.full((1, 1, 100), 1.7), 8_000))
    assert read_audio(tmp_path / "loud.wav").samples.min() > 0.99


def test_a_batch_does_not_fit_into_one_file(tmp_path):
    with pytest.raises(AudioError, match="batch of 2"):
        write_wav(tmp_path / "two.wav", Waveform(torch.zeros(2, 1, 100), 8_000))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AudioError, match="nothing.wav"):
        read_audio(tmp_path / "nothing.wav")


def test_a_file_that_is_not_audio_is_refused(tmp_path):
    (tmp_path / "text.wav").write_text("hello")
    with pytest.raises(AudioError, match="cannot be read"):
        read_audio(tmp_path / "text.wav")


def test_a_file_without_samples_is_refused(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 8_000)
    with pytest.raises(AudioError, match="no samples"):
        read_audio(tmp_path / "empty.wav")


def test_an_unwritable_place_is_an_audio_error(tmp_path):
    with pytest.raises(AudioError, match="cannot be written"):
        write_wav(tmp_path / "no" / "folder.wav", Waveform(torch.zeros(1, 1, 10), 8_000))
