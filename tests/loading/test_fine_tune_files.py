"""Where trainers put a model and what they call it: folders of steps, files in pieces, names before the names."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from indextts2.cli.main import main
from indextts2.contracts import Waveform
from indextts2.errors import CheckpointError
from indextts2.loading.checkpoint import load_speech, load_t2s, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe
from indextts2.loading.shards import all_shards_of, shards_of
from indextts2.sampling import SamplingSettings
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings, speak

from ..conftest import TINY, TINY_V25, TINY_VOCABULARY, random_parts
from .official_writer import in_first, write_official, write_official_v25


@pytest.fixture(scope="module")
def parts():
    return random_parts(TINY_V25)


@pytest.fixture(scope="module")
def base(parts, tmp_path_factory) -> Path:
    return write_official_v25(tmp_path_factory.mktemp("base") / "whole", TINY_V25, parts, TINY_VOCABULARY)


@pytest.fixture
def folder(base, tmp_path) -> Path:
    """A folder of a trainer without its weights: configuration, vocabulary, and the base by name."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "config.yaml").write_text((base / "config.yaml").read_text() + f"base: {base}\n")
    shutil.copy(base / TINY_V25.text.tokenizer, mine)
    return mine


@pytest.fixture
def tensors(parts):
    """What the trainer made, in the layout of the released files."""
    made = in_first(parts["t2s"])
    return {**made, "mel_head.bias": made["mel_head.bias"] + 0.25}


def assert_loads(folder, parts, *, tolerance=1e-5):
    found = load_t2s(open_checkpoint(folder)).model.state_dict()
    for key, value in parts["t2s"].items():
        wanted = value + 0.25 if key == "mel_head.bias" else value
        torch.testing.assert_close(found[key], wanted, rtol=tolerance, atol=tolerance)


def before(prefix):
    return lambda tensors: {prefix + key: value for key, value in tensors.items()}


CONTENTS = {
    "lightning": lambda tensors: {"state_dict": before("model.")(tensors), "pytorch-lightning_version": "2.0"},
    "attribute gpt": lambda tensors: {"state_dict": before("gpt.")(tensors)},
    "net": lambda tensors: {"net": tensors},
    "weights": lambda tensors: {"weights": tensors, "step": 3},
    "two levels": lambda tensors: {"checkpoint": {"model": tensors}, "config": {"lr": 1e-4}},
    "deepspeed": lambda tensors: {"module": tensors, "ds_version": "0.14"},
    "fsdp": lambda tensors: {"model": before("_fsdp_wrapped_module.")(tensors)},
    "parallel attribute": lambda tensors: {"model": before("module.model.")(tensors)},
    "extras": lambda tensors: {"model": {**tensors, "criterion.weight": torch.ones(3)}, "ema": {"decay": 0.9}},
    "averages beside": lambda tensors: {
        **before("model.")(tensors),
        **{f"ema_model.{key}": value + 1 for key, value in tensors.items()},
    },
    "parameters": lambda tensors: {key: torch.nn.Parameter(value) for key, value in tensors.items()},
    "float64": lambda tensors: {key: value.double() for key, value in tensors.items()},
}


@pytest.mark.parametrize("content", CONTENTS)
def test_a_model_is_found_behind_whatever_stands_before_its_names(folder, parts, tensors, content):
    torch.save(CONTENTS[content](tensors), folder / "last.ckpt")
    assert_loads(folder, parts)


def test_bfloat16_files_load(folder, parts, tensors):
    torch.save({"model": {key: value.bfloat16() for key, value in tensors.items()}}, folder / "gpt.pth")
    assert_loads(folder, parts, tolerance=2e-2)


def test_several_models_in_one_file_are_named(folder, tensors, caplog):
    torch.save(CONTENTS["averages beside"](tensors), folder / "gpt.pth")
    load_t2s(open_checkpoint(folder))
    assert "holds several models: model., ema_model." in caplog.text


@pytest.mark.parametrize(
    "place",
    [
        "checkpoints/epoch_3/gpt.pth",
        "checkpoint-1200/pytorch_model.bin",
        "GPT.PTH",
        "мой голос v2 (final).ckpt",
        "x.pt",
    ],
)
def test_the_file_may_lie_anywhere_below_and_be_called_anything(folder, parts, tensors, place):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": tensors}, folder / place)
    assert open_checkpoint(folder).files["t2s"] == (folder / place,)
    assert_loads(folder, parts)


def test_the_newest_step_counts_and_other_checkpoints_inside_do_not(folder, parts, tensors):
    import os

    for step, age in ((100, 50), (200, 10)):
        (folder / f"step_{step}").mkdir()
        torch.save({"model": tensors}, folder / f"step_{step}" / "gpt.pth")
        os.utime(folder / f"step_{step}" / "gpt.pth", (1e9 - age, 1e9 - age))
    (folder / "other").mkdir()
    (folder / "other" / "config.yaml").write_text("")
    torch.save({"model": tensors}, folder / "other" / "gpt.pth")
    assert open_checkpoint(folder).files["t2s"] == (folder / "step_200" / "gpt.pth",)


