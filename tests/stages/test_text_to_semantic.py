"""Prepared text to semantic speech: lengths asked are lengths made, rows are independent, reports say how."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from indextts2.config import DurationConfig
from indextts2.contracts import Duration, Emotion, EmotionWeights, Keyframe
from indextts2.errors import Cancelled, CheckpointMismatch, InputError, TextError
from indextts2.sampling import SamplingSettings
from indextts2.stages.emotion.bank import speaker_emotion
from indextts2.stages.handles import EmotionBank
from indextts2.stages.t2s.batches import SPARE_TOKENS, DecodingSettings
from indextts2.stages.t2s.decode import Take
from indextts2.stages.t2s.take_choice import choose_take
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from indextts2.text.syllables import shortest_seconds
from tests.conftest import TINY
from tests.stages.speaking import (
    TEXTS,
    emotion_vector,
    prepared,
    seconds,
    tiny_emotion,
    tiny_handle,
    tiny_model,
    tiny_speaker,
    tokens,
)

HOW = SamplingSettings(repetition_penalty=2.0, max_tokens=150)


@pytest.fixture(scope="module")
def t2s():
    return tiny_handle(tiny_model())


@pytest.fixture(scope="module")
def untaught():
    """The same without a trained length row, as the released weights are."""
    config = replace(TINY, t2s=replace(TINY.t2s, duration=DurationConfig()))
    return tiny_handle(tiny_model(config.t2s), config)


def speak(t2s, *texts, how=HOW, speaker=None, **more):
    text = prepared(*texts, **{name: more.pop(name) for name in ("pauses", "durations", "emotions") if name in more})
    return text_to_semantic(t2s, text, speaker or tiny_speaker(), sampling=how, **more)


def row(speech, index):
    return speech.tokens[index, : int(speech.token_lengths[index])]


def test_one_row_per_segment_with_latents_and_the_pauses(t2s):
    speech = speak(t2s, *TEXTS, pauses=(0.2, 0.5, 0.0), seed=4)
    rows, longest = speech.tokens.shape
    assert rows == 3 and longest == int(speech.token_lengths.max())
    assert speech.latent.shape == (3, longest, TINY.t2s.dim)
    assert speech.pauses == (0.2, 0.5, 0.0) and speech.seed == 4
    assert not speech.frame_targets.any() and not speech.sample_targets.any()
    assert speech.tokens.max() < TINY.t2s.codebook_size
    assert [report.stop for report in speech.reports] == ["own"] * 3


@pytest.mark.parametrize("mode", ["beam", "sample", "greedy", "beam_search"])
@pytest.mark.parametrize("method", ["auto", "forced"])
def test_asking_for_137_tokens_yields_137_tokens(t2s, mode, method):
    speech = speak(t2s, TEXTS[0], how=replace(HOW, mode=mode), duration=tokens(137, method))
    assert int(speech.token_lengths[0]) == 137
    report = speech.reports[0]
    assert (report.token_target, report.token_count, report.stop) == (137, 137, "forced")
    assert report.method == ("model" if method == "auto" else "forced")


def test_free_duration_equals_no_duration_and_a_zero_embedding(t2s):
    """p = 0 means "any length" to this checkpoint (docs/spec/paper.md#duration-embedding)."""
    plain, free = speak(t2s, *TEXTS), speak(t2s, *TEXTS, duration=Duration())
    assert torch.equal(plain.tokens, free.tokens) and torch.equal(plain.latent, free.latent)
    assert not t2s.model.duration_slots(None).any()


def test_the_length_row_reaches_decoding_and_the_second_pass(t2s):
    masked, told = (speak(t2s, TEXTS[0], duration=tokens(60, method)) for method in ("forced", "model"))
    assert masked.tokens.shape == told.tokens.shape
    assert not torch.equal(masked.tokens, told.tokens)
    assert not torch.allclose(masked.latent[:, 0], told.latent[:, 0])


def test_the_slot_of_the_length_row_can_be_overridden(untaught):
    rows = [
        speak(untaught, TEXTS[0], duration=tokens(60, "model"), decoding=DecodingSettings(duration_slot=slot)).latent[
            0, 0
        ]
        for slot in ("a", "b", "both")
    ]
    assert not torch.allclose(rows[0], rows[1]) and not torch.allclose(rows[1], rows[2])


def test_lengths_nobody_taught_are_called_experimental(t2s, untaught):
    asked = tokens(60, "model")
    assert "experimental" in speak(untaught, TEXTS[0], duration=asked).reports[0].warnings[0]
    assert not speak(t2s, TEXTS[0], duration=asked).reports[0].warnings


def test_seconds_reach_the_sample_in_the_targets_of_the_next_stages(t2s, untaught):
    for handle in (t2s, untaught):
        speech = speak(handle, *TEXTS, pauses=(0.2, 0.1, 0.0), duration=seconds(4.321))
        pauses = sum(int(pause * 22_050) for pause in speech.pauses)
        assert int(speech.sample_targets.sum()) + pauses == round(4.321 * 22_050)
        hop = TINY.mel.hop
        assert all(f == -(-s // hop) for f, s in zip(speech.frame_targets, speech.sample_targets, strict=True))


def test_segments_of_different_methods_share_one_batch(t2s):
    speech = speak(t2s, *TEXTS, durations=(tokens(30), None, tokens(90, "forced")))
    assert speech.token_lengths[0] == 30 and speech.token_lengths[2] == 90
    assert [report.method for report in speech.reports] == ["model", "free", "forced"]
    assert speech.frame_targets[1] == 0 and speech.frame_targets[0] > 0


def test_a_segment_sounds_the_same_whatever_is_batched_with_it(t2s):
    together = speak(t2s, *TEXTS, seed=3)
    for rows_at_once in (1, 2):
        split = speak(t2s, *TEXTS, seed=3, decoding=DecodingSettings(rows_at_once=rows_at_once))
        assert torch.equal(split.tokens, together.tokens)
        torch.testing.assert_close(split.latent, together.latent, rtol=1e-4, atol=1e-4)
    alone = speak(t2s, TEXTS[0], seed=3)
    assert torch.equal(row(alone, 0), row(together, 0))


def test_the_seed_decides_and_nothing_else(t2s):
    state = torch.get_rng_state()
    first, again, other = (speak(t2s, *TEXTS, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.tokens, again.tokens) and torch.equal(first.latent, again.latent)
    assert first.tokens.shape != other.tokens.shape or not torch.equal(first.tokens, other.tokens)
    assert torch.equal(torch.get_rng_state(), state)


def test_of_several_takes_the_nearest_in_ratio_is_kept(untaught):
    speech = speak(untaught, TEXTS[0], duration=tokens(30, "natural"), decoding=DecodingSettings(takes=6))
    lengths = speech.reports[0].take_lengths
    assert len(lengths) == 6 and len(set(lengths)) > 1
    chosen = int(speech.token_lengths[0])
    assert max(chosen / 30, 30 / chosen) == min(max(length / 30, 30 / length) for length in lengths)


def test_takes_are_prefixes_of_more_takes(untaught):
    few, many = (
        speak(untaught, TEXTS[0], duration=tokens(30, "natural"), decoding=DecodingSettings(takes=k)) for k in (2, 5)
    )
    assert many.reports[0].take_lengths[:2] == few.reports[0].take_lengths


def test_takes_without_a_stop_come_last_and_scores_break_ties():
    def take(length, score, stopped=True):
        return Take(torch.zeros(length, dtype=torch.int64), torch.zeros(length, dtype=torch.int64), score, stopped)

    runaway, near, far, better = take(50, 0.0, False), take(45, -9.0), take(90, -1.0), take(45, -5.0)
    assert choose_take([runaway, near, far], 50) is near
    assert choose_take([near, better], 50) is better
    assert choose_take([near, far], None) is far


def test_a_factor_is_stretched_after_or_told_before(t2s, untaught):
    free = speak(untaught, TEXTS[0])
    after = speak(untaught, TEXTS[0], duration=Duration("factor", 1.5))
    count = int(free.token_lengths[0])
    assert torch.equal(after.tokens, free.tokens)
    assert int(after.frame_targets[0]) == round(1.5 * TINY.s2m.frames_per_token * count)
    before = speak(t2s, TEXTS[0], duration=Duration("factor", 1.5))
    natural = int(speak(t2s, TEXTS[0]).token_lengths[0])
    assert int(before.token_lengths[0]) == round(1.5 * natural)


def test_the_limit_is_reported_with_a_warning():
    model = tiny_model()
    model.mel_head.bias[TINY.t2s.stop_semantic] = -60.0
    report = speak(tiny_handle(model), TEXTS[0], how=replace(HOW, max_tokens=20)).reports[0]
    assert report.stop == "limit" and report.token_count == 20
    assert "limit of 20 tokens" in report.warnings[0]


def test_speech_is_never_empty_even_if_the_model_would_stop_at_once():
    model = tiny_model()
    model.mel_head.bias[TINY.t2s.stop_semantic] = 60.0
    for mode in ("beam", "sample", "greedy", "beam_search"):
        assert int(speak(tiny_handle(model), TEXTS[0], how=replace(HOW, mode=mode)).token_lengths[0]) == 1


def test_guided_lengths_stay_between_floor_and_ceiling(t2s):
    for seed in range(4):
        speech = speak(t2s, TEXTS[0], duration=tokens(60, "guided"), seed=seed)
        assert 30 <= int(speech.token_lengths[0]) <= 90
        assert speech.reports[0].stop == "guided"


def test_the_emotion_changes_the_speech_and_its_absence_means_the_speakers_own(t2s):
    speaker = tiny_speaker()
    own = Emotion(speaker.emotion_vector, fingerprint=speaker.fingerprint)
    plain, same = speak(t2s, TEXTS[0]), speak(t2s, TEXTS[0], emotion=own)
    other = speak(t2s, TEXTS[0], emotion=tiny_emotion())
    assert torch.equal(plain.tokens, same.tokens) and torch.equal(plain.latent, same.latent)
    assert not torch.allclose(plain.latent[:, 0], other.latent[:, 0])


def test_a_segment_can_have_an_emotion_of_its_own(t2s):
    plain = speak(t2s, *TEXTS, emotion=tiny_emotion(5))
    mixed = speak(t2s, *TEXTS, emotion=tiny_emotion(5), emotions=(None, tiny_emotion(6)))
    assert torch.equal(row(plain, 0), row(mixed, 0)) and torch.equal(row(plain, 2), row(mixed, 2))
    assert not torch.allclose(plain.latent[1, 0], mixed.latent[1, 0])


def test_an_emotion_tag_speaks_with_the_bank_of_the_checkpoint(t2s):
    rows = sum(TINY.emotion_bank.group_sizes)
    bank = EmotionBank(torch.randn(rows, 16), torch.randn(rows, TINY.t2s.dim), TINY.emotion_bank.group_sizes)
    handle, weights = replace(t2s, bank=bank), EmotionWeights.of(sad=0.7)
    text = prepared(*TEXTS)
    tagged = replace(text, segments=(text.segments[0], replace(text.segments[1], emotion_weights=weights)))
    speech = text_to_semantic(handle, tagged, tiny_speaker(), sampling=HOW)
    vector = speaker_emotion(handle, weights, tiny_speaker())
    own = speak(t2s, *TEXTS[:2], emotions=(None, vector))
    assert torch.equal(speech.tokens, own.tokens) and torch.equal(speech.latent, own.latent)
    with pytest.raises(InputError, match="no emotion bank"):
        text_to_semantic(t2s, tagged, tiny_speaker(), sampling=HOW)


def test_latents_can_be_left_out(t2s):
    assert speak(t2s, TEXTS[0], decoding=DecodingSettings(with_latent=False)).latent is None


def test_progress_never_goes_back_and_ends_at_its_total(t2s):
    seen = []
    speak(t2s, *TEXTS, duration=Duration("factor", 1.1), decoding=DecodingSettings(rows_at_once=1),
          progress=lambda done, total: seen.append((done, total)))  # fmt: skip
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({total for _, total in seen}) == 1 and seen[-1][0] == seen[-1][1]


def test_cancelling_leaves_the_model_usable(t2s):
    wanted = speak(t2s, *TEXTS)

    def stop(done, total):
        if done >= 5:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        speak(t2s, *TEXTS, progress=stop)
    assert torch.equal(speak(t2s, *TEXTS).tokens, wanted.tokens)


def test_nothing_given_is_modified(t2s):
    speaker, emotion, text = tiny_speaker(), tiny_emotion(), prepared(*TEXTS)
    before = [tensor.clone() for tensor in (speaker.condition, speaker.emotion_vector, emotion.vector)]
    weights = {name: value.clone() for name, value in t2s.model.state_dict().items()}
    text_to_semantic(t2s, text, speaker, emotion, duration=seconds(3.0), sampling=HOW)
    after = (speaker.condition, speaker.emotion_vector, emotion.vector)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(torch.equal(weights[name], value) for name, value in t2s.model.state_dict().items())


# ---- what is refused ----


def test_empty_text_is_refused(t2s):
    with pytest.raises(TextError, match="nothing to speak"):
        speak(t2s)
    with pytest.raises(TextError, match="holds nothing to speak"):
        speak(t2s, TEXTS[0], (TINY.t2s.stop_text,))


def test_start_and_stop_ids_inside_a_text_are_left_out(t2s):
    plain = speak(t2s, (5, 9, 30))
    assert torch.equal(speak(t2s, (0, 5, 1, 9, 30, 1)).tokens, plain.tokens)


def test_values_of_other_checkpoints_are_refused_by_name(t2s):
    speaker = tiny_speaker()
    with pytest.raises(CheckpointMismatch, match="speaker"):
        speak(t2s, TEXTS[0], speaker=replace(speaker, fingerprint="other"))
    with pytest.raises(CheckpointMismatch, match="emotion"):
        speak(t2s, TEXTS[0], emotion=replace(tiny_emotion(), fingerprint="other"))
    with pytest.raises(CheckpointMismatch, match="segment 0"):
        speak(t2s, TEXTS[0], emotions=(replace(tiny_emotion(), fingerprint="other"),))
    with pytest.raises(CheckpointMismatch, match="encoder"):
        speak(t2s, TEXTS[0], speaker=replace(speaker, encoder_fingerprint="other"))
    with pytest.raises(CheckpointMismatch, match="width 7, but this text-to-semantic model needs 32"):
        speak(t2s, TEXTS[0], emotion=Emotion(torch.zeros(1, 7)))


def test_values_that_are_not_finite_are_refused(t2s):
    with pytest.raises(InputError, match="emotion vector contains NaN"):
        speak(t2s, TEXTS[0], emotion=Emotion(torch.full((1, TINY.t2s.dim), float("nan"))))


def test_more_tokens_than_the_model_can_make_are_refused(t2s):
    with pytest.raises(InputError, match="500 tokens were asked .* at most 149 fit"):
        speak(t2s, TEXTS[0], duration=tokens(500, "forced"))


# ---- emotion along the text ----


def scheduled(*points, transition="step"):
    frames = tuple(Keyframe(position, emotion_vector(seed)) for position, seed in points)
    return Emotion(frames[0].vector, frames, transition=transition)


def test_a_schedule_of_one_emotion_equals_the_plain_path(t2s):
    plain = speak(t2s, TEXTS[2], emotion=Emotion(emotion_vector(3)))
    same = speak(t2s, TEXTS[2], emotion=scheduled((0.0, 3), (0.5, 3)))
    assert torch.equal(plain.tokens, same.tokens) and torch.equal(plain.latent, same.latent)


def test_a_schedule_of_two_emotions_changes_the_second_segment_only(t2s):
    plain = speak(t2s, TEXTS[0], TEXTS[0], emotion=Emotion(emotion_vector(3)))
    change = speak(t2s, TEXTS[0], TEXTS[0], emotion=scheduled((0.0, 3), (0.5, 4)))
    assert torch.equal(row(plain, 0), row(change, 0))
    assert not torch.allclose(plain.latent[1, 0], change.latent[1, 0])
    own = speak(t2s, TEXTS[0], TEXTS[0], emotion=Emotion(emotion_vector(4)))
    torch.testing.assert_close(change.latent[1, 0], own.latent[1, 0])


@pytest.mark.parametrize("transition", ["step", "linear"])
def test_an_emotion_can_change_inside_a_segment(t2s, transition):
    emotion = scheduled((0.0, 3), (0.6, 4), transition=transition)
    speech = speak(t2s, TEXTS[2], TEXTS[0], emotion=emotion, durations=(tokens(120),))
    assert int(speech.token_lengths[0]) == 120
    assert torch.isfinite(speech.latent).all()


def test_a_length_told_to_an_untaught_model_says_whether_it_would_have_stopped_there(untaught):
    model = tiny_model(untaught.config.t2s)
    asked = tokens(7, "model")
    for bias, words in ((60.0, "stopped there by itself"), (-60.0, "made to stop there")):
        model.mel_head.bias[TINY.t2s.stop_semantic] = bias
        for mode in ("beam", "greedy"):
            report = speak(
                tiny_handle(model, untaught.config), TEXTS[0], how=replace(HOW, mode=mode), duration=asked
            ).reports[0]
            assert report.token_count == 7 and words in report.warnings[0]


def test_the_method_model_b_is_model_with_the_length_told_in_slot_b(untaught):
    named = speak(untaught, TEXTS[0], duration=tokens(20, "model_b"))
    other = speak(untaught, TEXTS[0], duration=tokens(20, "model"))
    told = speak(untaught, TEXTS[0], duration=tokens(20, "model"), decoding=DecodingSettings(duration_slot="b"))
    assert torch.equal(named.latent, told.latent) and not torch.equal(named.latent, other.latent)
    assert named.reports[0].method == "model"


@pytest.mark.parametrize(
    "wrong",
    [{"takes": 0}, {"rows_at_once": 0}, {"retries": -1}, {"duration_slot": "c"}],
    ids=lambda one: next(iter(one)),
)
def test_impossible_decoding_settings_are_refused(wrong):
    with pytest.raises(InputError, match=f"got '?{next(iter(wrong.values()))}"):
        DecodingSettings(**wrong)


def test_all_takes_of_a_text_are_kept_each_as_if_no_other_followed_it(t2s):
    few, many = (
        speak(t2s, *TEXTS, duration=seconds(3.0), decoding=DecodingSettings(takes=k), keep="all") for k in (2, 4)
    )
    assert [len(few), len(many)] == [2, 4]
    for one, same in zip(few, many, strict=False):
        assert torch.equal(one.tokens, same.tokens) and torch.allclose(one.latent, same.latent, atol=1e-5)
    assert len({tuple(one.tokens.flatten().tolist()) for one in many}) == 4
    assert torch.equal(many[0].tokens, speak(t2s, *TEXTS, duration=seconds(3.0)).tokens)
    for one in many:
        assert int(one.sample_targets.sum()) == 3 * 22_050
        assert [report.take_lengths for report in one.reports] == [(count,) for count in one.token_lengths.tolist()]


def test_every_take_follows_the_schedule_of_the_whole_text(t2s):
    """A take is no second half of a longer text, in which the emotion would come later."""
    emotion = scheduled((0.0, 3), (0.5, 4))
    takes = speak(t2s, *TEXTS, emotion=emotion, decoding=DecodingSettings(takes=2), keep="all")
    assert torch.equal(takes[0].tokens, speak(t2s, *TEXTS, emotion=emotion).tokens)
    torch.testing.assert_close(takes[1].latent[:, 0], takes[0].latent[:, 0])


def endless(model):
    """The same model with a stop that is never chosen."""
    with torch.no_grad():
        model.mel_head.bias[TINY.t2s.stop_semantic] = -1e4
    return model


def test_free_speech_far_longer_than_its_text_is_spoken_again_and_then_reported():
    config = replace(TINY, t2s=replace(TINY.t2s, longest_per_piece=1.5))
    lost = tiny_handle(endless(tiny_model(config.t2s)), config)
    report = speak(lost, TEXTS[0], how=SamplingSettings(max_tokens=150)).reports[0]
    limit = 8 + 25  # 1.5 tokens for each of 5 pieces, and what a short text is granted
    assert report.take_lengths == (limit,) * 3 and report.stop == "limit"
    assert f"limit of {limit} tokens" in report.warnings[0]
    once = speak(lost, TEXTS[0], how=SamplingSettings(max_tokens=150), decoding=DecodingSettings(retries=0)).reports[0]
    assert once.take_lengths == (limit,)


def test_a_second_try_that_ends_is_kept_with_its_own_latents():
    config = replace(TINY, t2s=replace(TINY.t2s, longest_per_piece=1.0))
    t2s, found = tiny_handle(tiny_model(config.t2s), config), 0
    for seed in range(40):
        speech = speak(t2s, *TEXTS, how=SamplingSettings(mode="sample", repetition_penalty=1.0), seed=seed)
        for index, report in enumerate(speech.reports):
            if len(report.take_lengths) == 1 or report.stop != "own" or report.take_lengths[0] < SPARE_TOKENS:
                continue
            found += 1
            kept = int(speech.token_lengths[index])
            assert kept in report.take_lengths[1:] and kept < report.take_lengths[0]
            assert speech.latent[index, :kept].abs().sum(dim=-1).min() > 0
        if found:
            break
    assert found


def hasty(model):
    """The same model with a stop that is nearly always chosen."""
    with torch.no_grad():
        model.mel_head.bias[TINY.t2s.stop_semantic] = 6.0
    return model


def said(*spoken):
    """Segments whose words are known."""
    text = prepared(*TEXTS[: len(spoken)])
    segments = (replace(segment, spoken=words) for segment, words in zip(text.segments, spoken, strict=True))
    return replace(text, segments=tuple(segments))


def test_free_speech_shorter_than_its_words_can_be_is_spoken_again_and_may_not_stop_as_early():
    t2s, how = tiny_handle(hasty(tiny_model())), SamplingSettings(mode="sample", repetition_penalty=1.0)
    text = said("tomorrow.", "")  # nothing is known of the words of the second segment
    fewest = math.ceil(shortest_seconds("tomorrow.") * TINY.tokens_per_second)
    for seed in range(3):
        once = text_to_semantic(
            t2s, text, tiny_speaker(), sampling=how, seed=seed, decoding=DecodingSettings(retries=0)
        )
        again = text_to_semantic(t2s, text, tiny_speaker(), sampling=how, seed=seed)
        first, report = once.reports[0], again.reports[0]
        assert first.token_count < fewest <= report.token_count
        assert first.cut_off and "'segment 0' ended after" in first.warnings[0] and "1 try" in first.warnings[0]
        assert report.tries > 1 and not report.cut_off and not report.warnings
        assert torch.equal(row(once, 1), row(again, 1)) and again.reports[1].tries == 1


def test_a_length_that_was_asked_for_is_no_failed_take_however_short():
    t2s, text = tiny_handle(tiny_model()), said("an interminable explanation of everything.")
    for asked in (tokens(4, "natural"), tokens(4), tokens(4, "forced")):
        report = text_to_semantic(t2s, text, tiny_speaker(), sampling=HOW, duration=asked).reports[0]
        assert report.tries == 1 and not report.cut_off


def test_a_limit_that_the_user_set_is_not_a_reason_to_speak_again():
    config = replace(TINY, t2s=replace(TINY.t2s, longest_per_piece=10.0))
    lost = tiny_handle(endless(tiny_model(config.t2s)), config)
    assert speak(lost, TEXTS[0], how=SamplingSettings(max_tokens=12)).reports[0].take_lengths == (12,)


def test_a_length_that_was_asked_for_may_be_longer_than_the_text_suggests():
    config = replace(TINY, t2s=replace(TINY.t2s, longest_per_piece=1.0))
    speech = speak(tiny_handle(tiny_model(config.t2s), config), TEXTS[1], duration=tokens(90))
    assert int(speech.token_lengths[0]) == 90
