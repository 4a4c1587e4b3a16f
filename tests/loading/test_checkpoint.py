"""Both layouts open, load through the same functions, and give the same models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from indextts2.errors import CheckpointError, ConfigError
from indextts2.loading.checkpoint import empty_model, load_encoder, load_s2m, load_t2s, load_vocoder, open_checkpoint
from indextts2.loading.config_file import read_config
from indextts2.loading.convert import convert
from indextts2.loading.fingerprint import Fingerprints
from indextts2.loading.native import about_of, verify_sums, write_native
from indextts2.loading.parts import module_parts

from ..conftest import TINY
from .official_writer import write_official

LOADERS = {"encoder": load_encoder, "t2s": load_t2s, "s2m": load_s2m, "vocoder": load_vocoder}


@pytest.fixture(scope="module")
def official(tiny_parts, tiny_tokenizer, tmp_path_factory) -> Path:
    return write_official(tmp_path_factory.mktemp("official") / "IndexTTS-2", TINY, tiny_parts, tiny_tokenizer)


@pytest.fixture
def native(tiny_checkpoint, tmp_path) -> Path:
    """A native checkpoint of one's own."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "own"))


def all_weights(folder: Path) -> dict[str, torch.Tensor]:
    checkpoint = open_checkpoint(folder)
    encoder, t2s = load_encoder(checkpoint), load_t2s(checkpoint)
    s2m, vocoder = load_s2m(checkpoint), load_vocoder(checkpoint)
    modules = {
        "semantic_encoder": encoder.semantic_encoder,
        "codec": encoder.codec,
        "style_encoder": encoder.style_encoder,
        "t2s": t2s.model,
        "s2m": s2m.model,
        "quantizer": s2m.codec,
        "vocoder": vocoder.model,
    }
    weights = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    assert t2s.bank is not None
    weights |= {"mean": encoder.mean, "std": encoder.std}
    return weights | {"style_rows": t2s.bank.style_rows, "emotion_rows": t2s.bank.emotion_rows}


def assert_same_weights(left: Path, right: Path) -> None:
    one, other = all_weights(left), all_weights(right)
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=1e-6, atol=1e-6, msg=key)


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "flat"])
@pytest.mark.parametrize("parallel", [True, False], ids=["module", "plain"])
@pytest.mark.parametrize("hub_cache", [True, False], ids=["cache", "folder"])
def test_every_official_variant_loads_like_the_native_checkpoint(
    tiny_parts, tiny_tokenizer, tiny_checkpoint, tmp_path, nested, parallel, hub_cache
):
    folder = write_official(
        tmp_path / "o", TINY, tiny_parts, tiny_tokenizer, nested=nested, parallel=parallel, hub_cache=hub_cache
    )
    assert open_checkpoint(folder).missing == ()
    assert_same_weights(folder, tiny_checkpoint)


@pytest.mark.parametrize("name", LOADERS)
def test_loading_leaves_the_global_generator_alone(tiny_checkpoint, name):
    before = torch.get_rng_state()
    LOADERS[name](open_checkpoint(tiny_checkpoint))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("part", module_parts())
def test_a_model_without_weights_leaves_the_global_generator_alone(part):
    before = torch.get_rng_state()
    empty_model(TINY, part)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_converted_checkpoint_has_the_same_weights_and_fingerprints(official, tmp_path):
    convert(open_checkpoint(official), tmp_path / "native")
    assert_same_weights(official, tmp_path / "native")
    assert open_checkpoint(tmp_path / "native").fingerprints == open_checkpoint(official).fingerprints


def test_a_converted_checkpoint_keeps_only_live_tensors(official, tmp_path):
    convert(open_checkpoint(official), tmp_path / "native")
    keys = load_file(tmp_path / "native" / "s2m.safetensors").keys()
    assert not any(key.endswith(("_g", "_v")) or "x_embedder" in key for key in keys)
    assert not any(key.startswith("decoder") for key in load_file(tmp_path / "native" / "codec.safetensors"))


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_conversion_to_half_precision_halves_the_models_and_keeps_statistics(official, tmp_path, precision, dtype):
    convert(open_checkpoint(official), tmp_path / "native", precision=precision)
    folder = tmp_path / "native"
    assert load_file(folder / "t2s.safetensors")["final_norm.weight"].dtype == dtype
    assert load_file(folder / "emotion_bank.safetensors")["emotion_rows"].dtype == torch.float32
    style = load_file(folder / "style_encoder.safetensors")
    assert all(value.dtype == torch.float32 for key, value in style.items() if key.endswith("running_var"))
    assert load_t2s(open_checkpoint(folder)).model.final_norm.weight.dtype == torch.float32


def test_numbers_beyond_half_precision_stay_in_single(native):
    tensors = load_file(native / "vocoder.safetensors")
    tensors["conv_pre.bias"][0] = 1e9
    save_file(tensors, native / "vocoder.safetensors")
    convert(open_checkpoint(native), native.parent / "half", precision="fp16")
    stored = load_file(native.parent / "half" / "vocoder.safetensors")["conv_pre.bias"]
    assert stored.dtype == torch.float32 and bool(torch.isfinite(stored).all())


def test_the_sums_in_a_native_checkpoint_notice_a_changed_file(native):
    checkpoint = open_checkpoint(native)
    assert verify_sums(native, checkpoint.metadata) == []
    content = bytearray((native / "t2s.safetensors").read_bytes())
    content[-1] ^= 1
    (native / "t2s.safetensors").write_bytes(bytes(content))
    assert verify_sums(native, checkpoint.metadata) == ["t2s.safetensors"]


