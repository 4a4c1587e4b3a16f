"""Reference encodings kept on disk: the same bytes, by content and checkpoint, in a folder that stays small."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from indextts2.contracts import Reference, Waveform
from indextts2.loading.checkpoint import load_encoder, open_checkpoint
from indextts2.runtime import reference_cache
from indextts2.runtime.reference_cache import ReferenceCache
from indextts2.stages.reference import encode_reference


@pytest.fixture(scope="module")
def encoder(tiny_checkpoint):
    return load_encoder(open_checkpoint(tiny_checkpoint))


@pytest.fixture
def cache(tmp_path):
    return ReferenceCache(tmp_path / "references")


@pytest.fixture
def encoded(monkeypatch):
    """How often a recording is really encoded."""
    calls: list[Waveform] = []

    def counting(encoder, waveform, **limits):
        calls.append(waveform)
        return encode_reference(encoder, waveform, **limits)

    monkeypatch.setattr(reference_cache, "encode_reference", counting)
    return calls


def recording(seed: int = 0, samples: int = 12_000) -> Waveform:
    return Waveform(0.1 * torch.randn(1, 1, samples, generator=torch.Generator().manual_seed(seed)), 16_000)


def same(one: Reference, other: Reference) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)]
    return all(torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in pairs)


def test_a_recording_is_encoded_once_and_comes_back_with_every_bit(encoder, cache, encoded):
    first = cache.encode(encoder, recording())
    again = ReferenceCache(cache.folder).encode(encoder, recording())
    assert len(encoded) == 1 and same(first, again) and same(again, encode_reference(encoder, recording()))


def test_other_samples_limits_or_emotions_are_other_entries(encoder, cache, encoded):
    cache.encode(encoder, recording())
    cache.encode(encoder, recording(1))
    cache.encode(encoder, replace(recording(), sample_rate=16_001))
    cache.encode(encoder, recording(), seconds_limit=0.5)
    cache.encode(encoder, recording(), emotion_waveform=recording(2))
    assert len(encoded) == len(list(cache.folder.iterdir())) == 5


def test_another_encoder_is_another_entry_even_with_the_same_fingerprint(tiny_checkpoint, encoder, cache, encoded):
    other = load_encoder(open_checkpoint(tiny_checkpoint))
    other.style_encoder.get_parameter(next(name for name, _ in other.style_encoder.named_parameters())).add_(1.0)
    cache.encode(encoder, recording())
    cache.encode(other, recording())
    assert len(encoded) == 2


def test_the_folder_stays_below_its_bound_and_keeps_what_was_used_last(encoder, cache, encoded):
    for seed in range(3):
        cache.encode(encoder, recording(seed))
        for path in cache.folder.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
    cache.encode(encoder, recording(0))  # used again, so it is not the oldest
    size = max(path.stat().st_size for path in cache.folder.iterdir())
    ReferenceCache(cache.folder, largest=2 * size).encode(encoder, recording(3))
    assert len(list(cache.folder.iterdir())) == 2
    encoded.clear()
    cache.encode(encoder, recording(0))
    cache.encode(encoder, recording(3))
    assert not encoded


def test_a_damaged_entry_is_made_again(encoder, cache, encoded, caplog):
    first = cache.encode(encoder, recording())
    (entry,) = cache.folder.iterdir()
    entry.write_bytes(entry.read_bytes()[:-9])
    assert same(cache.encode(encoder, recording()), first)
    assert len(encoded) == 2 and "damaged" in caplog.text
    cache.encode(encoder, recording())
    assert len(encoded) == 2


def test_a_folder_that_cannot_be_written_is_a_warning(encoder, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    made = ReferenceCache(tmp_path / "file" / "references").encode(encoder, recording())
    assert same(made, encode_reference(encoder, recording())) and "cannot be kept" in caplog.text


def test_the_folder_is_the_one_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("INDEXTTS2_CACHE", str(tmp_path))
    assert ReferenceCache().folder == tmp_path / "references"
    monkeypatch.delenv("INDEXTTS2_CACHE")
    assert ReferenceCache().folder.parts[-2:] == ("indextts2", "references")
