"""What trainers leave on a disk loads, converts and speaks, or is refused with a sentence that says what is wrong."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from indextts2.cli.main import main
from indextts2.contracts import Waveform
from indextts2.errors import CheckpointError
from indextts2.loading.checkpoint import load_speech, load_t2s, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.sampling import SamplingSettings
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings, speak

from ..conftest import TINY, TINY_V25, TINY_VOCABULARY, random_parts
from .official_writer import in_first, write_official, write_official_v25

QUICK = SpeakSettings(sampling=SamplingSettings(max_tokens=12), flow=FlowSettings(steps=1))
RANK = 2
GENERATOR = torch.Generator().manual_seed(11)


@pytest.fixture(scope="module")
def parts_of(tiny_parts):
    return {"2.0": tiny_parts, "2.5": random_parts(TINY_V25)}


@pytest.fixture
def written(parts_of, tiny_tokenizer, tmp_path):
    """written(kind, t2s): a whole official folder whose gpt.pth is what `t2s` makes of the right tensors."""

    def write(kind, content=None, name="gpt.pth"):
        folder = tmp_path / kind
        if kind == "2.0":
            write_official(folder, TINY, parts_of[kind], tiny_tokenizer)
        else:
            write_official_v25(folder, TINY_V25, parts_of[kind], TINY_VOCABULARY)
        if content is not None:
            (folder / "gpt.pth").unlink()
            torch.save(content(in_first(parts_of[kind]["t2s"])), folder / name)
        return folder

    return write


def recording():
    return Waveform(0.3 * torch.randn(1, 1, 16_000, generator=torch.Generator().manual_seed(5)), 16_000)


def assert_speaks(folder: Path) -> None:
    spoken = speak(load_speech(open_checkpoint(folder)), "The river runs.", recording(), settings=QUICK)
    assert spoken.waveform.samples.shape[-1] > 0


def assert_same_t2s(folder: Path, tensors) -> None:
    found = load_t2s(open_checkpoint(folder)).model.state_dict()
    assert found.keys() == tensors.keys()
    for key, value in tensors.items():
        torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-5)


def trainer_file(tensors):
    """What a training loop saves beside its model."""
    return {
        "model": tensors,
        "optimizer": {"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{}]},
        "scheduler": {"last_epoch": 3, "_last_lr": [1e-4]},
        "scaler": {"scale": 65536.0},
        "epoch": 3,
        "step": 1200,
        "loss": np.float64(2.5),
        "best": np.array([1.0, 2.0]),
        "args": argparse.Namespace(lr=1e-4, path="/home/somebody/data"),
    }


def wrapped(prefix):
    return lambda tensors: {prefix + key: value for key, value in tensors.items()}


FORMS = {
    "trainer": trainer_file,
    "module": wrapped("module."),
    "compiled": wrapped("_orig_mod."),
    "compiled and parallel": wrapped("module._orig_mod."),
    "peft": wrapped("base_model.model."),
    "half precision": lambda tensors: {key: value.half() for key, value in tensors.items()},
    "dead copies": lambda tensors: {
        **tensors,
        "inference_model.transformer.h.0.ln_1.weight": torch.ones(32),
        "gpt.wte.weight": torch.ones(42, 32),
    },
    "state_dict": lambda tensors: {"state_dict": tensors, "pytorch-lightning_version": "2.0"},
}


@pytest.mark.parametrize("kind", ["2.0", "2.5"])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_a_trainer_loads_as_the_model_in_it(written, parts_of, kind, form):
    folder = written(kind, FORMS[form])
    tolerance = parts_of[kind]["t2s"]
    if form == "half precision":
        tolerance = {key: value.half().float() for key, value in tolerance.items()}
    assert_same_t2s(folder, tolerance)


@pytest.mark.parametrize("kind", ["2.0", "2.5"])
def test_a_file_of_a_trainer_converts_and_speaks_whatever_it_is_called(written, parts_of, tmp_path, kind):
    folder = written(kind, trainer_file, name="epoch3_step1200.pth")
    assert open_checkpoint(folder).files["t2s"][0].name == "epoch3_step1200.pth"
    assert_same_t2s(folder, parts_of[kind]["t2s"])
    convert(open_checkpoint(folder), tmp_path / "native")
    assert_same_t2s(tmp_path / "native", parts_of[kind]["t2s"])
    assert_speaks(tmp_path / "native")


def test_the_name_in_the_configuration_is_honoured_and_its_folder_is_not(written, parts_of):
    folder = written("2.0", trainer_file, name="mine.pth")
    config = folder / "config.yaml"
    config.write_text(config.read_text() + "gpt_checkpoint: D:\\\\train\\\\runs\\\\mine.pth\n")
    torch.save(parts_of["2.0"]["t2s"], folder / "newer.pth")
    assert open_checkpoint(folder).files["t2s"][0].name == "mine.pth"


class Hostile:
    def __reduce__(self):
        return (print, ("code of a stranger",))


def test_a_file_with_code_in_it_stays_refused(written, capsys):
    folder = written("2.0", lambda tensors: {**trainer_file(tensors), "hook": Hostile()})
    with pytest.raises(CheckpointError, match="could run foreign code"):
        load_t2s(open_checkpoint(folder))
    assert "stranger" not in capsys.readouterr().out


# ---- adapters inside a checkpoint -----------------------------------------------------------------------------------


def with_adapter(module, turned, *, base_layer=True, halves="AB", **settings):
    """The tensors with an adapter of peft beside one weight."""

    def content(tensors):
        weight = tensors.pop(f"{module}.weight")
        columns, rows = weight.shape if turned else weight.shape[::-1]
        tensors[f"{module}.base_layer.weight" if base_layer else f"{module}.weight"] = weight
        if base_layer and f"{module}.bias" in tensors:
            tensors[f"{module}.base_layer.bias"] = tensors.pop(f"{module}.bias")
        down, up = adapter(rows, columns)
        sides = {"A": down, "B": up}
        tensors |= {f"{module}.lora_{side}.default.weight": sides[side] for side in halves}
        return {"model": tensors, **settings}

    return content


def adapter(rows, columns):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(RANK, columns, generator=generator), torch.randn(rows, RANK, generator=generator)


@pytest.mark.parametrize(("module", "turned"), [("gpt.h.0.attn.c_proj", True), ("emovec_layer", False)])
@pytest.mark.parametrize("base_layer", [True, False])
@pytest.mark.parametrize(("settings", "scale"), [({"lora_alpha": 6}, 3.0), ({"spec": {"alpha": 1}}, 0.5), ({}, 1.0)])
def test_an_adapter_left_in_a_checkpoint_is_merged(written, parts_of, module, turned, base_layer, settings, scale):
    folder = written("2.0", with_adapter(module, turned, base_layer=base_layer, **settings))
    wanted = dict(parts_of["2.0"]["t2s"])
    weight = wanted[f"{module}.weight"]
    down, up = adapter(*weight.shape)
    wanted[f"{module}.weight"] = weight + scale * up @ down
    assert_same_t2s(folder, wanted)


@pytest.mark.parametrize("halves", ["A", "B"])
def test_half_an_adapter_is_refused_by_name(written, halves):
    folder = written("2.0", with_adapter("emovec_layer", False, halves=halves))
    with pytest.raises(CheckpointError, match="adapter of 'emovec_layer'.*one of its halves is missing"):
        load_t2s(open_checkpoint(folder))


def test_two_tensors_of_one_name_are_refused(written):
    folder = written("2.0", lambda tensors: {**tensors, "module.emo_layer.bias": torch.ones(32)})
    with pytest.raises(CheckpointError, match=r"both mean 'emo_layer\.bias'"):
        load_t2s(open_checkpoint(folder))


# ---- formats of other programs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gpt.pth", b"GGUF\x03\x00\x00\x00" + bytes(64), "GGUF"),
        (
            "gpt.safetensors",
            len(b'{"__metadata__":{"format":"mlx"}}').to_bytes(8, "little") + b'{"__metadata__":{"format":"mlx"}}',
            "MLX",
        ),
    ],
)
def test_a_file_of_another_program_is_told_by_its_name(written, name, content, said):
    folder = written("2.0", None)
    (folder / "gpt.pth").unlink()
    (folder / name).write_bytes(content)
    config = folder / "config.yaml"
    config.write_text(config.read_text() + f"gpt_checkpoint: {name}\n")
    with pytest.raises(CheckpointError, match=said):
        load_t2s(open_checkpoint(folder))


@pytest.mark.parametrize("name", ["model-q4.gguf", "weights.npz"])
def test_a_folder_with_nothing_but_such_a_file_says_so(written, name):
    folder = written("2.0", None)
    (folder / "gpt.pth").unlink()
    (folder / name).write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(CheckpointError, match=f"{name}.*PyTorch"):
        load_t2s(open_checkpoint(folder))


# ---- a folder with T2S, tokenizer and configuration alone -----------------------------------------------------------


def fine_tune(source: Path, folder: Path, tensors, /, **changes) -> Path:
    """What a trainer leaves: configuration, tokenizer, and one file of weights."""
    folder.mkdir(parents=True)
    text = (source / "config.yaml").read_text()
    for old, new in changes.items():
        text = text.replace(old, new) if old in text else text + f"{old}: {new}\n"
    (folder / "config.yaml").write_text(text)
    for path in (*source.glob("*.model"), *source.glob("*.tiktoken")):
        shutil.copy(path, folder / path.name)
    torch.save({"model": tensors, "step": 5}, folder / "model_step5.pth")
    return folder


def changed(tensors):
    return {key: value + 0.01 if key == "mel_head.bias" else value for key, value in tensors.items()}


@pytest.mark.parametrize("kind", ["2.0", "2.5"])
def test_what_a_fine_tune_lacks_comes_from_a_base_found_beside_it(written, parts_of, tmp_path, kind, capsys):
    base = written(kind)
    folder = fine_tune(base, tmp_path / "mine", changed(parts_of[kind]["t2s"]))
    checkpoint = open_checkpoint(folder)
    assert checkpoint.missing == () and checkpoint.base.folder == base
    assert {"codec", "s2m", "vocoder", "semantic_encoder"} <= set(checkpoint.from_base)
    assert not {"t2s", "tokenizer"} & set(checkpoint.from_base)
    own = open_checkpoint(base)
    assert checkpoint.fingerprints.encoder == own.fingerprints.encoder
    assert checkpoint.fingerprints.t2s != own.fingerprints.t2s
    assert_same_t2s(folder, changed(parts_of[kind]["t2s"]))
    assert main(["info", str(folder)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "a fine-tune: t2s, tokenizer of its own" in first and str(base) in first
    convert(checkpoint, tmp_path / "native", precision="fp16")
    assert_speaks(tmp_path / "native")
    assert_speaks(folder)


def test_a_base_is_named_by_folder_or_by_name(written, parts_of, tmp_path):
    base = written("2.0")
    for number, named in enumerate([str(base), "2.0", "../../2.0"]):
        folder = fine_tune(base, tmp_path / f"far{number}" / "mine", parts_of["2.0"]["t2s"], base=named)
        assert open_checkpoint(folder, [tmp_path]).base.folder.resolve() == base.resolve()


def test_a_named_base_of_the_other_generation_is_refused(written, parts_of, tmp_path):
    base, other = written("2.0"), written("2.5")
    folder = fine_tune(base, tmp_path / "mine", parts_of["2.0"]["t2s"], base=str(other))
    with pytest.raises(CheckpointError, match=r"IndexTTS-2\.5.*does not fit"):
        open_checkpoint(folder)


def test_a_native_base_serves_an_official_fine_tune(written, parts_of, tmp_path):
    base = written("2.0")
    convert(open_checkpoint(base), tmp_path / "native", precision="int8")
    folder = fine_tune(base, tmp_path / "far" / "mine", parts_of["2.0"]["t2s"], base=str(tmp_path / "native"))
    assert_speaks(folder)


def test_without_a_base_the_files_that_are_missing_are_named(written, parts_of, tmp_path, capsys, monkeypatch):
    base = written("2.5")
    folder = fine_tune(base, tmp_path / "far" / "mine", parts_of["2.5"]["t2s"])
    monkeypatch.setenv("INDEXTTS2_MODELS", str(tmp_path / "nothing"))
    assert main(["info", str(folder)]) == 0
    told = capsys.readouterr().out
    for name in ("codec.pth", "s2mel.pth", "w2v-bert-2.0/model.safetensors", "bigvgan_generator.pt", "campplus"):
        assert name in told
    assert "download official" in told and "--kind 2.5" in told


# ---- vocabularies ---------------------------------------------------------------------------------------------------


def sized(tensors, rows):
    """The same model with a text table of so many rows."""
    grown = dict(tensors)
    for key in ("text_embedding.weight", "text_head.weight", "text_head.bias"):
        old = tensors[key]
        more = torch.zeros(max(0, rows - old.shape[0]), *old.shape[1:])
        grown[key] = torch.cat([old, more])[:rows]
    return grown


def spoken_pieces(tmp_path, size=None, text="한국어 문장 하나. 또 다른 문장!", **options):
    """A SentencePiece model of another language, trained here."""
    import sentencepiece

    lines = [text, "안녕하세요 여러분", "오늘 날씨가 좋습니다"] * 30
    prefix = tmp_path / "bpe"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(prefix), vocab_size=size or 60, character_coverage=1.0,
        hard_vocab_limit=False, minloglevel=2, **options,
    )  # fmt: skip
    return prefix.with_suffix(".model")


def language_folder(written, parts_of, tmp_path, rows=None, said=None, **changes):
    """A fine-tune in another language: its own tokenizer, and a table that fits it unless said otherwise."""
    import sentencepiece

    model = spoken_pieces(tmp_path)
    size = sentencepiece.SentencePieceProcessor(model_file=str(model)).get_piece_size()
    base = written("2.0")
    tensors = sized(parts_of["2.0"]["t2s"], size + 1 if rows is None else rows)
    folder = fine_tune(base, tmp_path / "korean", tensors, **changes)
    (folder / TINY.text.tokenizer).write_bytes(model.read_bytes())
    text = (folder / "config.yaml").read_text()
    assert "  kind: english\n" in text
    (folder / "config.yaml").write_text(text.replace("  kind: english\n", "" if said is None else f"  kind: {said}\n"))
    return folder, size


def test_a_vocabulary_of_another_size_is_taken_from_table_and_tokenizer(written, parts_of, tmp_path):
    folder, size = language_folder(written, parts_of, tmp_path)
    checkpoint = open_checkpoint(folder)
    assert checkpoint.config.t2s.text_tokens == size != TINY.t2s.text_tokens
    assert checkpoint.config.text.kind == "plain"
    t2s = load_t2s(checkpoint)
    assert t2s.model.text_embedding.weight.shape[0] == size + 1
    spoken = speak(load_speech(checkpoint), "안녕하세요 여러분", recording(), settings=QUICK)
    assert not spoken.warnings
    convert(checkpoint, tmp_path / "native")
    assert open_checkpoint(tmp_path / "native").config.text.kind == "plain"


def test_table_and_tokenizer_that_do_not_agree_are_refused_by_name(written, parts_of, tmp_path):
    folder, size = language_folder(written, parts_of, tmp_path, rows=20)
    with pytest.raises(CheckpointError, match=rf"has 20 rows.*has {size} tokens"):
        load_t2s(open_checkpoint(folder))


def test_the_configuration_may_name_the_way_text_is_read(written, parts_of, tmp_path):
    folder, _ = language_folder(written, parts_of, tmp_path, said="official")
    assert open_checkpoint(folder).config.text.kind == "official"
