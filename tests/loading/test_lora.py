"""Low-rank adapters: equal to peft's own merge, and refused where they do not fit."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from indextts2.errors import CheckpointError
from indextts2.loading.lora import read_lora, with_lora_mark


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.Linear(6, 4)
        self.point = nn.Conv1d(6, 4, 1)
        self.table = nn.Embedding(9, 4)
        self.norm = nn.LayerNorm(4)


def adapter(rank=2, rows=4, columns=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rank, columns, generator=generator), torch.randn(rows, rank, generator=generator)


def write(folder, tensors, **settings):
    folder.mkdir(exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def named(module="plain", prefix="base_model.model.", **shape):
    down, up = adapter(**shape)
    return {f"{prefix}{module}.lora_A.weight": down, f"{prefix}{module}.lora_B.weight": up}


def test_a_folder_that_peft_wrote_equals_its_own_merge(tmp_path):
    peft = pytest.importorskip("peft")
    model = nn.ModuleDict({"plain": nn.Linear(6, 4)})
    before = model["plain"].weight.detach().clone()
    wrapped = peft.get_peft_model(model, peft.LoraConfig(r=2, lora_alpha=6, target_modules=["plain"]))
    with torch.no_grad():
        for name, value in wrapped.named_parameters():
            if "lora_" in name:
                value.normal_(generator=torch.Generator().manual_seed(1))
    wrapped.save_pretrained(tmp_path / "made")
    (pair,) = read_lora(tmp_path / "made", Small()).pairs
    merged = wrapped.merge_and_unload()["plain"].weight.detach()
    assert torch.allclose(before + pair.difference(), merged, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({}, 1.0),
        ({"lora_alpha": 8}, 4.0),
        ({"lora_alpha": 8, "use_rslora": True}, 8 / 2**0.5),
        ({"lora_alpha": 8, "alpha_pattern": {"plain": 1}}, 0.5),
    ],
)
def test_the_scale_follows_the_settings_beside_the_file(tmp_path, settings, scale):
    down, up = adapter()
    (pair,) = read_lora(write(tmp_path / "x", named(), **settings), Small()).pairs
    assert torch.allclose(pair.difference(), scale * up @ down, atol=1e-5)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (named("missing"), "does not fit"),
        (named(rows=5), "other sizes"),
        ({**named(), "base_model.model.plain.bias": torch.zeros(5)}, "does not fit"),
        ({"plain.lora_A.weight": torch.zeros(2, 6)}, "one half only"),
        ({key: value * float("nan") for key, value in named().items()}, "NaN"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path, tensors, words):
    with pytest.raises(CheckpointError, match=words):
        read_lora(write(tmp_path / "x", tensors), Small())


def test_a_dora_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="DoRA"):
        read_lora(write(tmp_path / "x", named(), use_dora=True), Small())


def test_a_mark_names_the_file_and_the_strength(tmp_path):
    one = read_lora(write(tmp_path / "x", named()), Small())
    other = read_lora(write(tmp_path / "y", named(seed=1)), Small())
    marks = {with_lora_mark("base", lora, strength) for lora in (one, other) for strength in (0.5, 1.0)}
    assert len(marks) == 4 and with_lora_mark("base", one, 0.5) in marks


@pytest.mark.parametrize(
    "written",
    [
        '{"lora_alpha": NaN}',
        '{"lora_alpha": Infinity}',
        '{"lora_alpha": -Infinity}',
        '{"lora_alpha": 1e999}',
        '{"lora_alpha": 1e30}',
        '{"lora_alpha": "8"}',
        '{"lora_alpha": true}',
        '{"lora_alpha": [8]}',
        '{"lora_alpha": 9' + "9" * 400 + "}",
        '{"lora_alpha": 8, "alpha_pattern": {"plain": "x"}}',
        '{"lora_alpha": 8, "alpha_pattern": {"plain": NaN}}',
        '{"lora_alpha": 8, "alpha_pattern": [1]}',
        '{"alpha_pattern": 5}',
        "[" * 1_000,
        "[1]",
        "",
    ],
)
def test_settings_that_are_no_finite_numbers_are_refused_in_one_sentence(tmp_path, written):
    folder = write(tmp_path / "x", named())
    (folder / "adapter_config.json").write_text(written, encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        read_lora(folder, Small())
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


# ---- the other forms ------------------------------------------------------------------------------------------------


def grown(model, lora, strength=1.0):
    """The state of a model with an adapter added."""
    state = {key: value.clone() for key, value in model.state_dict().items()}
    for pair in lora.pairs:
        state[pair.key] += pair.difference(strength).reshape(state[pair.key].shape)
    return state


def test_convolutions_embeddings_and_whole_modules_of_peft_equal_its_own_merge(tmp_path):
    peft = pytest.importorskip("peft")
    model = Small()
    mine = Small()
    mine.load_state_dict(model.state_dict())
    settings = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["plain", "point", "table"], modules_to_save=["norm"])
    wrapped = peft.get_peft_model(model, settings)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in wrapped.named_parameters():
            if "lora_" in name or "modules_to_save" in name:
                value.copy_(torch.randn(value.shape, generator=generator))
    for safe in (True, False):
        wrapped.save_pretrained(tmp_path / str(safe), safe_serialization=safe)
    merged = wrapped.merge_and_unload().state_dict()
    for safe in ("True", "False"):
        found = grown(mine, read_lora(tmp_path / safe, mine))
        for key, value in found.items():
            torch.testing.assert_close(value, merged[key], rtol=1e-5, atol=1e-5, msg=f"{safe} {key}")


def test_the_adapters_of_25_trainers_come_with_their_settings(tmp_path, module="plain"):
    down, up = adapter()
    trainable = {f"{module}.lora_A": down.T, f"{module}.lora_B": up.T, "norm.bias": torch.full((4,), 2.0)}
    torch.save({"trainable": trainable, "spec": {"r": 2, "alpha": 6, "modules": [module]}}, tmp_path / "a.pt")
    model = Small()
    found = grown(model, read_lora(tmp_path / "a.pt", model))
    change = 3.0 * up @ down
    wanted = model.state_dict()[f"{module}.weight"] + change
    torch.testing.assert_close(found[f"{module}.weight"], wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(found["norm.bias"], torch.full((4,), 2.0))


def test_a_whole_tensor_of_another_shape_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"norm\.bias"):
        read_lora(write(tmp_path / "x", {**named(), "base_model.model.norm.bias": torch.ones(5)}), Small())
