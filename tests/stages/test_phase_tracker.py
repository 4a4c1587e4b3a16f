"""The belief filter and the switching of phases, on attention made by hand."""

from __future__ import annotations

import pytest
import torch

from indextts2.sampling import SamplingSettings
from indextts2.stages.t2s.decode import decode
from indextts2.stages.t2s.phase_tracker import (
    PIECES_PER_SECOND,
    STALL_SECONDS,
    PhaseTracker,
    blurred,
    next_belief,
    normalised,
)
from indextts2.stages.t2s.prefix import Phase, build_prefix
from tests.stages.speaking import emotion_vector, plain_job, prefilled, tiny_model, tiny_speaker

ENTRIES = 20
STEPS_PER_ENTRY = 4
ADVANCE = 1.0 / STEPS_PER_ENTRY
TOKENS_PER_SECOND = PIECES_PER_SECOND * STEPS_PER_ENTRY
STEPS = 400
IDS = tuple(range(11, 11 + ENTRIES - 1))
ENTRY = torch.arange(ENTRIES)


def looking_at(place, sharpness=4.0):
    """Attention around an entry. -> (entries,)"""
    return normalised(torch.exp(-sharpness * (ENTRY - place).abs()))


def start_belief():
    belief = torch.zeros(ENTRIES)
    belief[1] = 1.0
    return belief


def all_text():
    return torch.ones(ENTRIES, dtype=torch.bool)


def expected(belief):
    return float((belief * ENTRY).sum(-1))


@pytest.mark.parametrize("averaged", [True, False])
def test_a_diagonal_is_followed_within_half_an_entry(averaged):
    belief = start_belief()
    generator = torch.Generator().manual_seed(0)
    for step in range((ENTRIES - 2) * STEPS_PER_ENTRY):
        place = 1 + step / STEPS_PER_ENTRY
        heads = torch.stack([looking_at(place), looking_at(place, 2.0)])
        if not averaged:  # heads that look anywhere are ignored
            heads = torch.cat([heads, normalised(torch.rand(3, ENTRIES, generator=generator))])
        belief = next_belief(belief, heads, all_text(), ADVANCE, averaged=averaged)
        assert belief.sum() == pytest.approx(1.0, abs=1e-5)
        if step > STEPS_PER_ENTRY:
            assert expected(belief) == pytest.approx(place, abs=0.5 + 1.0 / STEPS_PER_ENTRY)


def test_a_head_that_looks_back_is_not_believed():
    belief = normalised(blurred(torch.nn.functional.one_hot(torch.tensor(10), ENTRIES).float()))
    back_and_here = torch.stack([looking_at(3), looking_at(10)])
    for _ in range(5):
        before = expected(belief)
        belief = next_belief(belief, back_and_here, all_text(), ADVANCE, averaged=False)
        assert expected(belief) > before - 1.0
    only_back = looking_at(3)[None]
    assert expected(next_belief(belief, only_back, all_text(), ADVANCE, averaged=False)) >= expected(belief) - 0.5


def test_a_head_on_the_start_of_the_text_is_not_believed():
    heads = torch.stack([looking_at(0, 9.0), looking_at(2)])
    belief = start_belief()
    for _ in range(6):
        belief = next_belief(belief, heads, all_text(), ADVANCE, averaged=False)
    assert expected(belief) == pytest.approx(2.0, abs=0.6)


def test_the_last_entry_of_a_shorter_text_holds_the_mass():
    mask = ENTRY < 6
    belief = start_belief()
    for _ in range(80):
        belief = next_belief(belief, normalised(mask.float())[None], mask, ADVANCE, averaged=True)
    assert expected(belief) == pytest.approx(5.0, abs=0.3)
    assert not belief[6:].any()


