"""Making an emotion bank: what is chosen, what a row is, and what is refused."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from indextts2.config import EMOTIONS
from indextts2.contracts import EmotionWeights
from indextts2.errors import TrainingError
from indextts2.stages.emotion.bank import emotion_from_weights
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.emotion.bank import (
    BankSettings,
    Heard,
    extract_bank,
    group_by_direction,
    representative_rows,
    separation,
    write_bank,
)

FEATURES, STYLE = 9, 5
SPEAKERS = {"low": (1.0, 0.0), "lower": (0.9, 0.1), "high": (0.0, 1.0)}  # the first two numbers of the style


class MeanListener:
    """Hears the mean of the features; the toy features of an emotion have their mean at that emotion's place."""

    def emotion_vector(self, features, feature_mask=None):
        return features.mean(dim=1)


def entry(name, speaker, style, **changes):
    line = {
        "id": name, "speaker": speaker, "style": style, "split": "train", "text": "x", "seconds": 1.0,
        "token_count": 25, "frame_count": 86, "shard": "shard.safetensors",
    }  # fmt: skip
    return line | changes


@pytest.fixture
def store(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tensors, lines = {}, []
    for speaker, (first, second) in SPEAKERS.items():
        for style in ("neutral", *EMOTIONS):
            for number in range(2):
                name = f"{speaker}_{style}_{number}"
                centre = torch.zeros(FEATURES)
                if style in EMOTIONS:
                    centre[EMOTIONS.index(style)] = 3.0
                tensors[f"{name}/features"] = centre + 0.1 * torch.randn(25, FEATURES, generator=generator)
                tensors[f"{name}/style"] = torch.tensor([first, second, 0.0, 0.0, 0.1])
                lines.append(entry(name, speaker, style))
    for name, changes in (
        ("short_happy", {"token_count": 3}),
        ("test_happy", {"split": "test_text"}),
        ("low_happy_0@0.9", {"speed": 0.9}),
    ):
        tensors[f"{name}/features"] = torch.full((25, FEATURES), 100.0)
        tensors[f"{name}/style"] = torch.ones(STYLE)
        lines.append(entry(name, "low", "happy", **changes))
    save_file(tensors, tmp_path / "shard.safetensors")
    (tmp_path / "index.jsonl").write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return FeatureStore(tmp_path)


def test_a_bank_has_the_asked_rows_and_each_emotion_stands_out(store):
    bank = extract_bank(MeanListener(), store, BankSettings(group_sizes=(2,) * 8))
    assert bank.group_sizes == (2,) * 8
    assert bank.style_rows.shape == (16, STYLE)
    assert [int(row[:8].argmax()) for row in bank.emotion_rows] == [place for place in range(8) for _ in range(2)]
    assert separation(bank) > 5


def test_short_held_out_and_respeeded_recordings_stay_out(store):
    assert float(extract_bank(MeanListener(), store).emotion_rows.max()) < 4.0


def test_similar_speakers_share_a_row_and_the_speaker_finds_it(store):
    bank = extract_bank(MeanListener(), store, BankSettings(group_sizes=(2,) * 8))
    low, high = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.1]]), torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.1]])
    base = torch.zeros(1, FEATURES)
    happy = EmotionWeights.of(happy=1.0)
    rows = [emotion_from_weights(bank, happy, style, base).vector for style in (low, high)]
    assert not torch.equal(*rows)
    for row, speakers in zip(rows, (("low", "lower"), ("high",)), strict=True):
        heard = [item for item in store if item.style == "happy" and item.speaker in speakers and item.speed == 1.0]
        heard = [item for item in heard if item.split == "train" and item.token_count >= 20]
        wanted = torch.stack([store.tensor(item, "features").mean(dim=0) for item in heard]).mean(dim=0)
        torch.testing.assert_close(row[0], wanted)


def test_no_more_rows_than_speakers(store):
    assert extract_bank(MeanListener(), store, BankSettings(group_sizes=(9,) * 8)).group_sizes == (3,) * 8


