"""Files of values: what is saved comes back bit for bit, and anything else is refused in words."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from indextts2.contracts import DurationReport, Emotion, Keyframe, MelSpectrogram, SemanticSpeech
from indextts2.errors import InputError
from indextts2.values import files
from tests.stages.speaking import tiny_emotion, tiny_speaker

REPORT = DurationReport("1.2 seconds", "model", 30, 30, 100, take_lengths=(30, 28), warnings=("loud",))


def semantic(latent=True):
    g = torch.Generator().manual_seed(3)
    zeros = torch.zeros(2, dtype=torch.int64)
    return SemanticSpeech(
        torch.randint(0, 40, (2, 30), generator=g), torch.tensor([30, 12]),
        torch.randn(2, 30, 8, generator=g) if latent else None, zeros, zeros, (0.2, 0.0), (REPORT, REPORT),
        ("one", "two 你好"), 7, "t2s-mark", "encoder-mark",
    )  # fmt: skip


def mel():
    values = torch.randn(1, 20, 50, generator=torch.Generator().manual_seed(4))
    return MelSpectrogram(values, torch.tensor([50]), torch.tensor([0]), (0.0,), 22_050, 256, (REPORT,), ("one",))


def schedule():
    vector, other = tiny_emotion(1).vector, tiny_emotion(2).vector
    return Emotion(vector, (Keyframe(0.0, vector), Keyframe(0.4, other)), vector, "linear", "t2s-mark")


VALUES = {
    "speaker": ("speaker", tiny_speaker),
    "emotion": ("emotion", tiny_emotion),
    "schedule": ("emotion", schedule),
    "semantic": ("semantic", semantic),
    "semantic without latents": ("semantic", lambda: semantic(latent=False)),
    "mel": ("mel", mel),
}


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other) and one.dtype == other.dtype
    if isinstance(one, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return one == other


@pytest.mark.parametrize("name", VALUES)
def test_a_saved_value_comes_back_bit_for_bit(tmp_path, name):
    kind, make = VALUES[name]
    path = files.save_value(tmp_path / "new" / "a.safetensors", make(), files.FileNote(source="me", text="words"))
    assert same(files.load_value(path, kind), make())
    assert [one.name for one in path.parent.iterdir()] == ["a.safetensors"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")
def test_a_saved_file_can_be_read_by_whoever_can_read_a_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    path = files.save_value(tmp_path / "mel.safetensors", mel())
    assert path.stat().st_mode == plain.stat().st_mode


def test_the_four_named_pairs_save_and_load(tmp_path):
    path = tmp_path / "a.safetensors"
    assert same(files.load_value(files.save_value(path, tiny_speaker()), "speaker"), tiny_speaker())
    assert same(files.load_value(files.save_value(path, tiny_emotion()), "emotion"), tiny_emotion())
    assert same(files.load_value(files.save_value(path, semantic()), "semantic"), semantic())
    assert same(files.load_value(files.save_value(path, mel()), "mel"), mel())


def test_a_file_says_what_it_is(tmp_path):
    note = files.FileNote("a recording of Anna", "Hello", "CC0-1.0")
    info = files.file_info(files.save_value(tmp_path / "a.safetensors", tiny_speaker(), note))
    assert info.kind == "speaker" and info.note.source == note.source and info.note.made.startswith("20")
    assert info.fingerprints == {"fingerprint": "t2s-test", "encoder_fingerprint": "encoder-test"}
    assert all(fact in info.describe() for fact in ("Anna", "Hello", "CC0-1.0", "t2s-test"))


@pytest.mark.parametrize("kind", ["emotion", "semantic", "mel"])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, kind):
    path = files.save_value(tmp_path / "a.safetensors", tiny_speaker())
    with pytest.raises(InputError, match=f"holds a file of kind 'speaker', but '{kind}' is expected"):
        files.load_value(path, kind)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    path = files.save_value(tmp_path / "a.safetensors", tiny_speaker())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        files.load_value(path, "speaker")


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "lora.safetensors"
    save_file({"weight": torch.zeros(3)}, path, {"format": "pt"})
    with pytest.raises(InputError, match="was not saved by this pack"):
        files.load_value(path, "emotion")
    path.write_bytes(b"PK\x03\x04 no safetensors at all")
    with pytest.raises(InputError, match="not a whole safetensors file"):
        files.load_value(path, "emotion")
    with pytest.raises(InputError, match="There is no file"):
        files.load_value(tmp_path / "absent.safetensors", "emotion")


def changed(path, metadata=None, **tensors):
    """The same file with other metadata or tensors; None takes one away."""
    with safe_open(path, framework="pt") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}
        about = dict(file.metadata())
    stored.update(tensors)
    save_file({name: value for name, value in stored.items() if value is not None}, path, {**about, **(metadata or {})})
    return path


def test_a_newer_format_is_refused_with_advice(tmp_path):
    path = changed(files.save_value(tmp_path / "a.safetensors", tiny_emotion()), {"format_version": "2"})
    with pytest.raises(InputError, match="Update the pack"):
        files.load_value(path, "emotion")


def with_field(path, **plain):
    with safe_open(path, framework="pt") as file:
        now = json.loads(file.metadata()["fields"])
    return changed(path, {"fields": json.dumps({**now, **plain})})


@pytest.mark.parametrize(
    "change",
    [
        lambda path: changed(path, tokens=None),
        lambda path: changed(path, more=torch.zeros(2)),
        lambda path: changed(path, tokens=torch.zeros(2, 30)),
        lambda path: changed(path, tokens=torch.full((2, 30), -1)),
        lambda path: changed(path, token_lengths=torch.tensor([31, 2])),
        lambda path: changed(path, token_lengths=torch.tensor([3])),
        lambda path: changed(path, latent=torch.full((2, 30, 8), float("nan"))),
        lambda path: changed(path, {"fields": "no json"}),
        lambda path: changed(path, {"fields": "[]"}),
        lambda path: with_field(path, pauses=[0.2]),
        lambda path: with_field(path, pauses=[-1.0, 0.0]),
        lambda path: with_field(path, pauses="ab"),
        lambda path: with_field(path, reports=[{"asked": "x", "evil": 1}]),
        lambda path: with_field(path, reports=7),
        lambda path: with_field(path, surprise=1),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, change):
    path = files.save_value(tmp_path / "a.safetensors", semantic())
    with pytest.raises(InputError, match="does not hold a usable semantic"):
        files.load_value(change(path), "semantic")


@pytest.mark.parametrize("plain", [{"keyframe_positions": [0.4, 0.1]}, {"keyframe_positions": [0.0]},
                                   {"keyframe_positions": [0.0, 7.0]}, {"transition": "jump"}])  # fmt: skip
def test_a_damaged_schedule_is_refused(tmp_path, plain):
    path = with_field(files.save_value(tmp_path / "a.safetensors", schedule()), **plain)
    with pytest.raises(InputError, match="does not hold a usable emotion"):
        files.load_value(path, "emotion")


def test_a_value_in_half_precision_is_saved_without_loss(tmp_path):
    half = replace(tiny_emotion(), vector=tiny_emotion().vector.half())
    loaded = files.load_value(files.save_value(tmp_path / "a.safetensors", half), "emotion")
    assert torch.equal(loaded.vector, half.vector.float())


def test_a_folder_that_cannot_be_written_to_is_said_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made a folder"):
        files.save_value(tmp_path / "file" / "a.safetensors", tiny_emotion())


def test_only_values_can_be_saved(tmp_path):
    with pytest.raises(InputError, match="Files hold speaker"):
        files.save_value(tmp_path / "a.safetensors", "words")
