"""The decoding loop: batches equal single rows, beams score as an uncached pass does, cancelling is safe."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.errors import Cancelled, InputError
from indextts2.sampling import SAMPLERS, SamplingSettings
from indextts2.stages.t2s.decode import Take, decode
from indextts2.stages.t2s.latents import latents
from tests.conftest import TINY
from tests.stages.speaking import TEXTS, decoded, plain_job, prefilled, tiny_model, tiny_speaker


def settings(mode="beam", **more):
    return SamplingSettings(**({"mode": mode, "max_tokens": 60, "repetition_penalty": 2.0} | more))


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def endless():
    """A model that never stops of its own accord."""
    model = tiny_model()
    model.mel_head.bias[model.config.stop_semantic] = -60.0
    return model


def teacher_forced(model, ids, tokens):
    speaker = tiny_speaker()
    return model.forward_training(
        speaker.condition, speaker.emotion_vector, model.duration_slots(None), torch.tensor([ids]),
        torch.tensor([len(ids)]), tokens[None], torch.tensor([len(tokens)]),
    )  # fmt: skip


def finished(tokens):
    return Take(tokens, torch.zeros_like(tokens), 0.0, True)


def same(takes, others):
    return all(torch.equal(a.tokens, b.tokens) and a.stopped == b.stopped for a, b in zip(takes, others, strict=True))


@pytest.mark.parametrize("mode", tuple(SAMPLERS))
def test_a_batch_of_segments_equals_its_segments_alone(model, mode):
    how = settings(mode)
    together = decoded(model, TEXTS, how, seeds=(7, 8, 9))
    for row, ids in enumerate(TEXTS):
        alone = decoded(model, [ids], how, seeds=(7 + row,))
        assert same(alone, together[row : row + 1])
        assert alone[0].score == pytest.approx(together[row].score, abs=1e-3)


def test_a_finished_row_stays_as_it_is_even_where_longer_ones_would_score_higher(model):
    """Sums of raw logits grow, so a later stop would win if a finished row were still open."""
    how, seeds = settings("sample", official_logits=True, repetition_penalty=1.0), (41, 42, 43)
    together = decoded(model, TEXTS, how, seeds=seeds)
    assert len({len(take.tokens) for take in together}) > 1
    for row, ids in enumerate(TEXTS):
        assert same(decoded(model, [ids], how, seeds=seeds[row : row + 1]), together[row : row + 1])


def test_takes_of_one_batch_equal_the_takes_alone(model):
    how, ready = settings(), prefilled(model)
    together = decode(model, ready, plain_job(model, (1, 1, 1, 2), (3, 4, 5, 6), how), how)
    for item, (segment, seed) in enumerate(((1, 3), (1, 4), (1, 5), (2, 6))):
        assert same(decode(model, ready, plain_job(model, (segment,), (seed,), how), how), together[item : item + 1])
    assert len({tuple(take.tokens.tolist()) for take in together[:3]}) > 1


def test_greedy_cached_decoding_equals_uncached_decoding(endless):
    how = settings("greedy", max_tokens=25, repetition_penalty=1.0)
    take = decoded(endless, TEXTS[:1], how)[0]
    logits = teacher_forced(endless, TEXTS[0], take.tokens).semantic_logits[0, :-1]
    assert torch.equal(logits.argmax(-1), take.tokens)


@pytest.mark.parametrize("beams", [2, 3, 5])
def test_the_score_of_a_beam_is_the_uncached_probability_of_its_tokens(endless, beams):
    """Holds only if every hypothesis saw its own ancestors and nothing else."""
    how = settings("beam_search", beams=beams, max_tokens=30, repetition_penalty=1.0)
    for ids, take in zip(TEXTS, decoded(endless, TEXTS, how), strict=True):
        log_probability = teacher_forced(endless, ids, take.tokens).semantic_logits[0, :-1].log_softmax(-1)
        assert take.score == pytest.approx(float(log_probability.gather(1, take.tokens[:, None]).sum()), abs=1e-3)


def test_more_beams_find_a_likelier_sentence(endless):
    how = settings("beam_search", max_tokens=30, repetition_penalty=1.0)
    greedy = decoded(endless, TEXTS, replace(how, beams=1))
    wide = decoded(endless, TEXTS, replace(how, beams=6))
    assert all(b.score >= a.score - 1e-4 for a, b in zip(greedy, wide, strict=True))
    assert any(b.score > a.score + 1e-2 for a, b in zip(greedy, wide, strict=True))


@pytest.mark.parametrize("mode", ["beam", "sample"])
def test_one_seed_gives_one_result_and_another_seed_another(endless, mode):
    how = settings(mode, max_tokens=30)
    first, again, other = (decoded(endless, TEXTS[:1], how, seeds=(seed,)) for seed in (11, 11, 12))
    assert same(first, again) and not same(first, other)


def test_the_global_random_state_is_neither_used_nor_changed(model):
    state = torch.get_rng_state()
    first = decoded(model, TEXTS, settings())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert same(first, decoded(model, TEXTS, settings()))


def test_rows_that_end_at_different_steps_still_equal_themselves_alone(model):
    how = settings("beam")
    together = decoded(model, TEXTS, how, seeds=(21, 22, 23))
    assert len({len(take.tokens) for take in together}) > 1, "choose seeds that give different lengths"
    for row, ids in enumerate(TEXTS):
        assert same(decoded(model, [ids], how, seeds=(21 + row,)), together[row : row + 1])


@pytest.mark.parametrize("mode", tuple(SAMPLERS))
def test_the_limit_counts_the_stop_and_says_so(endless, mode):
    takes = decoded(endless, TEXTS, settings(mode, max_tokens=17))
    assert [len(take.tokens) for take in takes] == [17] * 3
    assert not any(take.stopped for take in takes)


def test_no_take_outgrows_the_position_table(endless):
    take = decoded(endless, TEXTS[:1], settings("greedy", max_tokens=10_000))[0]
    assert len(take.tokens) == TINY.t2s.semantic_rows


@pytest.mark.parametrize("mode", ["beam", "greedy"])
def test_cancelling_between_any_two_steps_leaves_everything_usable(endless, mode):
    how = settings(mode, max_tokens=12)
    ready = prefilled(endless)
    job = plain_job(endless, (0, 1, 2), (1, 2, 3), how)
    keys = ready.cache.keys.clone()
    wanted = decode(endless, ready, job, how)
    for last in range(1, 13):

        def stop_at(done, total, last=last):
            if done == last:
                raise Cancelled(f"at {done} of {total}")

        with pytest.raises(Cancelled):
            decode(endless, ready, job, how, progress=stop_at)
        assert torch.equal(ready.cache.keys, keys)
    assert same(decode(endless, ready, job, how), wanted)


def test_progress_counts_every_step(endless):
    seen = []
    decoded(
        endless, TEXTS[:1], settings("greedy", max_tokens=9), progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(step, 9) for step in range(1, 10)]


@pytest.mark.parametrize("top_k", [1, 2])
def test_sampling_survives_when_hardly_anything_may_be_drawn(endless, top_k):
    for mode in ("beam", "sample"):
        takes = decoded(endless, TEXTS, settings(mode, top_k=top_k, top_p=0.01, max_tokens=15))
        assert all(len(take.tokens) == 15 and take.score > -1e8 for take in takes)


def test_latents_equal_the_second_pass_and_ignore_how_the_tokens_were_decoded(endless):
    how = settings(max_tokens=20)
    ready = prefilled(endless)
    takes = decode(endless, ready, plain_job(endless, (0, 1, 2), (1, 2, 3), how), how)
    cut = [finished(take.tokens[: 20 - 7 * row]) for row, take in enumerate(takes)]
    latent = latents(endless, ready, [0, 1, 2], cut)
    for row, (ids, own) in enumerate(zip(TEXTS, (take.tokens for take in cut), strict=True)):
        alone = teacher_forced(endless, ids, own).latent
        torch.testing.assert_close(latent[row, : len(own)], alone[0], rtol=1e-4, atol=1e-5)
        assert not latent[row, len(own) :].any()


def test_a_single_token_has_a_latent_too(endless):
    latent = latents(endless, prefilled(endless), [0], [finished(torch.tensor([4]))])
    torch.testing.assert_close(latent, teacher_forced(endless, TEXTS[0], torch.tensor([4])).latent)


def test_the_row_offset_of_released_weights_changes_the_tokens_but_not_their_latents():
    shifted = tiny_model(replace(TINY.t2s, decode_row_offset=2))
    shifted.mel_head.bias[TINY.t2s.stop_semantic] = -60.0
    plain = tiny_model()
    plain.mel_head.bias[TINY.t2s.stop_semantic] = -60.0
    how = settings("greedy", max_tokens=20)
    first, second = decoded(plain, TEXTS[:1], how)[0], decoded(shifted, TEXTS[:1], how)[0]
    assert not torch.equal(first.tokens, second.tokens)
    latent = latents(shifted, prefilled(shifted, TEXTS[:1]), [0], [first])
    torch.testing.assert_close(latent, teacher_forced(plain, TEXTS[0], first.tokens).latent, rtol=1e-4, atol=1e-5)


def test_a_stop_of_minus_infinity_is_never_chosen_and_of_plus_infinity_always(model):
    for mode in tuple(SAMPLERS):
        how = settings(mode)
        job = plain_job(model, (0,), (5,), how)
        job.stop_bias[:, :33] = float("-inf")
        job.stop_bias[:, 33:] = float("inf")
        take = decode(model, prefilled(model), job, how)[0]
        assert len(take.tokens) == 33 and take.stopped
        assert model.config.stop_semantic not in take.tokens


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "magic"}, {"beams": 0}, {"top_p": 0.0}, {"temperature": 0.0}, {"top_k": -1}, {"typical": 1.0},
     {"repetition_penalty": 0.0}, {"max_tokens": 0}],
)  # fmt: skip
def test_impossible_sampling_settings_are_refused_by_name(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}.*{next(iter(wrong.values()))}"):
        SamplingSettings(**wrong)
