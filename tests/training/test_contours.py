"""Pitch, loudness and voicing along an utterance, and the head that reads them off hidden states."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from indextts2.errors import TrainingError
from indextts2.training.data.contours import ContourHead, relative_contours, token_contour
from indextts2.training.data.feature_store import FeatureStore
from tests.training.toy_features import write_toy_features


@pytest.mark.parametrize("tokens", [25, 24, 50])
def test_a_contour_has_two_rows_per_token_and_follows_a_tone_that_rises_and_ends(tokens):
    time = torch.arange(16_000) / 16_000
    tone = torch.sin(2 * math.pi * (120 * time + 40 * time**2)) * (time < 0.8)
    contour = token_contour(tone, tokens)
    assert contour.shape == (2 * tokens, 3)
    middle = (torch.arange(2 * tokens) + 0.5) / (2 * tokens)
    inside = (middle > 0.05) & (middle < 0.75)
    wanted = torch.log(120 + 80 * middle[inside])
    torch.testing.assert_close(contour[inside, 0], wanted, atol=0.02, rtol=0.0)
    assert bool(contour[inside, 2].all()) and not bool(contour[middle > 0.85, 2].any())
    assert float(contour[inside, 1].mean() - contour[middle > 0.9, 1].mean()) > 5.0


def test_contours_are_measured_from_the_mean_of_the_voiced_rows_of_a_speaker(tmp_path):
    store = write_toy_features(tmp_path)
    mine = [entry for entry in store if entry.speaker == "s0"]
    found = relative_contours(store, list(store))
    rows = torch.cat([found[entry.id] for entry in mine])
    plain = torch.cat([store.tensor(entry, "contour") for entry in mine])
    voiced = plain[:, 2] > 0
    torch.testing.assert_close(rows[voiced, :2].mean(dim=0), torch.zeros(2), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(rows[1:, 0] - rows[:-1, 0], (plain[1:, 0] - plain[:-1, 0]) / 0.2, atol=1e-4, rtol=1e-3)
    assert torch.equal(rows[:, 2], plain[:, 2])


def test_features_without_a_contour_are_refused_by_name(tmp_path):
    store = write_toy_features(tmp_path)
    first = store.entries[0]
    key = f"{first.id}/contour"
    tensors = load_file(str(tmp_path / first.shard))
    save_file({name: value for name, value in tensors.items() if name != key}, str(tmp_path / first.shard))
    with pytest.raises(TrainingError, match="contour.*new folder"):
        relative_contours(FeatureStore(tmp_path), list(store))


def test_the_head_counts_pitch_where_voiced_and_only_rows_that_count():
    head = ContourHead(6, rows=2)
    with torch.no_grad():
        head.layer.weight.copy_(torch.eye(6))
        head.layer.bias.zero_()
    contour = torch.tensor([[[1.0, 2.0, 1.0], [7.0, -1.0, 0.0], [9.0, 9.0, 1.0], [9.0, 9.0, 0.0]]])
    hidden = torch.tensor([[[1.5, 2.0, 50.0, 0.0, -2.0, -50.0], [0.0] * 6]])
    counted = torch.tensor([[True, False]])
    assert float(head(hidden, contour, counted)) == pytest.approx(0.5 + 0.5, abs=1e-6)  # pitch once, loudness of two
    assert float(head(hidden, contour, torch.zeros(1, 2, dtype=torch.bool))) == 0.0