def in_pieces(folder, tensors, suffix):
    keys = list(tensors)
    for number, part in enumerate((keys[::3], keys[1::3], keys[2::3]), start=1):
        path = folder / f"model-{number:05}-of-00003.{suffix}"
        piece = {key: tensors[key].contiguous() for key in part}
        save_file(piece, path) if suffix == "safetensors" else torch.save(piece, path)
    (folder / f"model.{suffix}.index.json").write_text(json.dumps({"weight_map": {}}))


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_a_file_in_pieces_is_one_file(folder, parts, tensors, suffix, tmp_path):
    in_pieces(folder, tensors, suffix)
    checkpoint = open_checkpoint(folder)
    assert [path.name[:11] for path in checkpoint.files["t2s"]] == ["model-00001", "model-00002", "model-00003"]
    assert_loads(folder, parts)
    (told,) = (part for part in describe(checkpoint)["parts"] if part["name"] == "t2s")
    assert told["parameters"] == sum(value.numel() for value in tensors.values())
    assert told["bytes"] == sum(path.stat().st_size for path in folder.glob("model-*"))
    convert(checkpoint, tmp_path / "native")
    assert_loads(tmp_path / "native", parts)


def test_a_piece_that_changes_changes_the_fingerprint(folder, tensors):
    in_pieces(folder, tensors, "safetensors")
    first = open_checkpoint(folder).fingerprints.t2s
    in_pieces(folder, {**tensors, list(tensors)[2]: tensors[list(tensors)[2]] + 1}, "safetensors")
    assert open_checkpoint(folder).fingerprints.t2s != first


def test_a_missing_piece_is_named(folder, tensors):
    in_pieces(folder, tensors, "safetensors")
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model-00002-of-00003.safetensors is missing"):
        load_t2s(open_checkpoint(folder))


def test_a_tensor_in_two_pieces_is_refused(folder, tensors):
    in_pieces(folder, tensors, "bin")
    path, first = folder / "model-00003-of-00003.bin", list(tensors)[0]
    torch.save({**torch.load(path), first: tensors[first]}, path)
    with pytest.raises(CheckpointError, match="for the second time"):
        load_t2s(open_checkpoint(folder))


def test_a_name_that_only_looks_like_a_piece_stands_alone(tmp_path):
    (tmp_path / "a-1-of-2.pth").write_bytes(b"")
    assert shards_of(tmp_path / "a-1-of-2.pth") == all_shards_of(tmp_path / "a-1-of-2.pth")
    assert shards_of(tmp_path / "no-00001-of-00002.pth") == (tmp_path / "no-00001-of-00002.pth",)


def test_a_missing_tokenizer_comes_from_the_base_and_is_told(folder, parts, tensors, capsys):
    torch.save({"model": tensors}, folder / "gpt.pth")
    (folder / TINY_V25.text.tokenizer).unlink()
    assert "tokenizer" in open_checkpoint(folder).from_base
    assert_loads(folder, parts)
    assert main(["info", str(folder)]) == 0
    assert "tokenizer" in capsys.readouterr().out.splitlines()[0].split(" of its own, ")[1]


def test_a_fine_tune_of_another_part_takes_t2s_from_the_base_that_it_names(folder, base, caplog):
    shutil.copy(base / "s2mel.pth", folder)
    checkpoint = open_checkpoint(folder)
    assert "mine lacks" in caplog.text and "t2s" in caplog.text
    assert "t2s" in checkpoint.from_base and "s2m" not in checkpoint.from_base
    assert checkpoint.fingerprints.t2s == open_checkpoint(base).fingerprints.t2s


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "config.yaml").rename(folder / "config.yml"), "Rename config.yml to config.yaml"),
        (lambda folder: (folder / "config.yaml").unlink(), r"weights \(gpt.pth\): put the config.yaml"),
        (lambda folder: [(folder / "inner").mkdir(), (folder / "config.yaml").rename(folder / "inner" / "config.yaml")],
         "a folder inside it that has one: inner"),
    ],
)  # fmt: skip
def test_a_folder_without_a_configuration_says_what_to_do(folder, tensors, change, told):
    torch.save({"model": tensors}, folder / "gpt.pth")
    change(folder)
    with pytest.raises(CheckpointError, match=told):
        open_checkpoint(folder)


# ---- tokenizers -----------------------------------------------------------------------------------------------------


def rewritten(folder, **changes):
    """The configuration of the folder with other values; None takes one away."""
    tree = yaml.safe_load((folder / "config.yaml").read_text())
    for key, value in changes.items():
        section, _, name = key.partition("__")
        tree.setdefault(section, {})[name] = value
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))


