"""A learned speaker condition opens beside a speaker that lends it everything else."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from indextts2.contracts import Speaker
from indextts2.errors import InputError
from indextts2.loading.learned_speaker import learned_condition, with_learned_condition

LATENTS, DIM = 4, 8


@pytest.fixture
def speaker():
    zeros = torch.zeros
    return Speaker(zeros(1, LATENTS, DIM), torch.ones(1, DIM), zeros(1, 3), zeros(1, 5, 9), zeros(1, 6, 2), "a", "b")


@pytest.mark.parametrize("name", ["learned.pt", "learned.safetensors"])
@pytest.mark.parametrize("shape", [(LATENTS, DIM), (1, LATENTS, DIM)])
def test_the_condition_of_a_file_takes_the_place_of_the_speakers_own(tmp_path, speaker, name, shape):
    condition = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    path = tmp_path / name
    save_file({"condition": condition}, path) if path.suffix == ".safetensors" else torch.save(condition, path)
    found = with_learned_condition(path, speaker)
    assert torch.equal(found.condition, condition.reshape(1, LATENTS, DIM))
    assert torch.equal(found.emotion_vector, speaker.emotion_vector) and found.fingerprint == "a"
    with pytest.raises(InputError, match="base_speaker"):
        with_learned_condition(path, None)


def test_a_condition_of_another_size_is_refused_by_name(tmp_path, speaker):
    torch.save(torch.zeros(1, DIM), tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"other\.pt.*\(1, 8\)"):
        with_learned_condition(tmp_path / "other.pt", speaker)


@pytest.mark.parametrize("content", [{"a": torch.ones(2, 2), "b": torch.ones(2, 2)}, {"a": torch.ones(3)}, {}])
def test_a_file_of_anything_else_is_none(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    assert learned_condition(tmp_path / "x.pt") is None
    (tmp_path / "y.pt").write_bytes(b"nothing of the kind")
    assert learned_condition(tmp_path / "y.pt") is None
