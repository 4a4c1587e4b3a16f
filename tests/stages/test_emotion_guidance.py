"""Emotion guidance in the choice of tokens, and latent guidance in the flow: amplified differences, exact when off."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.contracts import Emotion, Keyframe
from indextts2.errors import InputError
from indextts2.sampling import SAMPLERS, SamplingSettings, amplified
from indextts2.stages.semantic_to_mel import FlowSettings, semantic_to_mel
from indextts2.stages.t2s.batches import DecodingSettings
from indextts2.stages.t2s.decode import decode, first_state
from indextts2.stages.t2s.prefix import Phase
from indextts2.stages.t2s.step import DecodeStep
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from tests.stages.speaking import (
    TEXTS,
    emotion_vector,
    plain_job,
    prefilled,
    prepared,
    tiny_emotion,
    tiny_handle,
    tiny_model,
    tiny_speaker,
    tokens,
)
from tests.stages.test_graphs import Tapes
from tests.stages.test_semantic_to_mel import FAST, s2m, speaker, speech  # noqa: F401
from tests.stages.test_step import NothingWithTheHost

HOW = SamplingSettings(max_tokens=40)
STRONG = replace(HOW, emotion_guidance=4.0)


@pytest.fixture(scope="module")
def t2s():
    return tiny_handle(tiny_model())


def speak(t2s, *texts, how=HOW, emotion=None, seed=3, **more):
    return text_to_semantic(
        t2s, prepared(*texts), tiny_speaker(), emotion or tiny_emotion(), sampling=how, seed=seed, **more
    )


def same(one, other) -> bool:
    return torch.equal(one.tokens, other.tokens) and torch.equal(one.latent, other.latent)


def both_ready(model, texts=TEXTS[:1]):
    """Texts with an emotion, then the same with the speaker's own."""
    own = [Phase(0, tiny_speaker().emotion_vector)]
    return prefilled(model, [*texts, *texts], [[Phase(0, emotion_vector(2))]] * len(texts) + [own] * len(texts))


def guided_job(model, texts, how):
    rows = tuple(range(len(texts)))
    return replace(plain_job(model, rows, rows, how), plain_segments=tuple(row + len(texts) for row in rows))


def test_the_difference_is_multiplied_and_one_is_the_emotion_itself():
    emotion, own = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])
    both = torch.cat([emotion, own])
    assert torch.equal(amplified(both, 1.0), emotion) and torch.equal(amplified(both, 0.0), own)
    assert torch.equal(amplified(both, 3.0), torch.tensor([[3.0, -2.0]]))
    shifted = torch.cat([emotion + 5.0, own - 2.0])  # constants added to rows change no chance
    torch.testing.assert_close(amplified(shifted, 3.0).log_softmax(-1), amplified(both, 3.0).log_softmax(-1))


@pytest.mark.parametrize("mode", tuple(SAMPLERS))
@pytest.mark.parametrize("duration", [None, tokens(21, "forced")], ids=["free", "fixed"])
def test_a_guidance_of_one_is_the_unguided_decode_to_the_bit(t2s, mode, duration, monkeypatch):
    off = speak(t2s, *TEXTS, how=replace(HOW, mode=mode), duration=duration)
    monkeypatch.setattr("indextts2.stages.t2s.step.amplified", None)  # it is not even called
    assert same(off, speak(t2s, *TEXTS, how=replace(HOW, mode=mode, emotion_guidance=1.0), duration=duration))


@pytest.mark.parametrize("mode", tuple(SAMPLERS))
@pytest.mark.parametrize("duration", [None, tokens(21, "forced")], ids=["free", "fixed"])
def test_every_search_is_guided_and_keeps_lengths_and_seeds(t2s, mode, duration):
    how = replace(STRONG, mode=mode)
    guided = speak(t2s, *TEXTS, how=how, duration=duration)
    assert same(guided, speak(t2s, *TEXTS, how=how, duration=duration))
    assert not same(guided, speak(t2s, *TEXTS, how=replace(how, emotion_guidance=1.0), duration=duration))
    if duration is not None:
        assert int(guided.token_lengths.sum()) == 21


def test_a_guided_greedy_decode_equals_two_uncached_ones_side_by_side(t2s):
    model, how = t2s.model, SamplingSettings(mode="greedy", max_tokens=12, repetition_penalty=1.0, emotion_guidance=2.0)
    ready = both_ready(model)
    (take,) = decode(model, ready, guided_job(model, TEXTS[:1], how), how)
    assert len(take.tokens) > 3
    config, prefix = model.config, ready.prefix
    for count in range(len(take.tokens)):
        rows = torch.arange(count) + config.decode_row_offset
        chunk = model.embed_semantic_at(take.tokens[None, :count].expand(2, -1), rows)
        mask = torch.ones(prefix.rows + count, prefix.rows + count, dtype=torch.bool).tril().repeat(2, 1, 1)
        mask[:, : prefix.rows, : prefix.rows] = prefix.attn_mask
        hidden = model.states(torch.cat([prefix.embeddings, chunk], dim=1), attn_mask=mask).hidden[:, -1]
        emotion, own = model.mel_head(hidden).log_softmax(-1)
        assert int((own + 2.0 * (emotion - own)).argmax()) == int(take.tokens[count])


def test_speech_with_the_speakers_own_emotion_is_not_guided(t2s):
    own = Emotion(tiny_speaker().emotion_vector)
    assert same(speak(t2s, TEXTS[0], emotion=own, how=STRONG), speak(t2s, TEXTS[0], emotion=own))


