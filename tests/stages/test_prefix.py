"""Prefixes: the attention mask with several emotions, left padding, and that equal emotions equal one emotion."""

from __future__ import annotations

import pytest
import torch

from indextts2.sampling import SamplingSettings
from indextts2.stages.t2s.decode import DecodeJob, decode
from indextts2.stages.t2s.latents import latents
from indextts2.stages.t2s.prefix import Phase, build_prefix, merge_prefixes
from tests.conftest import TINY
from tests.stages.speaking import emotion_vector, prefilled, tiny_model, tiny_speaker

BLOCK = TINY.t2s.speaker.latents + 2  # latents and two duration slots
IDS = (11, 12, 13, 14)
LONG = (11, 12, 13, 14, 15, 16, 17, 18, 19, 20)


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def three_phases():
    return [Phase(0, emotion_vector(1)), Phase(1, emotion_vector(2)), Phase(3, emotion_vector(3))]


def built(model, phases, ids=IDS):
    return build_prefix(model, tiny_speaker().condition, phases, model.duration_slots(None), ids)


def job_for(count, tokens):
    bias = torch.full((count, tokens + 1), float("-inf"))
    bias[:, tokens] = float("inf")
    return DecodeJob(tuple(range(count)), (1,) * count, torch.full((count,), tokens + 1), bias, 10.0)


def collapsed(mask):
    """One row and column per block instead of each of its rows, which must agree."""
    order = [0, BLOCK, 2 * BLOCK, *range(3 * BLOCK, mask.shape[0])]
    last = [BLOCK - 1, 2 * BLOCK - 1, 3 * BLOCK - 1, *range(3 * BLOCK, mask.shape[0])]
    return mask[last][:, order].int().tolist()


def test_the_mask_of_three_phases_is_the_published_table(model):
    """Rows and columns: block 0, 1, 2, start text, pieces 0 to 3, stop text, start token.

    Source: docs/spec/control.md#visibility.
    """
    assert collapsed(built(model, three_phases()).attn_mask[0]) == [
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 1, 1, 0, 0, 0, 0, 0],
        [0, 1, 0, 1, 1, 1, 0, 0, 0, 0],
        [0, 1, 0, 1, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 1, 1, 0, 0],
        [1, 0, 0, 1, 1, 1, 1, 1, 1, 0],
        [1, 0, 0, 1, 1, 1, 1, 1, 1, 1],
    ]


def test_blocks_are_causal_inside(model):
    mask = built(model, three_phases()).attn_mask[0, :BLOCK, :BLOCK]
    assert torch.equal(mask, torch.ones(BLOCK, BLOCK, dtype=torch.bool).tril())


def test_tokens_of_a_phase_see_its_block_and_all_text(model):
    prefix = built(model, three_phases())
    for phase, columns in enumerate(prefix.phase_columns[0]):
        blocks = columns[: 3 * BLOCK].view(3, BLOCK)
        assert [bool(block.all()) for block in blocks] == [index == phase for index in range(3)]
        assert [bool(block.any()) for block in blocks] == [index == phase for index in range(3)]
        assert columns[3 * BLOCK :].all()
    assert prefix.phase_ends[0].tolist() == [1, 3, 4]
    assert torch.equal(prefix.text_columns[0], torch.arange(3 * BLOCK, 3 * BLOCK + 5))


def test_merging_pads_on_the_left_and_moves_every_index(model):
    one, three = built(model, three_phases()[:1], ids=IDS[:2]), built(model, three_phases())
    both = merge_prefixes([one, three])
    left = three.rows - one.rows
    assert torch.equal(both.embeddings[0, left:], one.embeddings[0]) and not both.embeddings[0, :left].any()
    assert torch.equal(both.attn_mask[0, left:, left:], one.attn_mask[0])
    assert not both.attn_mask[0, left:, :left].any()
    assert both.attn_mask[0].any(1).all(), "a row that attends to nothing turns into NaN"
    assert torch.equal(both.text_columns[0, :3], one.text_columns[0] + left)
    assert both.text_mask.tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert both.phase_counts.tolist() == [1, 3]
    assert torch.equal(both.embeddings[1], three.embeddings[0])


def test_equal_emotions_in_every_phase_equal_the_plain_path(model):
    how = SamplingSettings(repetition_penalty=2.0, max_tokens=60)
    vector = emotion_vector(7)
    plain = prefilled(model, [LONG], [[Phase(0, vector)]])
    equal = prefilled(model, [LONG], [[Phase(0, vector), Phase(4, vector), Phase(7, vector)]])
    first, second = (decode(model, ready, job_for(1, 50), how)[0] for ready in (plain, equal))
    assert torch.equal(first.tokens, second.tokens)
    assert second.phases.max() == 2 and first.phases.max() == 0
    wanted, found = latents(model, plain, [0], [first]), latents(model, equal, [0], [second])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_latents_of_phases_attend_to_what_decoding_attended_to(model):
    """With rows k + 1 in both passes, greedy tokens are the best guesses of their latents, phase by phase."""
    how = SamplingSettings(mode="greedy", repetition_penalty=1.0, max_tokens=60)
    ready = prefilled(model, [LONG], [[Phase(0, emotion_vector(1)), Phase(5, emotion_vector(2))]])
    take = decode(model, ready, job_for(1, 50), how)[0]
    assert 0 < int((take.phases == 1).sum()) < 50
    latent = latents(model, ready, [0], [take])
    logits = model.mel_head(latent[0])
    logits[:, model.config.stop_semantic] = float("-inf")  # forbidden while decoding
    assert torch.equal(logits.argmax(-1), take.tokens)


def test_scheduled_items_in_a_batch_equal_the_items_alone(model):
    how = SamplingSettings(repetition_penalty=2.0, max_tokens=60)
    phases = [[Phase(0, emotion_vector(1)), Phase(5, emotion_vector(2))], [Phase(0, emotion_vector(3))]]
    together = decode(model, prefilled(model, [LONG, IDS], phases), job_for(2, 50), how)
    for row, ids in enumerate((LONG, IDS)):
        alone = decode(model, prefilled(model, [ids], phases[row : row + 1]), job_for(1, 50), how)[0]
        assert torch.equal(alone.tokens, together[row].tokens) and torch.equal(alone.phases, together[row].phases)
