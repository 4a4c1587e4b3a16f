"""Weight files are read without running anything in them, and fit their module or are refused with a clear text."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from indextts2.errors import CheckpointError
from indextts2.loading.tensors import build_with, read_section, read_single, read_tensors

PLACE = Path("weights.pth")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer("table", torch.arange(4.0), persistent=False)


def weights() -> dict[str, torch.Tensor]:
    return {key: torch.full_like(value, 0.5) for key, value in Net().state_dict().items()}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_torch_file_is_read_in_both_of_its_formats(tmp_path, zipped):
    torch.save(weights(), tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert torch.equal(read_section(tmp_path / "w.pth")["first.weight"], weights()["first.weight"])


def test_a_safetensors_file_is_read(tmp_path):
    save_file(weights(), tmp_path / "w.safetensors")
    assert set(read_section(tmp_path / "w.safetensors")) == set(weights())


def test_the_first_section_found_is_taken_and_the_rest_dropped(tmp_path):
    torch.save({"net": {"a": {"x": torch.ones(2)}, "step": 3}, "optimizer": {"x": torch.ones(9)}}, tmp_path / "w.pth")
    assert set(read_section(tmp_path / "w.pth", ["net"])) == {"a.x"}


def test_a_flat_file_is_read_where_a_nested_one_is_usual(tmp_path):
    torch.save({"x": torch.ones(2)}, tmp_path / "w.pth")
    assert set(read_section(tmp_path / "w.pth", ["model"])) == {"x"}


def test_names_of_a_parallel_training_lose_their_prefix(tmp_path):
    torch.save({"net": {"a": {"module.x": torch.ones(2), "module.y": torch.ones(1)}}}, tmp_path / "w.pth")
    assert set(read_section(tmp_path / "w.pth", ["net"])) == {"a.x", "a.y"}


class Hostile:
    """Leaves a file behind when unpickled carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_file_with_code_is_refused_and_the_code_does_not_run(tmp_path, zipped):
    torch.save({"w": Hostile(tmp_path / "ran")}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"w\.pth holds more than numbers"):
        read_tensors(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


def test_a_plain_pickle_with_code_is_refused_too(tmp_path):
    (tmp_path / "w.bin").write_bytes(pickle.dumps(Hostile(tmp_path / "ran")))
    with pytest.raises(CheckpointError, match=r"w\.bin"):
        read_tensors(tmp_path / "w.bin")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.95])
@pytest.mark.parametrize("name", ["w.pth", "legacy.pth", "w.safetensors"])
def test_a_file_cut_short_is_refused(tmp_path, name, kept):
    path = tmp_path / name
    big = {"x": torch.ones(5000)}
    if name == "w.safetensors":
        save_file(big, path)
    else:
        torch.save(big, path, _use_new_zipfile_serialization=name == "w.pth")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CheckpointError, match=rf"{name} is.*Get the file again"):
        read_tensors(path)


@pytest.mark.parametrize(
    "content", [b"<html>404</html>", b"version https://git-lfs.github.com/spec/v1\n", b"\x80\x04."]
)
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_what_is_no_weight_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match="not a whole"):
        read_tensors(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gpt\.pth is missing"):
        read_tensors(tmp_path / "gpt.pth")


def test_a_file_without_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="no tensors"):
        read_section(tmp_path / "w.pth")
    torch.save([torch.ones(1)], tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds a list"):
        read_tensors(tmp_path / "w.pth")


def test_a_single_tensor_is_read_and_several_are_refused(tmp_path):
    torch.save(torch.ones(3, 2), tmp_path / "feat.pt")
    assert read_single(tmp_path / "feat.pt").shape == (3, 2)
    torch.save({"a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "feat.pt")
    with pytest.raises(CheckpointError, match="holds 2"):
        read_single(tmp_path / "feat.pt")


def test_a_built_module_has_the_weights_and_is_ready_for_inference():
    net = build_with(Net, weights(), PLACE)
    assert torch.equal(net.first.weight, weights()["first.weight"])
    assert not net.training and not any(parameter.requires_grad for parameter in net.parameters())
    assert torch.equal(net.table, torch.arange(4.0))


def test_weights_are_taken_without_a_copy_where_nothing_has_to_change():
    given = weights()
    assert build_with(Net, given, PLACE).first.weight.data_ptr() == given["first.weight"].data_ptr()


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_precision_is_turned_into_the_one_asked_for(stored):
    given = {key: value.to(stored) if value.is_floating_point() else value for key, value in weights().items()}
    net = build_with(Net, given, PLACE, dtype=torch.bfloat16)
    assert net.first.weight.dtype == torch.bfloat16


def test_the_counter_of_batch_norm_may_be_missing():
    given = {key: value for key, value in weights().items() if "num_batches" not in key}
    build_with(Net, given, PLACE)


def test_one_error_lists_what_is_missing_unknown_and_mis_shaped():
    given = weights()
    given["extra"] = torch.ones(1)
    given["first.weight"] = torch.ones(4, 5)
    given["norm.weight"] = torch.ones(4, dtype=torch.int64)
    del given["first.bias"]
    with pytest.raises(CheckpointError) as caught:
        build_with(Net, given, PLACE)
    text = str(caught.value)
    for part in (
        "weights.pth",
        "1 missing: first.bias",
        "1 unknown: extra",
        "first.weight is (4, 5), not (4, 3)",
        "1 of another kind: norm.weight",
    ):
        assert part in text, (part, text)


def test_a_long_list_is_counted_and_not_spelled_out():
    with pytest.raises(CheckpointError, match=r"6 missing: first\.weight, first\.bias, norm\.weight and 3 more"):
        build_with(Net, {}, PLACE)


def test_unknown_tensors_are_reported_and_dropped_where_the_official_code_drops_them(caplog):
    given = {**weights(), "stranger": torch.ones(1)}
    build_with(Net, given, PLACE, lenient=True)
    assert "stranger" in caplog.text


def test_nan_is_found_when_asked_for():
    given = weights()
    given["first.bias"][1] = float("nan")
    build_with(Net, given, PLACE)
    with pytest.raises(CheckpointError, match=r"NaN.*first\.bias"):
        build_with(Net, given, PLACE, check_finite=True)
