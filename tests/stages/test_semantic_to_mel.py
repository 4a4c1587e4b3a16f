"""The semantic-to-mel stage: exact lengths, one seed one mel, and reports that say what was stretched."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.config import FlowPlan
from indextts2.contracts import DurationReport, SemanticSpeech, Speaker
from indextts2.errors import Cancelled, CheckpointMismatch, InputError
from indextts2.models.codec import SemanticCodec
from indextts2.models.s2m import SemanticToMel
from indextts2.stages.handles import S2MModels
from indextts2.stages.ode import EPSS, integrate, row_noise, step_grid
from indextts2.stages.semantic_to_mel import PRESETS, FlowSettings, semantic_to_mel

FAST = FlowSettings(steps=3)


@pytest.fixture
def s2m(tiny_config, tiny_parts) -> S2MModels:
    model, codec = SemanticToMel(tiny_config.s2m).eval(), SemanticCodec(tiny_config.codec).eval()
    model.load_state_dict(tiny_parts["s2m"])
    codec.load_state_dict(tiny_parts["codec"])
    return S2MModels(model, codec, tiny_config, fingerprint="s2m", encoder_fingerprint="encoder")


@pytest.fixture
def speaker() -> Speaker:
    noise = torch.Generator().manual_seed(1)
    return Speaker(
        condition=torch.randn(1, 4, 32, generator=noise),
        emotion_vector=torch.randn(1, 32, generator=noise),
        style=torch.randn(1, 16, generator=noise),
        prompt_mel=torch.randn(1, 20, 17, generator=noise),
        prompt_quantized=torch.randn(1, 5, 24, generator=noise),
        encoder_fingerprint="encoder",
    )


def speech(*token_counts: int, frames: tuple[int, ...] = (), latent: bool = True) -> SemanticSpeech:
    generator, rows, width = torch.Generator().manual_seed(2), len(token_counts), max(token_counts)
    tokens = torch.randint(40, (rows, width), generator=generator)
    lengths = torch.tensor(token_counts)
    tokens[torch.arange(width)[None] >= lengths[:, None]] = 0
    return SemanticSpeech(
        tokens=tokens,
        token_lengths=lengths,
        latent=torch.randn(rows, width, 32, generator=generator) if latent else None,
        frame_targets=torch.tensor(frames or (0,) * rows),
        sample_targets=torch.zeros(rows, dtype=torch.int64),
        pauses=(0.1,) * rows,
        encoder_fingerprint="encoder",
    )


def test_a_temperature_of_one_is_what_the_checkpoint_declares(s2m, speaker):
    config = replace(s2m.config, s2m=replace(s2m.config.s2m, noise_scale=0.5))
    quieter = replace(s2m, config=config)
    wanted = semantic_to_mel(s2m, speech(6), speaker, flow=replace(FAST, temperature=0.5), seed=3)
    found = semantic_to_mel(quieter, speech(6), speaker, flow=FAST, seed=3)
    assert torch.equal(found.mel, wanted.mel)
    assert not torch.equal(found.mel, semantic_to_mel(s2m, speech(6), speaker, flow=FAST, seed=3).mel)


def row_of(semantic: SemanticSpeech, row: int) -> SemanticSpeech:
    count = int(semantic.token_lengths[row])
    return replace(
        semantic,
        tokens=semantic.tokens[row : row + 1, :count],
        token_lengths=semantic.token_lengths[row : row + 1],
        latent=semantic.latent[row : row + 1, :count],
        frame_targets=semantic.frame_targets[row : row + 1],
        sample_targets=semantic.sample_targets[row : row + 1],
        pauses=semantic.pauses[row : row + 1],
    )


def test_free_rows_get_their_natural_length_and_targets_are_met_exactly(s2m, speaker):
    targets = torch.randint(20, 60, (4,), generator=torch.Generator().manual_seed(3)).tolist()
    mel = semantic_to_mel(s2m, speech(10, 11, 12, 9, 10, frames=(*targets, 0)), speaker, flow=FAST)
    assert mel.frame_lengths.tolist() == [*targets, s2m.model.frame_count(10)]
    assert mel.mel.shape == (5, 20, max(mel.frame_lengths.tolist()))
    assert [report.frame_count for report in mel.reports] == mel.frame_lengths.tolist()


def test_every_row_of_a_batch_equals_its_single_run(s2m, speaker):
    semantic = speech(6, 10, 3, frames=(0, 30, 12))
    together = semantic_to_mel(s2m, semantic, speaker, flow=replace(FAST, rows_at_once=3), seed=5)
    one_by_one = semantic_to_mel(s2m, semantic, speaker, flow=replace(FAST, rows_at_once=1), seed=5)
    torch.testing.assert_close(together.mel, one_by_one.mel, rtol=1e-4, atol=1e-4)
    alone = semantic_to_mel(s2m, row_of(semantic, 0), speaker, flow=FAST, seed=5)
    torch.testing.assert_close(together.mel[:1, :, : alone.mel.shape[-1]], alone.mel, rtol=1e-4, atol=1e-4)


def test_rows_are_padded_with_the_silence_floor(s2m, speaker):
    mel = semantic_to_mel(s2m, speech(6, 2), speaker, flow=FAST)
    shorter = int(mel.frame_lengths[1])
    assert torch.all(mel.mel[1, :, shorter:] < -11.5)


def test_the_same_seed_gives_the_same_mel_and_another_seed_another(s2m, speaker):
    first, again, other = (semantic_to_mel(s2m, speech(6), speaker, flow=FAST, seed=seed).mel for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_guidance_zero_halves_the_rows_that_are_computed(s2m, speaker, monkeypatch):
    rows: list[int] = []
    estimator = s2m.model.estimator
    plain = type(estimator).forward

    def counted(self, noisy, times, context):
        rows.append(noisy.shape[0])
        return plain(self, noisy, times, context)

    monkeypatch.setattr(type(estimator), "forward", counted)
    semantic_to_mel(s2m, speech(6), speaker, flow=FAST)
    guided, rows = sum(rows), rows.clear() or rows
    semantic_to_mel(s2m, speech(6), speaker, flow=replace(FAST, guidance=0.0))
    assert (guided, sum(rows)) == (6, 3)


def test_guidance_latent_and_temperature_change_the_mel_and_the_latent_can_be_left_out(s2m, speaker):
    def run(latent: bool = True, **changes: float) -> torch.Tensor:
        return semantic_to_mel(s2m, speech(6, latent=latent), speaker, flow=replace(FAST, **changes)).mel

    plain = run()
    for changes in ({"guidance": 0.0}, {"temperature": 0.5}, {"latent_strength": 0.5}):
        assert not torch.allclose(run(**changes), plain), changes
    assert torch.equal(run(latent_strength=0.0), run(latent=False))


def test_progress_rises_over_all_groups_and_cancelling_stops_between_two_steps(s2m, speaker):
    seen: list[tuple[int, int]] = []
    settings = replace(FAST, rows_at_once=1)
    semantic_to_mel(s2m, speech(6, 7), speaker, flow=settings, progress=lambda *now: seen.append(now))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[0] == (0, 6) and seen[-1] == (6, 6)

    steps = 0

    def stop(done: int, total: int) -> None:
        nonlocal steps
        steps += 1
        if done == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        semantic_to_mel(s2m, speech(6), speaker, flow=FAST, progress=stop)
    assert steps == 3


def test_a_strong_stretch_is_reported_and_an_extreme_one_refused_unless_allowed(s2m, speaker):
    natural = s2m.model.frame_count(20)
    mild = semantic_to_mel(s2m, speech(20, frames=(natural + 3,)), speaker, flow=FAST).reports[0]
    assert mild.warnings == () and mild.stretch == pytest.approx((natural + 3) / (86.1328 / 25 * 20), rel=1e-3)
    strong = semantic_to_mel(s2m, speech(20, frames=(round(1.5 * natural),)), speaker, flow=FAST).reports[0]
    assert "Stretched to 1.48" in strong.warnings[0]
    extreme = speech(20, frames=(3 * natural,))
    with pytest.raises(InputError, match="natural length"):
        semantic_to_mel(s2m, extreme, speaker, flow=FAST)
    allowed = semantic_to_mel(s2m, extreme, speaker, flow=replace(FAST, allow_any_stretch=True))
    assert allowed.frame_lengths.tolist() == [3 * natural]


def test_reports_of_text_to_semantic_are_kept_and_completed(s2m, speaker):
    known = DurationReport("1 second", "model", 6, 6, stop="forced", warnings=("early",))
    report = semantic_to_mel(s2m, replace(speech(6), reports=(known,)), speaker, flow=FAST).reports[0]
    assert (report.asked, report.stop, report.warnings) == ("1 second", "forced", ("early",))
    assert report.frame_count == 20 and report.frame_target is None


def test_spans_state_the_frames_of_a_row(s2m, speaker):
    semantic = speech(6, 8)
    mel = semantic_to_mel(s2m, semantic, speaker, flow=FAST, spans=[[(2, 9), (4, 13)], None])
    assert mel.frame_lengths.tolist() == [22, s2m.model.frame_count(8)]


def test_a_shorter_prompt_uses_only_its_beginning(s2m, speaker):
    changed = replace(speaker, prompt_mel=speaker.prompt_mel.clone(), prompt_quantized=speaker.prompt_quantized.clone())
    changed.prompt_mel[..., 9:] += 1.0
    changed.prompt_quantized[:, 3:] += 1.0
    short = replace(FAST, prompt_seconds=9 / 86.13)
    first, second = (semantic_to_mel(s2m, speech(6), who, flow=short).mel for who in (speaker, changed))
    assert torch.equal(first, second)
    assert not torch.allclose(semantic_to_mel(s2m, speech(6), changed, flow=FAST).mel, first)


def test_a_speaker_of_another_encoder_is_refused(s2m, speaker):
    with pytest.raises(CheckpointMismatch, match="other"):
        semantic_to_mel(s2m, speech(6), replace(speaker, encoder_fingerprint="other"), flow=FAST)


def test_a_row_without_tokens_is_refused(s2m, speaker):
    with pytest.raises(InputError, match="at least 1 token"):
        semantic_to_mel(s2m, replace(speech(6), token_lengths=torch.tensor([0])), speaker, flow=FAST)


def test_the_stage_leaves_its_inputs_alone(s2m, speaker):
    semantic = speech(6, 4)
    before = [value.clone() for value in (semantic.tokens, semantic.latent, speaker.prompt_mel)]
    semantic_to_mel(s2m, semantic, speaker, flow=FAST)
    for old, new in zip(before, (semantic.tokens, semantic.latent, speaker.prompt_mel), strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize("bad", [
    {"guidance": -1.0}, {"temperature": float("nan")}, {"prompt_seconds": 0.0}, {"steps": 0}, {"grid": "nope"},
    {"grid": "epss", "steps": 9}, {"solver": "x"},
])  # fmt: skip
def test_settings_without_a_meaning_are_refused(bad):
    with pytest.raises(InputError):
        FlowSettings(**bad)


@pytest.mark.parametrize(("grid", "steps"), [("uniform", 25), ("sway", 10), *(("epss", count) for count in EPSS)])
def test_every_grid_rises_from_zero_to_one(grid, steps):
    times = step_grid(grid, steps)
    assert times.shape == (steps + 1,) and times.dtype == torch.float32
    assert times[0] == 0.0 and times[-1] == pytest.approx(1.0, abs=1e-6)
    assert bool((times.diff() > 0).all())


def test_sway_takes_smaller_steps_near_the_noise():
    steps = step_grid("sway", 8).diff()
    assert steps[0] < steps[-1] / 3


@pytest.mark.parametrize(("grid", "steps"), [("cosine", 5), ("uniform", 0), ("epss", 9)])
def test_unknown_grids_are_refused(grid, steps):
    with pytest.raises(InputError):
        step_grid(grid, steps)


def test_the_second_order_solver_is_nearer_to_a_known_solution_on_every_grid():
    start = torch.tensor([1.0], dtype=torch.float64)
    for grid in (step_grid("uniform", 12), step_grid("sway", 12), step_grid("epss", 12)):
        errors = {}
        for solver in ("euler", "ab2"):
            end = integrate(lambda step, state: -2.0 * state, grid, start, solver=solver)
            errors[solver] = abs(float(end) - torch.exp(torch.tensor(-2.0)).item())
        assert errors["ab2"] < errors["euler"] / 2


def test_what_no_setting_says_comes_from_the_checkpoint():
    own = FlowPlan(steps=4, grid="sway", guidance=0.0)
    assert FlowSettings().plan(own) == own
    assert FlowSettings(guidance=0.5).plan(own) == replace(own, guidance=0.5)
    assert FlowSettings().plan(FlowPlan()) == FlowPlan(25, "uniform", "euler", 0.7)


def test_steps_grid_and_solver_are_replaced_together():
    own = FlowPlan(steps=4, grid="sway", guidance=0.0)
    assert FlowSettings(steps=12).plan(own) == replace(own, steps=12, grid="uniform")
    assert FlowSettings(grid="epss").plan(own) == replace(own, steps=10, grid="epss")
    assert FlowSettings(solver="ab2").plan(own) == replace(own, steps=25, grid="uniform", solver="ab2")


def test_presets_mean_the_same_for_every_checkpoint():
    for preset in PRESETS.values():
        assert preset.plan(FlowPlan()) == preset.plan(FlowPlan(steps=4, grid="sway"))
    assert PRESETS["exact"].plan(FlowPlan()) == FlowPlan()


@pytest.mark.parametrize("grid", ["sway", "epss"])
def test_the_second_order_solver_is_not_offered_on_bent_grids(grid):
    with pytest.raises(InputError, match="Use euler"):
        FlowSettings(grid=grid, solver="ab2")


def test_the_checkpoints_plan_is_what_runs(s2m, speaker):
    asked = replace(s2m.config.s2m, defaults=FlowPlan(steps=3))
    with_own = replace(s2m, config=replace(s2m.config, s2m=asked))
    given = speech(9)
    found = semantic_to_mel(with_own, given, speaker, seed=1).mel
    assert torch.equal(found, semantic_to_mel(s2m, given, speaker, flow=FlowSettings(steps=3), seed=1).mel)


def test_the_plan_of_a_distilled_flow_takes_the_place_of_what_is_asked_and_the_report_says_so(s2m, speaker):
    own = FlowPlan(steps=3, grid="sway", guidance=0.0, distilled=True)
    distilled = replace(s2m, config=replace(s2m.config, s2m=replace(s2m.config.s2m, defaults=own)))
    given = speech(9)
    found = semantic_to_mel(distilled, given, speaker, flow=PRESETS["fast"], seed=1)
    wanted = semantic_to_mel(distilled, given, speaker, seed=1)
    assert torch.equal(found.mel, wanted.mel)
    assert any("3 steps with no guidance" in warning for warning in found.reports[0].warnings)
    assert not wanted.reports[0].warnings


def test_an_unknown_solver_is_refused():
    with pytest.raises(InputError, match="euler, ab2"):
        integrate(lambda step, state: state, step_grid("uniform", 2), torch.zeros(1), solver="heun")


def test_noise_depends_on_seed_and_row_only():
    assert torch.equal(row_noise(3, 1, 8, 4), row_noise(3, 1, 8, 4))
    assert not torch.equal(row_noise(3, 1, 8, 4), row_noise(3, 2, 8, 4))
    assert not torch.equal(row_noise(3, 1, 8, 4), row_noise(4, 1, 8, 4))
    assert row_noise(2**63, 7, 5, 3).shape == (3, 5)
