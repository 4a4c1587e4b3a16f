"""config.yaml of the official schema, with our extensions, to Config and back."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from indextts2.config import Config, DurationConfig, EmotionBankConfig, MelConfig
from indextts2.errors import CheckpointError, ConfigError
from indextts2.loading.config_file import dump_config, parse_config, read_config, write_config
from indextts2.training.mini import MINI

RELEASED = Path(__file__).parent.parent / "parity" / "data" / "official_config.yaml"


def changed(old: str, new: str) -> str:
    text = RELEASED.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new, 1)


def test_the_released_file_equals_our_defaults(tmp_path):
    shutil.copy(RELEASED, tmp_path / "config.yaml")  # alone: files beside it tell the generation
    file = read_config(tmp_path / "config.yaml")
    assert file.config == Config()
    assert file.file_names["gpt_checkpoint"] == "gpt.pth"


@pytest.mark.parametrize("config", [Config(), MINI], ids=["released", "mini"])
def test_writing_and_reading_give_the_same_configuration(config, tmp_path):
    write_config(tmp_path / "config.yaml", config, {"format": "native", "licence": "CC0-1.0"})
    file = read_config(tmp_path / "config.yaml")
    assert file.config == config
    assert file.metadata == {"format": "native", "licence": "CC0-1.0"}


def test_every_field_survives_writing():
    """Each leaf differs from the default in turn, as far as the sections allow it."""
    mel = MelConfig(low_hz=20.0, high_hz=8000.0, floor=2e-5, magnitude_epsilon=1e-8)
    t2s = dataclasses.replace(MINI.t2s, duration=DurationConfig(trained=False, slot="both", free="row0"))
    bank = EmotionBankConfig(group_sizes=(1, 1, 1, 1, 1, 1, 1, 2))
    config = dataclasses.replace(MINI, mel=mel, t2s=t2s, emotion_bank=bank, version="3.1")
    assert parse_config(dump_config(config, {})).config == config


def test_an_unknown_key_is_named_with_the_nearest_known_one():
    with pytest.raises(ConfigError, match=r"'gpt\.headz'.*'gpt\.heads'"):
        parse_config(changed("    heads: 20", "    headz: 20"))


def test_an_error_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(changed("    heads: 20", "    heads: 20\n    head: 1"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.yaml: Unknown key 'gpt\.head'"):
        read_config(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('dit_type: "DiT"', 'dit_type: "UNet"'),
        ("is_causal: false", "is_causal: true"),
        ("f0_condition: false", "f0_condition: true"),
        ('reg_loss_type: "l1"', 'reg_loss_type: "l3"'),
        ('condition_type: "conformer_perceiver"', 'condition_type: "gst"'),
        ("sampling_ratios: [1, 1, 1, 1]", "sampling_ratios: [1, 2, 1, 1]"),
        ('type: "bigvgan"', 'type: "hifigan"'),
        ("input_layer: \"conv2d2\"", "input_layer: \"linear\""),
    ],
)  # fmt: skip
def test_a_value_of_another_model_is_refused(old, new):
    key = old.partition(":")[0]
    with pytest.raises(ConfigError, match=key):
        parse_config(changed(old, new))


def test_l2_is_as_good_as_l1_since_it_matters_in_training_only():
    assert parse_config(changed('reg_loss_type: "l1"', 'reg_loss_type: "l2"')).config == Config()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("model_dim: 1280", "model_dim: 1281", "20 heads do not divide"),
        ("layers: 24", "layers: -1", "t2s.layers"),
        ("layers: 24", "layers: 24.5", "whole number"),
        ("layers: 24", "layers: true", "whole number"),
        ("layers: 24", "layers: 99999999999", "t2s.layers"),
        ("hop_length: 256\n            n_mels", "hop_length: 300\n            n_mels", "mel.hop"),
        ("codebook_size: 8192", "codebook_size: 4096", "start_semantic"),
        ("in_channels: 80", "in_channels: 100", "flow.bands"),
        ("emo_num: [3, 17,", "emo_num: [20,", "emotions"),
        ("emo_num: [3, 17,", "emo_num: [0, 20,", "group_sizes"),
        ("stop_mel_token: 8193", "stop_mel_token: 8194", "stop before the number"),
        ("perceiver_mult: 2", "perceiver_mult: .nan", "finite"),
        ("version: 2.0", "version: [2, 0]", "version"),
    ],
)
def test_an_impossible_value_is_refused(old, new, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_config(changed(old, new))


def test_a_missing_key_is_named():
    with pytest.raises(ConfigError, match=r"gpt\.model_dim"):
        parse_config(changed("    model_dim: 1280\n", ""))


def test_a_key_given_twice_is_refused():
    with pytest.raises(ConfigError, match="'heads' is given twice"):
        parse_config(changed("    heads: 20", "    heads: 20\n    heads: 16"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "keys and values"),
        ("- 1\n- 2\n", "keys and values"),
        ("a: [1, 2", "not YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "tag"),
        ("a: &x {b: 1}\nc: *x\n", "Unknown key"),
        ("1: 2\n", "words"),
        ("checkpoint: 3\n", "'checkpoint'"),
    ],
)
def test_what_is_no_configuration_is_refused(text, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_config(text)


def test_a_number_may_be_written_with_an_exponent_and_no_dot():
    text = dump_config(MINI, {}).replace("floor: 1.0e-05", "floor: 1e-5")
    assert parse_config(text).config.mel.floor == 1e-5


def test_no_file_and_no_text_are_told_apart(tmp_path):
    with pytest.raises(CheckpointError, match="no config.yaml"):
        read_config(tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00gpt")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_config(tmp_path / "config.yaml")


def test_sections_that_disagree_cannot_be_written():
    config = dataclasses.replace(MINI, s2m=dataclasses.replace(MINI.s2m, latent_dim=64))
    with pytest.raises(ConfigError, match=r"s2m\.latent_dim.*equal"):
        dump_config(config, {})


def test_paths_of_the_machine_that_wrote_a_file_are_ignored():
    file = parse_config(changed("gpt_checkpoint: gpt.pth", r"gpt_checkpoint: /data/run/gpt.pth"))
    assert file.file_names["gpt_checkpoint"] == "gpt.pth"
    file = parse_config(changed("gpt_checkpoint: gpt.pth", r"gpt_checkpoint: 'C:\run\gpt.pth'"))
    assert file.file_names["gpt_checkpoint"] == "gpt.pth"
