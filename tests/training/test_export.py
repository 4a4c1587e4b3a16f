"""Training runs become a checkpoint that loads, with the averaged weights and fresh fingerprints."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from indextts2.cli.main import main
from indextts2.errors import CheckpointError, TrainingError
from indextts2.loading.checkpoint import load_t2s, load_vocoder, open_checkpoint
from indextts2.loading.config_file import write_config
from indextts2.loading.native import About
from indextts2.stages.handles import EmotionBank
from indextts2.training.emotion.bank import write_bank
from indextts2.training.loop.export import export_checkpoint
from indextts2.training.loop.state import MODULES, export_weights, save_state

ABOUT = About(licence="CC0-1.0", provenance="made in a test")
PARTS = ("semantic_encoder", "codec", "style_encoder", "t2s", "s2m", "vocoder")


@pytest.fixture
def runs(tiny_parts, tmp_path) -> dict[str, Path]:
    """One finished run per part; the vocoder's has a moving average."""
    folders = {}
    for part in PARTS:
        models = {MODULES.get(part, part): tiny_parts[part]}
        if part == "codec":
            models["statistics"] = tiny_parts["statistics"]
        average = {"vocoder": {"conv_pre.bias": torch.full((32,), 7.0)}} if part == "vocoder" else {}
        save_state(tmp_path / "runs" / part, {"models": models, "average": average})
        folders[part] = tmp_path / "runs" / part
    return folders


@pytest.fixture
def bank(tmp_path) -> Path:
    sizes = (1, 1, 1, 1, 1, 1, 1, 3)
    path = tmp_path / "bank.safetensors"
    write_bank(path, EmotionBank(torch.ones(10, 16), torch.ones(10, 32), sizes))
    return path


def test_all_runs_together_make_a_complete_checkpoint(runs, bank, tiny_config, tiny_tokenizer, tmp_path):
    export_checkpoint(tmp_path / "c", runs, ABOUT, config=tiny_config, bank=bank, tokenizer=tiny_tokenizer)
    checkpoint = open_checkpoint(tmp_path / "c")
    assert checkpoint.missing == () and checkpoint.licence == "CC0-1.0"
    loaded = load_t2s(checkpoint).bank
    assert loaded is not None and loaded.group_sizes == (1, 1, 1, 1, 1, 1, 1, 3)


def test_the_moving_average_is_exported_where_there_is_one(runs, tiny_config, tmp_path):
    export_checkpoint(tmp_path / "c", {"vocoder": runs["vocoder"]}, ABOUT, config=tiny_config)
    assert load_vocoder(open_checkpoint(tmp_path / "c")).model.conv_pre.bias.tolist() == [7.0] * 32


def test_replacing_one_part_keeps_the_fingerprints_of_the_others(runs, tiny_checkpoint, tmp_path):
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "c"))
    before = open_checkpoint(folder).fingerprints
    export_checkpoint(folder, {"vocoder": runs["vocoder"]}, ABOUT)
    after = open_checkpoint(folder).fingerprints
    assert after.vocoder != before.vocoder
    assert (after.encoder, after.t2s, after.s2m) == (before.encoder, before.t2s, before.s2m)


def test_replacing_one_part_by_a_named_configuration_keeps_the_rows_of_the_bank(
    runs, bank, tiny_config, tiny_tokenizer, tmp_path
):
    export_checkpoint(tmp_path / "c", runs, ABOUT, config=tiny_config, bank=bank, tokenizer=tiny_tokenizer)
    assert tiny_config.emotion_bank.group_sizes != (1, 1, 1, 1, 1, 1, 1, 3)
    export_checkpoint(tmp_path / "c", {"vocoder": runs["vocoder"]}, ABOUT, config=tiny_config)
    loaded = load_t2s(open_checkpoint(tmp_path / "c")).bank
    assert loaded is not None and loaded.group_sizes == (1, 1, 1, 1, 1, 1, 1, 3)


def test_weights_of_other_sizes_and_unfinished_runs_are_refused(runs, tiny_config, tiny_parts, tmp_path):
    other = {**tiny_parts["vocoder"], "conv_pre.bias": torch.zeros(3)}
    save_state(tmp_path / "other", {"models": {"vocoder": other}, "average": {}})
    with pytest.raises(CheckpointError, match=r"conv_pre\.bias is \(3,\)"):
        export_checkpoint(tmp_path / "c", {"vocoder": tmp_path / "other"}, ABOUT, config=tiny_config)
    with pytest.raises(TrainingError, match="neither a training state"):
        export_checkpoint(tmp_path / "c", {"vocoder": tmp_path / "none"}, ABOUT, config=tiny_config)
    with pytest.raises(TrainingError, match="a configuration is needed"):
        export_checkpoint(tmp_path / "c", {}, ABOUT)
    assert not (tmp_path / "c" / "config.yaml").exists()


def test_a_bank_without_group_sizes_is_refused(tiny_config, tiny_checkpoint, tmp_path):
    with pytest.raises(CheckpointError, match="group sizes"):
        export_checkpoint(
            tmp_path / "c", {}, ABOUT, config=tiny_config, bank=tiny_checkpoint / "emotion_bank.safetensors"
        )


def test_the_command_exports_and_says_what_is_missing(runs, tiny_config, tmp_path, capsys):
    write_config(tmp_path / "sizes.yaml", tiny_config, {})
    given = ["--config", str(tmp_path / "sizes.yaml"), "--licence", "CC0-1.0", "--precision", "fp16"]
    assert main(["export", str(tmp_path / "c"), "--t2s", str(runs["t2s"]), *given]) == 0
    assert "still missing: semantic_encoder" in capsys.readouterr().out
    assert main(["export", str(tmp_path / "c"), "--vocoder", str(runs["vocoder"])]) == 0
    checkpoint = open_checkpoint(tmp_path / "c")
    assert checkpoint.metadata["precision"] == "fp16" and checkpoint.licence == "CC0-1.0"
    assert main(["export", str(tmp_path / "c")]) == 2
    assert "Nothing to export" in capsys.readouterr().err


def test_training_goes_on_from_a_checkpoint_as_from_a_run(runs, tiny_config, tmp_path):
    export_checkpoint(tmp_path / "c", runs, ABOUT, config=tiny_config)
    for part, run in runs.items():
        name = MODULES.get(part, part)
        wanted, found = export_weights(run, name), export_weights(tmp_path / "c", name)
        for key, value in found.items():
            torch.testing.assert_close(value, wanted[key].float(), rtol=1e-3, atol=1e-3)
    assert export_weights(tmp_path / "c", "statistics").keys() == {"mean", "std"}


def test_a_checkpoint_without_the_part_and_a_folder_of_neither_kind_are_refused(runs, tiny_config, tmp_path):
    export_checkpoint(tmp_path / "c", {"t2s": runs["t2s"]}, ABOUT, config=tiny_config)
    with pytest.raises(TrainingError, match="vocoder.safetensors"):
        export_weights(tmp_path / "c", "vocoder")
    with pytest.raises(TrainingError, match="neither a training state nor a checkpoint"):
        export_weights(tmp_path / "empty", "vocoder")
