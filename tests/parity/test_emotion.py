"""Emotion mixing, slider rules and reply parsing against the reference implementation's results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from indextts2.config import EmotionBankConfig
from indextts2.contracts import EmotionWeights
from indextts2.stages.emotion.bank import balance_weights, choose_rows, emotion_from_weights, row_indices, scale_weights
from indextts2.stages.emotion.reply import UnreadableReply, parse_reply
from indextts2.stages.handles import EmotionBank

RULES = json.loads((Path(__file__).parent / "data" / "s2m_text_emotion_and_rules.json").read_text(encoding="utf-8"))


@pytest.fixture
def bank(parity):
    fixture = parity("s2m_emotion_mix")
    sizes = tuple(fixture.meta["emo_num"])
    return EmotionBank(fixture.tensor("in/spk_matrix"), fixture.tensor("in/emo_matrix"), sizes)


def test_released_group_sizes_are_the_default(bank):
    assert bank.group_sizes == EmotionBankConfig().group_sizes


@pytest.mark.parametrize("case", [0, 1, 2])
def test_the_nearest_rows_are_the_reference_rows(parity, bank, case):
    fixture = parity("s2m_emotion_mix")
    picked = row_indices(bank, fixture.tensor(f"in/style{case}"), selection="nearest")
    assert list(picked) == fixture.tensor(f"out/index{case}").tolist()


@pytest.mark.parametrize("case", [0, 1, 2])
def test_the_mixed_vector_is_the_reference_vector(parity, bank, case):
    fixture = parity("s2m_emotion_mix")
    weights = EmotionWeights(tuple(fixture.tensor(f"in/weights{case}").tolist()))
    style, base = fixture.tensor(f"in/style{case}"), fixture.tensor(f"in/base{case}")
    rows = choose_rows(bank, style)
    fixture.assert_close((torch.tensor(weights.values).unsqueeze(1) * rows).sum(0, True), f"out/emovec_mat{case}")
    fixture.assert_close(emotion_from_weights(bank, weights, style, base).vector, f"out/emovec{case}")


@pytest.mark.parametrize("case", RULES["normalize_emo_vec"])
def test_slider_bias_and_cap_are_the_reference_numbers(case):
    weights = EmotionWeights(tuple(float(value) for value in case["vector"]))
    assert balance_weights(weights, bias=case["apply_bias"]).values == pytest.approx(tuple(case["out"]), abs=1e-15)


@pytest.mark.parametrize("case", RULES["alpha_scaling"])
def test_strength_cuts_weights_exactly_as_the_reference_does(case):
    weights = EmotionWeights(tuple(case["vector"]))
    assert scale_weights(weights, case["emo_alpha"]).values == tuple(case["out"])


@pytest.mark.parametrize("case", RULES["parse_cases"], ids=lambda case: case["user_text"])
def test_every_reply_of_the_table_is_read_as_the_reference_reads_it(case):
    if "raises" in case:
        with pytest.raises(UnreadableReply):
            parse_reply(case["raw"], case["user_text"], compatible=True)
    else:
        found = parse_reply(case["raw"], case["user_text"], compatible=True)
        assert found.values == pytest.approx(tuple(case["vector"]), abs=1e-12)
