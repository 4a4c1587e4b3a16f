"""The real released files, as far as INDEXTTS2_OFFICIAL_DIR has them; everything here is skipped without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from indextts2.config import Config
from indextts2.loading.checkpoint import load_encoder, load_front_end, load_speech, load_t2s, open_checkpoint
from indextts2.loading.config_file import read_config

VARIABLE = "INDEXTTS2_OFFICIAL_DIR"
ROWS, STYLE, DIM, FEATURES = 73, 192, 1280, 1024


@pytest.fixture(scope="module")
def folder() -> Path:
    place = os.environ.get(VARIABLE, "")
    if not place:
        pytest.skip(f"{VARIABLE} does not name a folder with the released files")
    return Path(place)


def needs(folder: Path, *parts: str) -> None:
    absent = set(parts) & set(open_checkpoint(folder).missing)
    if absent:
        pytest.skip(f"{folder} lacks {', '.join(sorted(absent))}")


def test_the_released_configuration_is_the_default_one(folder):
    config = read_config(folder / "config.yaml").config
    default = Config()
    assert (config.t2s, config.s2m, config.codec) == (default.t2s, default.s2m, default.codec)
    assert (config.mel, config.emotion_bank, config.text) == (default.mel, default.emotion_bank, default.text)


def test_what_is_missing_is_listed_with_the_command_that_brings_it(folder):
    checkpoint = open_checkpoint(folder)
    assert not {"tokenizer", "emotion_bank", "statistics"} & set(checkpoint.missing)
    if checkpoint.missing:
        from indextts2.errors import CheckpointError

        with pytest.raises(CheckpointError, match="download official --to"):
            checkpoint.require(checkpoint.missing)


def test_the_emotion_bank_has_its_published_shape_and_numbers_that_are_finite(folder):
    bank = open_checkpoint(folder).read("emotion_bank")
    assert bank["style_rows"].shape == (ROWS, STYLE) and bank["emotion_rows"].shape == (ROWS, DIM)
    assert all(bool(torch.isfinite(rows).all()) for rows in bank.values())


def test_the_statistics_have_one_mean_and_one_deviation_per_feature(folder):
    statistics = open_checkpoint(folder).read("statistics")
    assert statistics["mean"].shape == statistics["std"].shape == (FEATURES,)
    assert bool((statistics["std"] > 0).all())


@pytest.mark.parametrize("text", ["Hello, world!", "你好，世界。", "今天 is a good 日子，对吧？"])
def test_the_released_tokenizer_knows_english_and_chinese(folder, text):
    from indextts2.stages.prepare_text import prepare_text

    front_end = load_front_end(open_checkpoint(folder))
    prepared = prepare_text(front_end, text)
    ids = [token for segment in prepared.segments for token in segment.ids]
    assert ids and max(ids) < Config().t2s.text_tokens
    assert not prepared.warnings


def test_the_released_encoder_loads(folder):
    needs(folder, "semantic_encoder", "codec", "style_encoder")
    assert load_encoder(open_checkpoint(folder)).mean.shape == (FEATURES,)


def test_the_released_t2s_loads(folder):
    needs(folder, "t2s")
    models = load_t2s(open_checkpoint(folder))
    assert models.bank is not None and models.model.final_norm.weight.shape == (DIM,)


@pytest.mark.slow
def test_the_released_models_speak(folder):
    from indextts2.bench import noise_recording
    from indextts2.contracts import Duration
    from indextts2.stages.speak import speak

    needs(folder, *open_checkpoint(folder).missing)
    models = load_speech(open_checkpoint(folder))
    speech = speak(models, "Hello, world!", noise_recording(), duration=Duration("seconds", 1.0))
    assert speech.waveform.samples.shape[-1] == 22_050
