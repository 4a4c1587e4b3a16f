"""Timelines: the best monotonic path, the heads that follow the text, one line per segment."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.contracts import EmotionWeights
from indextts2.errors import CheckpointMismatch, InputError
from indextts2.loading.checkpoint import load_t2s, open_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.stages.emotion.bank import speaker_emotion
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from indextts2.stages.t2s.word_alignment import (
    WordAlignment,
    all_heads,
    find_alignment_heads,
    monotonic_path,
    rank_heads,
    word_alignments,
)
from tests.stages.speaking import TEXTS, prepared, tiny_handle, tiny_model, tiny_speaker

TRUE_PATH = torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 4])


def attention_along(path, pieces, noise=0.0, seed=0):
    rows = torch.nn.functional.one_hot(path, pieces).float()
    rows = rows + noise * torch.rand(rows.shape, generator=torch.Generator().manual_seed(seed))
    return rows / rows.sum(-1, keepdim=True)


@pytest.fixture(scope="module")
def spoken():
    t2s, text, speaker = tiny_handle(tiny_model()), prepared(*TEXTS), tiny_speaker()
    semantic = text_to_semantic(t2s, text, speaker, sampling=SamplingSettings(max_tokens=80))
    return t2s, text, semantic, speaker


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_path_is_found(noise):
    path, mean = monotonic_path(attention_along(TRUE_PATH, 5, noise))
    assert torch.equal(path, TRUE_PATH)
    assert mean == pytest.approx(0.0, abs=1e-6) if noise == 0.0 else mean < 0.0


def test_a_path_begins_at_the_first_piece_and_moves_by_single_steps():
    attention = torch.rand(40, 9, generator=torch.Generator().manual_seed(3))
    path, _ = monotonic_path(attention)
    assert path[0] == 0 and set(path.diff().tolist()) <= {0, 1}


def test_fewer_tokens_than_pieces_still_have_a_path():
    path, _ = monotonic_path(attention_along(torch.tensor([0, 1, 2]), 9))
    assert path.tolist() == [0, 1, 2]


def test_the_head_that_follows_the_text_wins():
    generator = torch.Generator().manual_seed(1)
    utterances = []
    for seed in range(3):
        noise = torch.rand(4, 12, 5, generator=generator)
        heads = noise / noise.sum(-1, keepdim=True)
        heads[2] = attention_along(TRUE_PATH, 5, 0.2, seed)
        utterances.append(heads)
    ranked = rank_heads(utterances, [(0, 0), (0, 1), (1, 0), (1, 1)])
    assert ranked[0][0] == (1, 0) and ranked[0][1] > ranked[1][1] + 0.5


def test_spans_cover_all_tokens():
    spans = WordAlignment(TRUE_PATH, 1.0).spans(6)
    assert spans == ((0, 3), (3, 2), (5, 1), (6, 4), (10, 2), (12, 0))


def test_every_segment_has_a_timeline(spoken):
    lines = word_alignments(*spoken)
    _, text, semantic, _ = spoken
    for line, segment, count in zip(lines, text.segments, semantic.token_lengths, strict=True):
        assert len(line.pieces) == count and int(line.pieces.max()) < len(segment.ids)
        assert 0.0 < line.confidence <= 1.0


def test_a_segment_with_an_emotion_tag_is_aligned_with_that_emotion(tiny_checkpoint):
    t2s = load_t2s(open_checkpoint(tiny_checkpoint))
    speaker = replace(tiny_speaker(), fingerprint=t2s.fingerprint, encoder_fingerprint=t2s.encoder_fingerprint)
    plain, happy = prepared(*TEXTS), EmotionWeights.of(happy=0.9)
    tagged = replace(plain, segments=tuple(replace(one, emotion_weights=happy) for one in plain.segments))
    semantic = text_to_semantic(t2s, tagged, speaker, sampling=SamplingSettings(max_tokens=40))
    own = [line.confidence for line in word_alignments(t2s, plain, semantic, speaker)]
    wanted = word_alignments(t2s, plain, semantic, speaker, speaker_emotion(t2s, happy, speaker))
    found = [line.confidence for line in word_alignments(t2s, tagged, semantic, speaker)]
    assert found == [line.confidence for line in wanted] and found != own


def test_the_heads_of_a_checkpoint_are_used_when_it_names_them(spoken):
    t2s, text, semantic, speaker = spoken
    named = tiny_handle(tiny_model(replace(t2s.model.config, alignment_heads=((1, 0),))))
    wanted = word_alignments(t2s, text, semantic, speaker, heads=((1, 0),))
    found = word_alignments(named, text, semantic, speaker)
    assert all(torch.equal(a.pieces, b.pieces) for a, b in zip(found, wanted, strict=True))


def test_heads_are_found_from_finished_utterances(spoken):
    t2s, text, semantic, speaker = spoken
    utterances = [
        (segment.ids, semantic.tokens[row, : int(semantic.token_lengths[row])])
        for row, segment in enumerate(text.segments)
    ]
    heads = find_alignment_heads(t2s, speaker, utterances, count=2)
    assert len(set(heads)) == 2 and set(heads) <= set(all_heads(t2s.model))


def test_text_and_tokens_must_belong_together(spoken):
    t2s, _, semantic, speaker = spoken
    with pytest.raises(InputError, match="1 segments, but the semantic speech 3 rows"):
        word_alignments(t2s, prepared(TEXTS[0]), semantic, speaker)
    with pytest.raises(CheckpointMismatch):
        word_alignments(t2s, prepared(*TEXTS), replace(semantic, fingerprint="other"), speaker)
