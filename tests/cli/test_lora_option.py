"""--lora of the commands that speak: the loader of the node, file and strength, several in a row."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from indextts2.cli.common import lora_choice, sound_marks, with_loras
from indextts2.cli.main import build_parser, main
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.lora import marked, read_lora


def write_lora(path, scale=1.0, module="mel_head", rows=42):
    generator = torch.Generator().manual_seed(3)
    down, up = torch.randn(2, 32, generator=generator), scale * torch.randn(rows, 2, generator=generator)
    prefix = f"base_model.model.{module}"
    save_file({f"{prefix}.lora_A.weight": down, f"{prefix}.lora_B.weight": up}, path)
    return up @ down


def given(*options):
    return build_parser().parse_args(["speak", "Hello.", *options])


def head_of(tiny_checkpoint, *options):
    models = with_loras(given(*options), load_speech(open_checkpoint(tiny_checkpoint)))
    return models.t2s.model.mel_head.weight


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("voice.safetensors", ("voice.safetensors", 1.0)),
        ("voice.safetensors:0.5", ("voice.safetensors", 0.5)),
        ("C:\\loras\\voice.safetensors:-1", ("C:\\loras\\voice.safetensors", -1.0)),
        ("C:\\loras\\voice", ("C:\\loras\\voice", 1.0)),
    ],
)
def test_the_strength_stands_behind_the_last_colon(text, choice):
    assert lora_choice(text) == choice


@pytest.mark.parametrize("text", ["voice:nan", "voice:inf", ":1"])
def test_a_strength_that_is_no_number_of_use_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="FILE:STRENGTH"):
        lora_choice(text)


def test_several_are_added_up_and_none_of_strength_zero(tiny_checkpoint, tmp_path):
    one, two = write_lora(tmp_path / "a.safetensors"), write_lora(tmp_path / "b.safetensors", scale=0.3)
    plain = head_of(tiny_checkpoint).clone()
    chosen = ["--lora", f"{tmp_path / 'a.safetensors'}:0.5", "--lora", str(tmp_path / "b.safetensors")]
    torch.testing.assert_close(head_of(tiny_checkpoint, *chosen), plain + 0.5 * one + two)
    assert torch.equal(head_of(tiny_checkpoint, "--lora", f"{tmp_path / 'a.safetensors'}:0"), plain)


def test_a_name_is_looked_for_below_the_folders_of_models(tiny_checkpoint, tmp_path, monkeypatch):
    (tmp_path / "loras").mkdir()
    change = write_lora(tmp_path / "loras" / "voice.safetensors")
    plain = head_of(tiny_checkpoint).clone()
    monkeypatch.setenv("INDEXTTS2_MODELS", str(tmp_path))
    torch.testing.assert_close(head_of(tiny_checkpoint, "--lora", "voice.safetensors"), plain + change)


@pytest.mark.parametrize("module", ["emo_layer", "spk_emb_proj"])
def test_what_makes_speakers_and_emotions_gets_another_fingerprint(tiny_checkpoint, tmp_path, module):
    t2s = load_speech(open_checkpoint(tiny_checkpoint)).t2s
    write_lora(tmp_path / "a.safetensors", rows=32, module="emo_layer")
    lora = read_lora(tmp_path / "a.safetensors", t2s.model)
    object.__setattr__(lora.pairs[0], "key", f"{module}.weight")
    assert marked(t2s, lora, 1.0).fingerprint not in (t2s.fingerprint, marked(t2s, lora, 0.5).fingerprint)


def test_lines_of_a_script_are_told_apart_by_file_strength_and_profile(tmp_path):
    write_lora(tmp_path / "a.safetensors"), write_lora(tmp_path / "b.safetensors", scale=2.0)
    a, b = (str(tmp_path / name) for name in ("a.safetensors", "b.safetensors"))
    choices = [[], ["--lora", a], ["--lora", b], ["--lora", f"{a}:0.5"], ["--text-profile", "plain"]]
    marks = [sound_marks(given(*choice)) for choice in choices]
    assert marks[0] == "" and len(set(marks)) == len(marks)


def test_the_command_speaks_with_it_and_names_one_that_is_not_there(tiny_checkpoint, tmp_path, capsys):
    soundfile.write(tmp_path / "r.wav", np.random.default_rng(0).normal(0, 0.1, 24_000).clip(-1, 1), 24_000)
    write_lora(tmp_path / "a.safetensors", scale=5.0)
    words = ["speak", "Hello there.", "--checkpoint", str(tiny_checkpoint), "--reference", str(tmp_path / "r.wav")]
    words += ["--tokens", "12", "--steps", "1", "--no-cache", "--json", "-o"]
    heard = []
    for name, more in (("plain.wav", []), ("changed.wav", ["--lora", str(tmp_path / "a.safetensors")])):
        assert main([*words, str(tmp_path / name), *more]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["tokens"] == 12 and told["text_profile"] == "auto"
        assert told["loras"] == ([{"file": more[1], "strength": 1.0}] if more else [])
        heard.append(soundfile.read(tmp_path / name)[0])
    assert not np.array_equal(*heard)
    assert main([*words, str(tmp_path / "x.wav"), "--lora", "nothing"]) != 0
    assert "There is no LoRA 'nothing'" in capsys.readouterr().err