def test_a_learned_offset_is_added_to_every_row_of_its_emotion(store):
    settings = BankSettings(group_sizes=(2,) * 8)
    plain = extract_bank(MeanListener(), store, settings)
    offset = torch.full((plain.emotion_rows.shape[1],), 0.25)
    moved = extract_bank(MeanListener(), store, settings, offsets={"sad": offset}).emotion_rows - plain.emotion_rows
    expected = torch.zeros_like(moved).view(8, 2, -1)
    expected[EMOTIONS.index("sad")] = 0.25
    torch.testing.assert_close(moved.view(8, 2, -1), expected)


def test_a_medoid_row_is_one_of_the_recordings(store):
    bank = extract_bank(MeanListener(), store, BankSettings(group_sizes=(1,) * 8, rows="medoid"))
    recordings = torch.stack([store.tensor(item, "features").mean(dim=0) for item in store])
    assert all(float((recordings - row).norm(dim=-1).min()) < 1e-6 for row in bank.emotion_rows)


def test_every_speaker_counts_the_same_in_a_mean_row():
    style = torch.ones(1, 2)
    many = Heard("many", style.repeat(3, 1), torch.tensor([[1.0], [1.0], [1.0]]))
    one = Heard("one", style, torch.tensor([[3.0]]))
    assert float(representative_rows([many, one], 1)[1]) == 2.0


def test_grouping_is_repeatable_and_leaves_no_group_empty():
    points = torch.randn(20, 4, generator=torch.Generator().manual_seed(3))
    groups = group_by_direction(points, 5)
    assert torch.equal(groups, group_by_direction(points.clone(), 5))
    assert groups.unique().tolist() == list(range(len(groups.unique())))
    assert group_by_direction(torch.ones(4, 3), 3).tolist() == [0] * 4


def test_an_emotion_without_recordings_is_named(store):
    with pytest.raises(TrainingError, match="calm"):
        extract_bank(MeanListener(), store, BankSettings(style_names=(("calm", "happy"),)))


def test_styles_may_have_other_names(store):
    bank = extract_bank(MeanListener(), store, BankSettings(group_sizes=(1,) * 8, style_names=(("neutral", "calm"),)))
    assert float(bank.emotion_rows[7, 7]) < 2.0  # neutral and calm recordings averaged


def test_impossible_settings_are_refused():
    with pytest.raises(TrainingError, match="group sizes"):
        BankSettings(group_sizes=(1, 2))
    with pytest.raises(TrainingError, match="mean or medoid"):
        BankSettings(rows="median")


def test_a_written_bank_has_its_tensors_and_sizes(store, tmp_path):
    bank = extract_bank(MeanListener(), store)
    write_bank(tmp_path / "bank" / "emotion_bank.safetensors", bank, {"licence": "CC0"})
    tensors = load_file(tmp_path / "bank" / "emotion_bank.safetensors")
    assert torch.equal(tensors["emotion_rows"], bank.emotion_rows)
    assert torch.equal(tensors["style_rows"], bank.style_rows)


def test_progress_counts_every_recording(store):
    seen = []
    extract_bank(MeanListener(), store, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (48, 48)


def test_emphasis_moves_every_row_away_from_neutral_speech(store):
    plain = extract_bank(MeanListener(), store, BankSettings())
    strong = extract_bank(MeanListener(), store, BankSettings(emphasis=2.5))
    neutral = torch.stack([store.tensor(row, "features").mean(dim=0) for row in store if row.style == "neutral"]).mean(
        dim=0
    )
    torch.testing.assert_close(strong.emotion_rows - neutral, 2.5 * (plain.emotion_rows - neutral))
    assert torch.equal(plain.style_rows, strong.style_rows)


def test_emphasis_without_neutral_speech_or_of_no_size_is_refused(store):
    with pytest.raises(TrainingError, match="neutral_style"):
        extract_bank(MeanListener(), store, BankSettings(emphasis=2.0, neutral_style="plain"))
    for emphasis in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(TrainingError, match="emphasis"):
            BankSettings(emphasis=emphasis)
