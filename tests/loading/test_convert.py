"""Converting keeps what is heard, drops what is dead, and needs little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from indextts2.bench.memory import TensorPeak
from indextts2.cli.main import main
from indextts2.errors import CheckpointError
from indextts2.loading.checkpoint import open_checkpoint
from indextts2.loading.convert import _checked, convert
from indextts2.loading.native import About, write_part
from indextts2.loading.parts import tensor_parts
from indextts2.loading.stream import write_stream
from indextts2.loading.tensors import is_finite
from indextts2.models.int8_linear import PIECE

from ..conftest import TINY
from .official_writer import write_official
from .test_checkpoint import all_weights

ROOT = Path(__file__).parent.parent.parent
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def official(tiny_parts, tiny_tokenizer, tmp_path_factory) -> Path:
    return write_official(tmp_path_factory.mktemp("official") / "IndexTTS-2", TINY, tiny_parts, tiny_tokenizer)


def test_conversion_in_single_precision_changes_no_bit(official, tmp_path):
    convert(open_checkpoint(official), tmp_path / "native")
    one, other = all_weights(official), all_weights(tmp_path / "native")
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def test_converting_a_native_checkpoint_again_gives_the_same_files(tiny_checkpoint, tmp_path):
    convert(open_checkpoint(tiny_checkpoint), tmp_path / "again")
    for part in tensor_parts():
        name = f"{part}.safetensors"
        assert (tmp_path / "again" / name).read_bytes() == (tiny_checkpoint / name).read_bytes()


def test_the_report_gives_the_sizes_of_the_files(official, tmp_path):
    checkpoint = open_checkpoint(official)
    changes = {change.part: change for change in convert(checkpoint, tmp_path / "half", precision="fp16")}
    for part, change in changes.items():
        assert change.before == sum(path.stat().st_size for path in checkpoint.files[part])
        assert change.after == (tmp_path / "half" / f"{part}.safetensors").stat().st_size
    assert changes["t2s"].after < changes["t2s"].before


def test_the_command_reports_sizes_before_and_after(official, tmp_path, capsys):
    assert main(["convert", str(official), str(tmp_path / "a"), "--precision", "bf16"]) == 0
    assert " -> " in capsys.readouterr().out
    assert main(["convert", str(official), str(tmp_path / "b"), "--precision", "int8", "--json"]) == 0
    sizes = json.loads(capsys.readouterr().out)["sizes"]
    assert sizes["t2s"]["after"] < sizes["t2s"]["before"]


def test_nan_is_refused_and_leaves_no_file_of_that_part(tiny_checkpoint, tmp_path, write_tiny):
    folder = write_tiny(tmp_path / "own")
    tensors = load_file(folder / "s2m.safetensors")
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    save_file(tensors, folder / "s2m.safetensors")
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        convert(open_checkpoint(folder), tmp_path / "new")
    assert not list((tmp_path / "new").glob("s2m*")) and not (tmp_path / "new" / "config.yaml").exists()


def test_a_missing_official_part_names_the_command_that_brings_it(official, tmp_path):
    import shutil

    folder = Path(shutil.copytree(official, tmp_path / "o"))
    (folder / "hf_cache" / "campplus_cn_common.bin").unlink()
    with pytest.raises(CheckpointError, match=r"lacks style_encoder.*download official --to .* --parts style_encoder"):
        convert(open_checkpoint(folder), tmp_path / "new")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.int64, torch.bool])
def test_a_streamed_file_reads_back_as_it_was(tmp_path, dtype):
    tensors = {
        "matrix": torch.arange(6).reshape(2, 3).to(dtype),
        "turned": torch.arange(6).reshape(2, 3).to(dtype).T,
        "number": torch.tensor(1).to(dtype),
        "empty": torch.zeros(0, 4, dtype=dtype),
        "byte": torch.ones(3, dtype=torch.int8),
    }
    sources = {key: (lambda key=key: {key: tensors[key]}) for key in tensors}
    write_stream(tmp_path / "s.safetensors", sources, {"b": "2", "a": "1"})
    back = load_file(tmp_path / "s.safetensors")
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[key], tensors[key]) and back[key].dtype == tensors[key].dtype for key in tensors)


MEASURE = """
import sys, threading, time
from pathlib import Path
def own():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) * 1024
import torch
from indextts2.loading.checkpoint import load_t2s, open_checkpoint
from indextts2.loading.convert import convert
def job(folder, target):
    checkpoint = open_checkpoint(folder)
    if sys.argv[1] == "convert":
        return convert(checkpoint, Path(target), precision=sys.argv[5])
    return load_t2s(checkpoint, dtype=getattr(torch, sys.argv[5]))