def test_segments_takes_and_batches_are_guided_as_if_alone(t2s):
    together = speak(t2s, *TEXTS, how=STRONG, decoding=DecodingSettings(takes=2))
    alone = speak(t2s, *TEXTS, how=STRONG, decoding=DecodingSettings(takes=2, rows_at_once=2))
    assert torch.equal(together.tokens, alone.tokens)
    torch.testing.assert_close(together.latent, alone.latent, rtol=1e-4, atol=1e-4)
    streamed = [speak(t2s, *TEXTS, how=STRONG, segments=(index,)) for index in range(len(TEXTS))]
    first = speak(t2s, *TEXTS, how=STRONG)
    for index, one in enumerate(streamed):
        assert torch.equal(one.tokens[0], first.tokens[index, : one.tokens.shape[1]])


@pytest.mark.parametrize("transition", ["step", "linear"])
def test_a_schedule_is_guided_in_every_phase(t2s, transition):
    frames = tuple(Keyframe(place, emotion_vector(seed)) for place, seed in ((0.0, 3), (0.6, 4)))
    schedule = Emotion(frames[0].vector, frames, transition=transition)
    guided = speak(t2s, TEXTS[2], emotion=schedule, how=STRONG, duration=tokens(30))
    assert guided.token_lengths.tolist() == [30] and torch.isfinite(guided.latent).all()
    assert not torch.equal(guided.tokens, speak(t2s, TEXTS[2], emotion=schedule, duration=tokens(30)).tokens)


@pytest.mark.parametrize("scheduled", [False, True], ids=["one emotion", "a schedule"])
def test_a_guided_step_moves_no_buffer_asks_the_host_for_nothing_and_can_be_replayed(t2s, scheduled):
    model, how = t2s.model, replace(STRONG, mode="beam")
    changing = [Phase(0, emotion_vector(1)), Phase(1, emotion_vector(2))]
    plain = [replace(phase, vector=tiny_speaker().emotion_vector) for phase in changing]
    ready = prefilled(model, [TEXTS[0]] * 2, [changing, plain]) if scheduled else both_ready(model)
    job = guided_job(model, TEXTS[:1], how)
    state = first_state(model, ready, job, how)
    state.reserve(state.cache.max_rows)
    step = DecodeStep(model, how, ready.prefix.rows, guided=True)
    addresses = {name: (buffer.data_ptr(), buffer.shape) for name, buffer in state.buffers().items()}
    for _ in range(3):
        with NothingWithTheHost(), torch.no_grad():
            step(state)
    assert {name: (buffer.data_ptr(), buffer.shape) for name, buffer in state.buffers().items()} == addresses
    assert len(set(pointer for pointer, _ in addresses.values())) == len(addresses)
    tapes = Tapes()
    replayed = decode(model, ready, job, how, graphs=tapes)
    assert tapes.replays > tapes.captures > 0 and torch.equal(
        replayed[0].tokens, decode(model, ready, job, how)[0].tokens
    )


@pytest.mark.parametrize("bad", [-0.5, float("inf"), float("nan")])
def test_guidance_that_means_nothing_is_refused(bad):
    with pytest.raises(InputError, match="emotion_guidance (is finite|should be a finite number)"):
        SamplingSettings(emotion_guidance=bad)
    with pytest.raises(InputError, match="latent_guidance should be (a )?finite"):
        FlowSettings(latent_guidance=bad)


@pytest.mark.parametrize("guidance", [0.0, 0.7])
def test_latent_guidance_multiplies_what_the_latent_changes_in_the_guided_velocity(s2m, speaker, guidance):  # noqa: F811
    """One step of Euler's method is the velocity itself."""

    def mel(strength: float, **more: float) -> torch.Tensor:
        flow = replace(FAST, steps=1, solver="euler", guidance=guidance, latent_strength=strength, **more)
        return semantic_to_mel(s2m, speech(6, 9), speaker, flow=flow).mel

    plain, bare = mel(1.0), mel(0.0)
    assert torch.equal(mel(1.0, latent_guidance=1.0), plain)
    torch.testing.assert_close(mel(1.0, latent_guidance=3.0), bare + 3.0 * (plain - bare), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mel(1.0, latent_guidance=0.0), bare, rtol=1e-4, atol=1e-4)


def test_latent_guidance_adds_one_row_to_every_evaluation(s2m, speaker, monkeypatch):  # noqa: F811
    rows: list[int] = []
    plain = type(s2m.model.estimator).forward

    def counted(self, noisy, times, context):
        rows.append(noisy.shape[0])
        return plain(self, noisy, times, context)

    monkeypatch.setattr(type(s2m.model.estimator), "forward", counted)
    for guidance, latent_guidance in ((0.0, 1.0), (0.0, 2.0), (0.7, 1.0), (0.7, 2.0)):
        flow = replace(FAST, guidance=guidance, latent_guidance=latent_guidance)
        semantic_to_mel(s2m, speech(6), speaker, flow=flow)
    assert rows == [1] * 3 + [2] * 3 + [2] * 3 + [3] * 3


def test_latent_guidance_without_a_latent_changes_nothing_and_says_so(s2m, speaker):  # noqa: F811
    guided = replace(FAST, latent_guidance=2.0)
    plain = semantic_to_mel(s2m, speech(6, latent=False), speaker, flow=FAST)
    mel = semantic_to_mel(s2m, speech(6, latent=False), speaker, flow=guided)
    assert torch.equal(mel.mel, plain.mel)
    assert any("no latent in this speech" in warning for warning in mel.reports[0].warnings)
    assert not any(
        "latent" in warning for warning in semantic_to_mel(s2m, speech(6), speaker, flow=guided).reports[0].warnings
    )