@pytest.mark.parametrize("place", ["D:\\train\\{}", "/home/somebody/{}", "../{}", "{}"])
def test_the_tokenizer_is_taken_by_its_name_and_never_from_another_machine(folder, tensors, place):
    torch.save({"model": tensors}, folder / "gpt.pth")
    (folder / TINY_V25.text.tokenizer).rename(folder / "mine.tiktoken")
    rewritten(folder, dataset__bpe_model=place.format("mine.tiktoken"))
    checkpoint = open_checkpoint(folder)
    assert checkpoint.files["tokenizer"] == (folder / "mine.tiktoken",) and "tokenizer" not in checkpoint.from_base
    assert load_t2s(checkpoint).front_end.kind == "multilingual"


def test_the_only_tokenizer_of_a_folder_is_its_own_whatever_it_is_called(tiny_parts, tiny_tokenizer, tmp_path):
    folder = write_official(tmp_path / "mine", TINY, tiny_parts, tiny_tokenizer)
    (folder / TINY.text.tokenizer).rename(folder / "korean_bpe.model")
    assert open_checkpoint(folder).files["tokenizer"] == (folder / "korean_bpe.model",)
    convert(open_checkpoint(folder), tmp_path / "native")
    assert load_t2s(open_checkpoint(tmp_path / "native")).front_end.kind == TINY.text.kind
    (folder / "second.model").write_bytes(b"")
    assert "tokenizer" in open_checkpoint(folder).from_base  # which of the two is meant is not known


def test_an_extended_vocabulary_of_byte_pairs_is_taken_with_its_table(folder, tensors):
    path = folder / TINY_V25.text.tokenizer
    lines = path.read_bytes().splitlines()
    lines += [base64.b64encode(f"zzz{number}".encode()) + f" {len(lines) + number}".encode() for number in range(5)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    table = torch.cat([tensors["text_embedding.weight"], tensors["text_embedding.weight"][:5]])
    torch.save({"model": {**tensors, "text_embedding.weight": table}}, folder / "gpt.pth")
    with pytest.raises(CheckpointError, match="of another shape: text_head"):
        load_t2s(open_checkpoint(folder))
    heads = {key: torch.cat([tensors[key], tensors[key][:5]]) for key in ("text_head.weight", "text_head.bias")}
    torch.save({"model": {**tensors, "text_embedding.weight": table, **heads}}, folder / "gpt.pth")
    checkpoint = open_checkpoint(folder)
    assert checkpoint.config.t2s.text_tokens == TINY_V25.t2s.text_tokens + 5
    assert load_t2s(checkpoint).model.text_embedding.weight.shape[0] == TINY_V25.t2s.text_tokens + 6


def test_the_configuration_may_choose_the_plain_profile_of_byte_pairs(folder, tensors):
    torch.save({"model": tensors}, folder / "gpt.pth")
    rewritten(folder, text__kind="plain")
    front_end = load_t2s(open_checkpoint(folder)).front_end
    assert front_end.pieces("Hola 21", language="es").normalised == "Hola 21"


def test_a_model_that_is_told_languages_speaks_with_a_vocabulary_of_sentencepiece(folder, tensors, tiny_tokenizer):
    torch.save({"model": tensors}, folder / "gpt.pth")
    shutil.copy(tiny_tokenizer, folder / "mine.model")
    rewritten(folder, text__kind="plain", dataset__bpe_model="mine.model")
    checkpoint = open_checkpoint(folder)
    assert checkpoint.files["tokenizer"] == (folder / "mine.model",)
    recording = Waveform(0.3 * torch.randn(1, 1, 16_000, generator=torch.Generator().manual_seed(5)), 16_000)
    settings = SpeakSettings(sampling=SamplingSettings(max_tokens=12), flow=FlowSettings(steps=1))
    spoken = speak(load_speech(checkpoint), "hello", recording, settings=settings, language="vi")
    assert spoken.waveform.samples.shape[-1] > 0


# ---- what is missing ------------------------------------------------------------------------------------------------


def test_every_missing_file_is_named_in_one_line_and_none_that_is_there(base, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no_cache"))
    folder = tmp_path / "far" / "IndexTTS-2.5"
    folder.mkdir(parents=True)
    for name in ("config.yaml", "feat1.pt", "wav2vec2bert_stats.pt", TINY_V25.text.tokenizer):
        shutil.copy(base / name, folder)
    assert main(["info", str(folder)]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("missing: "))
    assert line == (
        "missing: semantic_encoder (hf_cache/w2v-bert-2.0/model.safetensors), codec (codec.pth), "
        "style_encoder (hf_cache/campplus_cn_common.bin), t2s (gpt.pth), emotion_bank (feat2.pt), s2m (s2mel.pth), "
        "vocoder (hf_cache/bigvgan/bigvgan_generator.pt)"
    )