job(sys.argv[2], sys.argv[4] + " small")  # what is imported on the way is no cost of the job
peak, done = own(), threading.Event()
def watch():
    global peak
    while not done.wait(0.001):
        peak = max(peak, own())
thread = threading.Thread(target=watch)
start = own()
thread.start()
kept = job(sys.argv[3], sys.argv[4])
done.set(); thread.join()
print(peak - start)
"""


def measured(*arguments: object) -> int:
    """Bytes of memory of its own that a process takes for a job at its highest; mapped files do not count."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("this system does not tell the memory of a process")
    command = [sys.executable, "-c", MEASURE, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return int(result.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def wide(tiny_parts, tiny_tokenizer, tmp_path_factory) -> Path:
    """An official checkpoint whose T2S has 80 MiB in tensors of at most 4 MiB, and twice that in dead ones."""
    from dataclasses import replace

    from ..conftest import random_parts

    config = replace(TINY, t2s=replace(TINY.t2s, dim=512, layers=6, heads=8), s2m=replace(TINY.s2m, latent_dim=512))
    config = replace(config, t2s=replace(config.t2s, speaker=replace(config.t2s.speaker, latent_dim=512)))
    parts = random_parts(config)
    folder = write_official(tmp_path_factory.mktemp("wide") / "o", config, parts, tiny_tokenizer)
    whole = torch.load(folder / "gpt.pth", weights_only=True)
    whole["optimizer"] = {"exp_avg": torch.ones(40 * MEBIBYTE)}
    torch.save(whole, folder / "gpt.pth")
    return folder


def live_bytes(folder: Path) -> int:
    return sum(value.numel() * 4 for value in open_checkpoint(folder).read("t2s").values())


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_converting_takes_little_more_memory_than_the_largest_tensor(wide, tiny_checkpoint, tmp_path, precision):
    largest = max(value.numel() * 4 for value in open_checkpoint(wide).read("t2s").values())
    taken = measured("convert", tiny_checkpoint, wide, tmp_path / "new", precision)
    assert taken < 5 * largest + 8 * MEBIBYTE < live_bytes(wide)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8"])
def test_one_tensor_takes_the_memory_of_what_is_written_and_a_little(tmp_path, precision):
    matrix = torch.ones(1024, 8192)
    mapped = torch.nn.Module()
    mapped.register_buffer("x", matrix)
    layers = {"x"} if precision == "int8" else set()
    with TensorPeak([mapped]) as counted:
        (tmp_path / precision).mkdir()
        made = {"x.weight": partial(_checked, "x.weight", lambda: matrix, tmp_path)}
        write_part(tmp_path / precision, "t2s", made, TINY, About(precision=precision), layers)
    written = (tmp_path / precision / "t2s.safetensors").stat().st_size
    assert counted.peak <= written + 3 * torch.float32.itemsize * PIECE


def test_numbers_that_are_none_are_found_in_every_place_and_precision():
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        for bad in (float("nan"), float("inf"), -float("inf")):
            value = torch.zeros(3, 5, dtype=dtype)
            assert is_finite(value)
            value[2, 4] = bad
            assert not is_finite(value)
    assert is_finite(torch.empty(0, 4))


@pytest.mark.parametrize(("dtype", "share"), [("float32", 1.0), ("float16", 0.5)])
def test_loading_takes_no_more_than_the_live_weights_and_a_fifth(wide, tiny_checkpoint, tmp_path, dtype, share):
    assert (
        measured("load", tiny_checkpoint, wide, tmp_path / "new", dtype)
        <= 1.2 * share * live_bytes(wide) + 8 * MEBIBYTE
    )


def test_a_part_written_from_tensors_and_from_makers_is_the_same(tmp_path, tiny_parts):
    tensors = tiny_parts["vocoder"]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write_part(tmp_path / "a", "vocoder", tensors, TINY, About())
    write_part(tmp_path / "b", "vocoder", {key: (lambda key=key: tensors[key]) for key in tensors}, TINY, About())
    names = [tmp_path / folder / "vocoder.safetensors" for folder in "ab"]
    assert names[0].read_bytes() == names[1].read_bytes()