def tracker(items=1, width=1, phases=None):
    model = tiny_model()
    chosen = phases or [Phase(0, emotion_vector(1)), Phase(6, emotion_vector(2)), Phase(12, emotion_vector(3))]
    prefix = build_prefix(model, tiny_speaker().condition, chosen, model.duration_slots(None), IDS)
    rows = torch.zeros(items, dtype=torch.int64)
    return PhaseTracker.start(
        prefix, rows, width, STEPS, trunk_rows=rows,
        heads=((0, 0),), heads_are_known=True, tokens_per_second=TOKENS_PER_SECOND,
    )  # fmt: skip


def observe(one, attention, step):
    one.observe(attention, torch.tensor([step]), torch.zeros(one.phase.shape[0], dtype=torch.bool))


def walk(one, places):
    """Feed attention at these places; the phase after each step."""
    phases = []
    for step, place in enumerate(places):
        observe(one, looking_at(place)[None, None, None], step)
        phases.append(int(one.phase[0, 0]))
    return phases


DIAGONAL = [1 + step / STEPS_PER_ENTRY for step in range((ENTRIES - 2) * STEPS_PER_ENTRY)]


def test_phases_switch_when_the_last_piece_of_a_span_is_spoken():
    phases = walk(tracker(), DIAGONAL)
    switches = [DIAGONAL[phases.index(phase)] for phase in (1, 2)]
    assert switches == pytest.approx([6.5, 12.5], abs=1.0)
    assert phases == sorted(phases)


def test_a_phase_never_goes_back():
    phases = walk(tracker(), DIAGONAL + DIAGONAL)
    assert phases == sorted(phases) and phases[-1] == 2


def test_the_stop_waits_for_the_last_phase_and_the_end_of_the_text():
    one = tracker()
    for step, place in enumerate(DIAGONAL):
        assert torch.isneginf(one.stop_bias()).all() or place > ENTRIES - 1 - 3 - 1.5
        observe(one, looking_at(place)[None, None, None], step)
    assert not one.stop_bias().any()


def test_a_position_that_stands_still_does_not_block_the_speech_and_is_reported():
    one = tracker()
    patience = round(STALL_SECONDS * TOKENS_PER_SECOND)
    phases = walk(one, [3.0] * (4 * patience))
    assert phases[patience // 2] == 0 and phases[-1] == 2
    assert bool(one.stalled.all())
    assert not one.stop_bias().any(), "in the last phase, standing still allows the stop"
    steady = tracker()
    walk(steady, DIAGONAL)
    assert not steady.stalled.any()


def test_one_phase_forbids_nothing():
    assert not tracker(phases=[Phase(0, emotion_vector(1))]).stop_bias().any()


def test_belief_and_phase_follow_the_parent():
    one = tracker(items=2, width=3)
    for step, place in enumerate(DIAGONAL[: 8 * STEPS_PER_ENTRY]):
        rows = torch.stack([looking_at(place), looking_at(min(place, 4.0)), looking_at(1.0)])
        observe(one, rows[None, None].expand(2, -1, -1, -1), step)
    belief, phase = one.belief.clone(), one.phase.clone()
    assert phase[0].tolist() == [1, 0, 0]
    parents = torch.tensor([[2, 0, 0], [1, 2, 0]])
    one.reorder(parents)
    for item in range(2):
        assert torch.equal(one.belief[item], belief[item, parents[item]])
        assert torch.equal(one.phase[item], phase[item, parents[item]])


@pytest.mark.parametrize("mode", ["beam", "greedy"])
def test_speech_never_ends_before_the_last_phase(mode):
    model = tiny_model()
    model.mel_head.bias[model.config.stop_semantic] = 20.0  # wants to stop all the time
    phases = [[Phase(0, emotion_vector(1)), Phase(4, emotion_vector(2)), Phase(9, emotion_vector(3))]]
    ready = prefilled(model, [IDS], phases)
    how = SamplingSettings(mode=mode, max_tokens=150)
    job = plain_job(model, (0,), (1,), how)
    take = decode(model, ready, job, how)[0]
    assert take.stopped and 3 < len(take.tokens)
    assert take.phases[-1] == 2 or take.stalled
    assert take.phases.tolist() == sorted(take.phases.tolist())
