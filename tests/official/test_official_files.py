"""The real released files, as far as INDEXTTS2_OFFICIAL_DIR has them; everything here is skipped without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sentencepiece
import torch

from indextts2.config import EMOTIONS, Config
from indextts2.loading.checkpoint import load_encoder, load_front_end, load_speech, load_t2s, open_checkpoint
from indextts2.loading.config_file import read_config
from indextts2.stages.emotion.bank import SELECTIONS, choose_rows, row_indices
from indextts2.stages.handles import EmotionBank

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


@pytest.mark.parametrize(
    ("text", "pieces", "first"),
    [
        ("Hello, world!", "▁HELLO , ▁WORLD !", 11122),
        ("The door was open.", "▁THE ▁DOOR ▁WAS ▁OPEN .", 10204),
        ("你好，世界。", "▁ 你 ▁ 好 ▁, ▁ 世 ▁ 界 ▁.", 10201),
        ("今天 is a good 日子，对吧？", "▁ 今 ▁ 天 ▁IS ▁A ▁GOOD ▁ 日 ▁ 子 ▁, ▁ 对 ▁ 吧 ▁?", 10201),
    ],
)
def test_the_released_tokenizer_cuts_english_and_chinese_as_expected(folder, text, pieces, first):
    from indextts2.stages.prepare_text import prepare_text

    checkpoint = open_checkpoint(folder)
    prepared = prepare_text(load_front_end(checkpoint), text)
    (segment,) = prepared.segments
    processor = sentencepiece.SentencePieceProcessor(model_file=str(checkpoint.files["tokenizer"][0]))
    assert processor.get_piece_size() == Config().t2s.text_tokens
    assert [processor.id_to_piece(token) for token in segment.ids] == pieces.split()
    assert segment.ids[0] == first and not prepared.warnings


def test_the_released_bank_gives_a_row_of_every_emotion(folder):
    checkpoint = open_checkpoint(folder)
    rows = checkpoint.read("emotion_bank")
    bank = EmotionBank(rows["style_rows"], rows["emotion_rows"], checkpoint.config.emotion_bank.group_sizes)
    style = bank.style_rows[20:21]  # the first row of the sad ones: three are happy, seventeen angry
    assert row_indices(bank, style, selection="nearest")[2] == 0
    for selection in SELECTIONS:
        assert choose_rows(bank, style, selection=selection, seed=1).shape == (len(EMOTIONS), DIM)


def test_the_released_encoder_loads(folder):
    needs(folder, "semantic_encoder", "codec", "style_encoder")
    assert load_encoder(open_checkpoint(folder)).mean.shape == (FEATURES,)


def test_the_released_t2s_loads(folder):
    needs(folder, "t2s")
    models = load_t2s(open_checkpoint(folder))
    assert models.bank is not None and models.model.final_norm.weight.shape == (DIM,)


@pytest.mark.slow
def test_the_released_models_speak(folder):
    from indextts2.bench.stages import noise_recording
    from indextts2.contracts import Duration
    from indextts2.stages.speak import speak

    needs(folder, *open_checkpoint(folder).missing)
    models = load_speech(open_checkpoint(folder))
    speech = speak(models, "Hello, world!", noise_recording(), duration=Duration("seconds", 1.0))
    assert speech.waveform.samples.shape[-1] == 22_050