def test_licence_and_provenance_travel_in_every_file(tiny_checkpoint):
    from safetensors import safe_open

    assert open_checkpoint(tiny_checkpoint).licence == "CC0-1.0"
    with safe_open(tiny_checkpoint / "t2s.safetensors", framework="pt") as file:
        assert file.metadata()["provenance"] == "random numbers"
        assert file.metadata()["licence"] == "CC0-1.0"


@pytest.mark.parametrize("layout", ["official", "native"])
def test_a_copy_has_the_same_fingerprints(official, tiny_checkpoint, tmp_path, layout):
    source = official if layout == "official" else tiny_checkpoint
    copy = shutil.copytree(source, tmp_path / "copy of it")
    assert open_checkpoint(copy).fingerprint == open_checkpoint(source).fingerprint


def test_writing_the_same_weights_twice_gives_the_same_files(write_tiny, tiny_checkpoint, tmp_path):
    again = write_tiny(tmp_path / "again")
    assert (again / "config.yaml").read_text("utf-8") == (tiny_checkpoint / "config.yaml").read_text("utf-8")
    assert (again / "t2s.safetensors").read_bytes() == (tiny_checkpoint / "t2s.safetensors").read_bytes()


def test_replacing_a_part_changes_its_fingerprint_and_no_other(native):
    before = open_checkpoint(native).fingerprints
    tensors = {key: value + 1.0 for key, value in load_file(native / "t2s.safetensors").items()}
    file = read_config(native / "config.yaml")
    declared = Fingerprints(**{**file.metadata["fingerprints"], "t2s": ""})
    write_native(native, file.config, {"t2s": tensors}, about_of(file.metadata), declared=declared)
    after = open_checkpoint(native).fingerprints
    assert after.t2s != before.t2s
    assert (after.encoder, after.s2m, after.vocoder) == (before.encoder, before.s2m, before.vocoder)
    assert verify_sums(native, open_checkpoint(native).metadata) == []


def test_a_fine_tuned_t2s_alone_still_knows_its_encoder(native):
    encoder = open_checkpoint(native).fingerprints.encoder
    for name in ("semantic_encoder", "codec", "style_encoder", "statistics", "s2m", "vocoder"):
        (native / f"{name}.safetensors").unlink()
    t2s = load_t2s(open_checkpoint(native))
    assert t2s.encoder_fingerprint == encoder != t2s.fingerprint
    with pytest.raises(CheckpointError, match=r"lacks codec \(codec\.safetensors\), s2m"):
        load_s2m(open_checkpoint(native))


@pytest.mark.parametrize("group", LOADERS)
def test_models_load_in_the_precision_asked_for(tiny_checkpoint, group):
    models = LOADERS[group](open_checkpoint(tiny_checkpoint), "cpu", torch.bfloat16)
    module = models.codec if group == "encoder" else models.model
    assert {parameter.dtype for parameter in module.parameters()} == {torch.bfloat16}


def test_a_missing_part_is_listed_and_only_its_loader_refuses(native):
    (native / "vocoder.safetensors").unlink()
    checkpoint = open_checkpoint(native)
    assert checkpoint.missing == ("vocoder",)
    load_t2s(checkpoint)
    with pytest.raises(CheckpointError, match="lacks vocoder"):
        load_vocoder(checkpoint)


def test_a_checkpoint_without_bank_loads_and_has_none(native):
    (native / "emotion_bank.safetensors").unlink()
    assert load_t2s(open_checkpoint(native)).bank is None


def test_weights_of_another_configuration_are_refused(native):
    config = (native / "config.yaml").read_text(encoding="utf-8")
    (native / "config.yaml").write_text(config.replace("layers: 2\n  number", "layers: 3\n  number"), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"t2s\.safetensors does not fit.*missing: gpt\.h\.2"):
        load_t2s(open_checkpoint(native))


def test_a_bank_of_another_size_is_refused(native):
    tensors = load_file(native / "emotion_bank.safetensors")
    save_file({"style_rows": tensors["style_rows"][:4], **tensors}, native / "emotion_bank.safetensors")
    save_file({**tensors, "style_rows": tensors["style_rows"][:4].clone()}, native / "emotion_bank.safetensors")
    with pytest.raises(CheckpointError, match=r"'style_rows' should have shape \(10, 16\)"):
        load_t2s(open_checkpoint(native))


def test_statistics_with_nan_are_refused(native):
    tensors = load_file(native / "statistics.safetensors")
    save_file({**tensors, "std": tensors["std"] * float("nan")}, native / "statistics.safetensors")
    with pytest.raises(CheckpointError, match="NaN"):
        load_encoder(open_checkpoint(native))


def test_a_variance_of_zero_is_refused(official, tmp_path):
    folder = Path(shutil.copytree(official, tmp_path / "o"))
    torch.save({"mean": torch.zeros(24), "var": torch.zeros(24)}, folder / "wav2vec2bert_stats.pt")
    with pytest.raises(CheckpointError, match="variance"):
        load_encoder(open_checkpoint(folder))


def test_a_newer_native_format_is_refused(native):
    config = (native / "config.yaml").read_text(encoding="utf-8")
    (native / "config.yaml").write_text(config.replace("format_version: 1", "format_version: 2"), encoding="utf-8")
    with pytest.raises(ConfigError, match="format version 2"):
        open_checkpoint(native)


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        open_checkpoint(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match=r"no config\.yaml"):
        open_checkpoint(tmp_path)
