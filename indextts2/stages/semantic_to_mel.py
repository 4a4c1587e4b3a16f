"""Semantic tokens and a speaker to a log-mel of exactly the asked number of frames (docs/spec/s2m.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checks import check_fields, check_shape
from ..config import Config, FlowPlan
from ..contracts import (
    DurationReport,
    MelSpectrogram,
    Progress,
    SemanticSpeech,
    Speaker,
    concatenated,
    no_progress,
    require_same_checkpoint,
    subrange,
)
from ..errors import CheckpointMismatch, InputError
from ..models.flow import TimeConditions
from ..models.length_regulator import Span
from ..models.s2m import SemanticToMel
from ..surroundings import with_torch_defaults
from .content import CONTENT, NO_LATENT_TO_GUIDE, NO_LATENTS, spans_in_rows
from .duration import Clock
from .graphed_velocity import GraphedVelocity
from .graphs import GraphMaker, graph_maker
from .handles import S2MModels
from .ode import STEPS_OF_GRID, check_solver, integrate, row_noise, step_grid

SILENT_STRETCH = (0.8, 1.25)
"""Stretches inside these limits need no word (docs/spec/control.md#natural)."""
ALLOWED_STRETCH = (0.5, 2.0)
"""Stretches outside these limits are refused unless the settings allow them."""


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """Settings of solving the flow. None is what the checkpoint says (`S2MConfig.defaults`).

    steps, grid and solver belong together: where one of them is given, official values take the place of the others.
    A distilled flow has one plan only, which takes the place of all that is given here; the report says so.
    """

    steps: int | None = None
    guidance: float | None = None  # 0 halves the work
    temperature: float = 1.0  # scales the noise; 1 is the checkpoint's own choice (`S2MConfig.noise_scale`)
    grid: str | None = None  # a row of `GRIDS`
    solver: str | None = None  # a row of `SOLVERS`
    prompt_seconds: float | None = None  # use only so much of the reference, None for all
    latent_strength: float = 1.0  # of the T2S latent that is added to the tokens, 0 for none
    rows_at_once: int = 4  # segments computed together, a matter of memory only
    allow_any_stretch: bool = False  # lifts the limits of ALLOWED_STRETCH
    latent_guidance: float = 1.0  # amplifies what the latent changes in the velocity; 1 is off and exact

    def __post_init__(self) -> None:
        check_fields(self, steps=(None, 1_000), rows_at_once=(None, 4_096))
        self.plan(FlowPlan())
        for name in ("guidance", "temperature", "latent_strength", "latent_guidance"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < math.inf:
                raise InputError(f"{name} should be finite and not negative, but is {value}.")
        if self.prompt_seconds is not None and not self.prompt_seconds > 0.0:
            raise InputError(f"prompt_seconds should be positive, but is {self.prompt_seconds}. None uses all of it.")
        if self.rows_at_once < 1:
            raise InputError(f"rows_at_once should be at least 1, but is {self.rows_at_once}.")

    def plan(self, defaults: FlowPlan) -> FlowPlan:
        """The plan for a checkpoint of these defaults. Raises InputError for an impossible combination."""
        if defaults.distilled:
            return defaults
        given = (self.steps, self.grid, self.solver)
        base = defaults if given == (None, None, None) else FlowPlan()
        grid = base.grid if self.grid is None else self.grid
        steps = STEPS_OF_GRID.get(grid, base.steps) if self.steps is None else self.steps
        solver = base.solver if self.solver is None else self.solver
        step_grid(grid, steps)
        check_solver(solver, grid)
        return FlowPlan(steps, grid, solver, defaults.guidance if self.guidance is None else self.guidance)

    def displaced_by(self, plan: FlowPlan) -> tuple[str, ...]:
        """Words on the settings that the plan of a distilled flow takes the place of; none where there are none."""
        names = ("steps", "grid", "solver", "guidance")
        if not plan.distilled or all(getattr(self, name) in (None, getattr(plan, name)) for name in names):
            return ()
        guided = f"guidance {plan.guidance:g}" if plan.guidance else "no guidance"
        return (f"This flow is distilled: {plan.steps} steps with {guided} take the place of those asked for.",)


MelWatch = Callable[[Tensor], None]
"""Called at every step with the mel of one row as far as it is known: (bands, frames), not to be changed."""

LENGTH_STEP = 64
"""Several rows together are padded to a multiple of so many frames."""

AS_THE_CHECKPOINT_SAYS = FlowSettings()

PRESETS = {
    "exact": FlowSettings(steps=25, grid="uniform"),
    "fast": FlowSettings(steps=10, grid="epss"),
    "fastest": FlowSettings(steps=6, grid="sway"),
}
"""Named settings with measured figures in docs/performance.md; "exact" is what the released program does."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """Strengths that the branches of one evaluation are weighed with."""

    guidance: float  # 0 is off
    latent_guidance: float = 1.0  # 1 is off


@dataclass(frozen=True, slots=True)
class FlowPrompt:
    """The used part of the reference: mel (1, bands, frames), condition (1, frames, dim), style (1, dim)."""

    mel: Tensor
    condition: Tensor
    style: Tensor

    @property
    def frames(self) -> int:
        return self.mel.shape[-1]


@torch.no_grad()
@with_torch_defaults
def semantic_to_mel(
    s2m: S2MModels,
    semantic: SemanticSpeech,
    speaker: Speaker,
    *,
    flow: FlowSettings = AS_THE_CHECKPOINT_SAYS,
    seed: int = 0,
    spans: Sequence[Sequence[Span] | None] | None = None,
    first_row: int = 0,
    progress: Progress = no_progress,
    watch: MelWatch | None = None,
) -> MelSpectrogram:
    """Turn every row of `semantic` into a mel of its frame target, or of its natural length where that is free.

    spans: per row, (tokens, frames) pieces with lengths of their own (docs/spec/control.md#spans); they then state the
    row's frames; None takes those of the semantic speech. first_row: number of the first row in the whole text, for its
    noise. The same seed gives the same mel whatever else is in the batch. watch: shown the mel as it grows, in
    place of what the handle names. Raises
    InputError for a stretch beyond the limits, CheckpointMismatch when speaker or tokens come from another encoder,
    Cancelled through `progress`.
    """
    require_same_checkpoint(
        ("the semantic-to-mel model", s2m.encoder_fingerprint),
        ("the speaker", speaker.encoder_fingerprint),
        ("the semantic speech", semantic.encoder_fingerprint),
    )
    _check_kind(s2m.config, semantic)
    _check_widths(s2m.config, semantic, speaker)
    token_counts = [int(count) for count in semantic.token_lengths]
    if spans is None and semantic.spans is not None:
        spans = [semantic.spans_of(row) or None for row in range(len(token_counts))]
    frame_counts = _frame_counts(Clock.of(s2m.config), semantic, token_counts, spans)
    reports = _reports(s2m.config, semantic, token_counts, frame_counts, flow)
    prompt = prompt_of(s2m, speaker, flow)
    content = CONTENT[s2m.config.s2m.content](s2m.codec, s2m.model)
    features, row_counts = content(semantic, flow.latent_strength)
    bare = content(semantic, 0.0)[0] if guides_latent(s2m.config, semantic, flow) else None

    plan = flow.plan(s2m.config.s2m.defaults)
    grid = step_grid(plan.grid, plan.steps)
    times = s2m.model.time_conditions(grid[:-1].to(s2m.device))
    strengths = Guidance(plan.guidance, flow.latent_guidance if bare is not None else 1.0)
    noise_scale = flow.temperature * s2m.config.s2m.noise_scale
    groups, watch = list(_groups(frame_counts, flow.rows_at_once)), watch or s2m.watch
    mels: dict[int, Tensor] = {}
    graphs = graph_maker(s2m.device)
    for done, rows in enumerate(groups):
        layout = (
            [frame_counts[row] for row in rows],
            [row_counts[row] for row in rows],
            None if spans is None else [spans_in_rows(spans[row], s2m.config.codec.downsample) for row in rows],
        )
        targets = tuple(s2m.model.regulate(own[rows], *layout) for own in (features, bare) if own is not None)
        bands = prompt.mel.shape[1]
        noise = [noise_scale * row_noise(seed, first_row + row, frame_counts[row], bands) for row in rows]
        velocity, start = solution_of(s2m.model, prompt, targets, noise, times, strengths, graphs)
        begin, end = done * plan.steps, (done + 1) * plan.steps
        own_progress = subrange(progress, begin, end, len(groups) * plan.steps)
        if watch is not None:
            shown = slice(prompt.frames, prompt.frames + frame_counts[rows[0]])
            velocity = _with_preview(velocity, grid, watch, shown)
        solved = integrate(velocity, grid, start, solver=plan.solver, progress=own_progress)
        for row, mel in zip(rows, solved, strict=True):
            mels[row] = mel[None, :, prompt.frames : prompt.frames + frame_counts[row]]

    silence = math.log(s2m.config.mel.floor)
    home = semantic.tokens.device
    return MelSpectrogram(
        mel=concatenated([mels[row] for row in range(len(frame_counts))], silence).to(home),
        frame_lengths=torch.tensor(frame_counts, device=home),
        sample_targets=semantic.sample_targets,
        pauses=semantic.pauses,
        sample_rate=s2m.config.mel.sample_rate,
        hop=s2m.config.mel.hop,
        reports=reports,
        texts=semantic.texts,
        lead_seconds=semantic.lead_seconds,
        starts_at=semantic.starts_at,
        ends_by=semantic.ends_by,
    )


def guides_latent(config: Config, semantic: SemanticSpeech, flow: FlowSettings) -> bool:
    """Whether a third branch without the latent is computed: it is asked for, and there is a latent."""
    has_latents = CONTENT[config.s2m.content].has_latents and semantic.latent is not None
    return has_latents and flow.latent_strength != 0.0 and flow.latent_guidance != 1.0


def _with_preview(
    velocity: Callable[[int, Tensor], Tensor], grid: Tensor, watch: MelWatch, shown: slice
) -> Callable[[int, Tensor], Tensor]:
    """The same velocity, which also shows where it leads: the first row's mel if the flow went straight on."""

    def velocity_shown(step: int, state: Tensor) -> Tensor:
        found = velocity(step, state)
        watch((state[0] + (1.0 - float(grid[step])) * found[0])[:, shown])
        return found

    return velocity_shown


def _check_kind(config: Config, semantic: SemanticSpeech) -> None:
    """Refuse tokens of another rate, which are those of another codec. Raises CheckpointMismatch."""
    found, wanted = semantic.downsample or 1, config.codec.downsample
    if found != wanted:
        names = {1: "IndexTTS-2, 50 tokens a second", 2: "IndexTTS-2.5, 25 tokens a second"}
        raise CheckpointMismatch(
            f"The semantic speech holds tokens of {names.get(found, f'{found} features each')}, but this "
            f"semantic-to-mel model reads those of {names.get(wanted, f'{wanted} features each')}. "
            "Use the text-to-semantic and semantic-to-mel models of one checkpoint."
        )


def _check_widths(config: Config, semantic: SemanticSpeech, speaker: Speaker) -> None:
    """Refuse hand-made values of other widths than the model's. Raises InputError."""
    check_shape("Speaker.prompt_mel", speaker.prompt_mel, 1, config.mel.bands, None)
    check_shape("Speaker.style", speaker.style, 1, config.style_encoder.dim)
    check_shape("Speaker.prompt_quantized", speaker.prompt_quantized, 1, None, config.codec.dim)
    if semantic.latent is not None:
        check_shape("SemanticSpeech.latent", semantic.latent, None, None, config.t2s.dim)


def _frame_counts(
    clock: Clock,
    semantic: SemanticSpeech,
    token_counts: Sequence[int],
    spans: Sequence[Sequence[Span] | None] | None,
) -> list[int]:
    """Frames of each row: those of its spans, else its target, else its natural length."""
    if min(token_counts, default=0) < 1:
        raise InputError(
            f"Every row of the semantic speech needs at least 1 token, but the rows have {list(token_counts)}. "
            "The text-to-semantic stage stopped at once; try another seed."
        )
    if spans is not None and len(spans) != len(token_counts):
        raise InputError(f"There are spans for {len(spans)} rows, but the semantic speech has {len(token_counts)}.")
    counts = []
    for row, (token_count, target) in enumerate(zip(token_counts, semantic.frame_targets.tolist(), strict=True)):
        own = spans[row] if spans is not None else None
        asked = sum(frames for _, frames in own) if own else target
        counts.append(asked if asked > 0 else clock.natural_frames(token_count))
    return counts


def _reports(
    config: Config,
    semantic: SemanticSpeech,
    token_counts: Sequence[int],
    frame_counts: Sequence[int],
    settings: FlowSettings,
) -> tuple[DurationReport, ...]:
    """The rows' duration reports with frames and stretch. Raises InputError beyond ALLOWED_STRETCH."""
    reports = []
    useless = settings.displaced_by(config.s2m.defaults)
    if not CONTENT[config.s2m.content].has_latents and settings.latent_strength != 1.0:
        useless += (NO_LATENTS,)
    if settings.latent_guidance != 1.0 and not guides_latent(config, semantic, settings):
        useless += (NO_LATENT_TO_GUIDE,)
    for row, (tokens, frames) in enumerate(zip(token_counts, frame_counts, strict=True)):
        stretch = frames / (config.frames_per_token * tokens)
        asked = int(semantic.frame_targets[row]) or None
        known = semantic.reports[row] if row < len(semantic.reports) else DurationReport("free", "free", None, tokens)
        warnings = known.warnings + useless
        if asked is not None and not SILENT_STRETCH[0] <= stretch <= SILENT_STRETCH[1]:
            if not (settings.allow_any_stretch or ALLOWED_STRETCH[0] <= stretch <= ALLOWED_STRETCH[1]):
                raise InputError(
                    f"Row {row} would be stretched to {stretch:.2f} of its natural length; "
                    f"{ALLOWED_STRETCH[0]} to {ALLOWED_STRETCH[1]} are allowed. "
                    "Ask for a length nearer to what was spoken, or allow any stretch."
                )
            warnings += (f"Stretched to {stretch:.2f} of its natural length; the voice may suffer.",)
        reports.append(
            replace(known, frame_target=asked, frame_count=frames, stretch=stretch, warnings=warnings),
        )
    return tuple(reports)


def prompt_of(s2m: S2MModels, speaker: Speaker, settings: FlowSettings) -> FlowPrompt:
    """Cut the reference to its first `prompt_seconds` and bring it to the mel clock."""
    mel, quantized = s2m.place(speaker.prompt_mel), s2m.place(speaker.prompt_quantized)
    frame_count, token_count = mel.shape[-1], quantized.shape[1]
    if settings.prompt_seconds is not None:
        wanted = max(round(settings.prompt_seconds * s2m.config.mel.frames_per_second), 1)
        if wanted < frame_count:
            token_count = max(round(token_count * wanted / frame_count), 1)
            frame_count = wanted
    condition = s2m.model.regulate(quantized[:, :token_count], [frame_count])
    return FlowPrompt(mel[..., :frame_count], condition, s2m.place(speaker.style))


def _groups(frame_counts: Sequence[int], rows_at_once: int) -> Iterator[list[int]]:
    """Rows of similar length together, so that little is padded."""
    by_length = sorted(range(len(frame_counts)), key=lambda row: frame_counts[row])
    for first in range(0, len(by_length), rows_at_once):
        yield by_length[first : first + rows_at_once]


def solution_of(
    model: SemanticToMel,
    prompt: FlowPrompt,
    targets: Sequence[Tensor],
    noise: Sequence[Tensor],
    times: TimeConditions,
    strengths: Guidance,
    graphs: GraphMaker | None,
) -> tuple[Callable[[int, Tensor], Tensor], Tensor]:
    """The velocity as a function of step and state, and the start: noise after a prompt of zeros.

    targets: one (rows, frames, content_dim), and with latent guidance a second one without the latent; noise: per row
    (bands, its own frames). Prompt frames have no velocity, so they stay zero.
    """
    rows, longest = targets[0].shape[:2]
    if rows > 1:  # padded rows anyway: few lengths keep memory flat over many segments, see `chunk_windows`
        longest = LENGTH_STEP * math.ceil(longest / LENGTH_STEP)
        targets = [F.pad(target, (0, 0, 0, longest - target.shape[1])) for target in targets]
    target = targets[0]
    lengths = [prompt.frames + own.shape[-1] for own in noise]
    total = prompt.frames + longest
    start = torch.stack([F.pad(own, (prompt.frames, longest - own.shape[-1])) for own in noise]).to(target)
    conditions = [torch.cat([prompt.condition.expand(rows, -1, -1), own], dim=1) for own in targets]
    prompt_mel = F.pad(prompt.mel, (0, longest)).expand(rows, -1, -1)
    padded = any(length < total for length in lengths)
    context = model.context(
        prompt_mel,
        prompt.style.expand(rows, -1),
        conditions[0],
        torch.tensor(lengths, device=target.device) if padded else None,
        guided=strengths.guidance != 0.0,
        without_latent=conditions[1] if len(conditions) > 1 else None,
        prompt_frames=prompt.frames,
    )
    is_target = (torch.arange(total, device=target.device) >= prompt.frames).to(target.dtype)

    def velocity(time: TimeConditions, state: Tensor) -> Tensor:
        velocity = model.velocity(
            state, time, context, guidance=strengths.guidance, latent_guidance=strengths.latent_guidance
        )
        return velocity * is_target

    return GraphedVelocity(velocity, times, start, [model], graphs), start
