"""A segment that is heard while its tokens are still decoded. Approximate: the flow was trained to see a whole segment.

Tokens are decoded with one hypothesis. When a chunk of them is there, with some more as look-ahead, semantic-to-mel
continues a prompt of the reference and of the mel that was already spoken, with the noise that each frame has in the
whole; the look-ahead is made again with the next chunk. The vocoder hears the spoken frames and the look-ahead around
a chunk, and two chunks are joined by a cross-fade of constant power. docs/performance.md says what it costs in words
and similarity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor

from ..checks import check_fields
from ..contracts import Emotion, PreparedText, SemanticSpeech, Speaker
from ..errors import InputError
from ..surroundings import torch_defaults
from .content import CONTENT
from .duration import Clock
from .graphs import graph_maker
from .handles import S2MModels, SpeechModels, VocoderModels
from .ode import integrate, row_noise, step_grid
from .semantic_to_mel import FlowPrompt, Guidance, guides_latent, prompt_of, solution_of
from .speak import SpeakSettings
from .t2s.text_to_semantic import semantic_stream

JOIN_FRAMES = 4  # of the cross-fade, 46 ms
NOISE_FRAMES = 1 << 10  # of a segment are drawn at a time


@dataclass(frozen=True, slots=True)
class EarlySettings:
    """Settings of the approximate way, in seconds of speech."""

    first: float = 0.6  # the first chunk of a segment
    chunk: float = 1.6  # the others
    look_ahead: float = 0.4  # tokens after a chunk that the flow sees
    spoken: float = 1.0  # spoken mel in the prompt
    reference: float = 3.0  # of the reference in the prompt, which is computed anew with every chunk

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("first", "chunk", "look_ahead", "spoken", "reference"):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise InputError(f"{name} should be a positive number of seconds, but got {value}.")


@dataclass(slots=True)
class _Spoken:
    """What of a segment has been spoken."""

    tokens: int
    mel: Tensor  # (1, bands, frames)
    tail: Tensor | None  # (samples,) beyond its end, to be faded into what follows


def early_pieces(
    models: SpeechModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None,
    settings: SpeakSettings,
    early: EarlySettings,
    seeds: Mapping[str, int],
    index: int,
) -> Iterator[Tensor]:
    """One segment, (samples,) at a time, as long together as its tokens. Raises InputError, see `semantic_stream`."""
    rate = models.t2s.config.tokens_per_second
    first, step, ahead = (max(1, round(rate * value)) for value in (early.first, early.chunk, early.look_ahead))
    sampling = replace(settings.sampling, mode="sample" if settings.sampling.do_sample else "greedy")
    stream = semantic_stream(
        models.t2s, text, speaker, emotion,
        segment=index, counts=count(first + ahead, step), sampling=sampling, seed=seeds["t2s"],
    )  # fmt: skip
    seconds = settings.flow.prompt_seconds
    flow = replace(settings.flow, prompt_seconds=min(early.reference, seconds or math.inf))
    spoken = _Spoken(0, torch.empty(1, models.s2m.config.mel.bands, 0), None)
    ended = False
    while not ended:
        with models.ready("t2s"), torch_defaults():
            semantic, ended = next(stream)
        kept = semantic.tokens.shape[1] - (0 if ended else ahead)
        with models.ready("s2m") as s2m, torch_defaults():
            mel = _mel(s2m, semantic, speaker, replace(settings, flow=flow), early, seeds["s2m"], index, spoken)
        with models.ready("vocoder") as vocoder, torch_defaults():
            yield _audio(vocoder, Clock.of(models.s2m.config), mel, spoken, kept)


@torch.no_grad()
def _mel(
    s2m: S2MModels,
    semantic: SemanticSpeech,
    speaker: Speaker,
    settings: SpeakSettings,
    early: EarlySettings,
    seed: int,
    index: int,
    spoken: _Spoken,
) -> Tensor:
    """The mel of the tokens after the spoken ones: (1, bands, frames)."""
    config, clock = s2m.config, Clock.of(s2m.config)
    end, rows = semantic.tokens.shape[1], config.codec.downsample
    begin = max(0, spoken.tokens - round(early.spoken * config.tokens_per_second))
    own = _frames(clock, spoken.tokens) - _frames(clock, begin)
    content = CONTENT[config.s2m.content](s2m.codec, s2m.model)
    guided = guides_latent(config, semantic, settings.flow)
    frames = _frames(clock, end) - _frames(clock, begin)
    conditions = [
        s2m.model.regulate(content(semantic, strength)[0][:, begin * rows : end * rows], [frames])
        for strength in (settings.flow.latent_strength, *([0.0] if guided else []))
    ]
    reference = prompt_of(s2m, speaker, settings.flow)
    known = s2m.place(spoken.mel[..., spoken.mel.shape[-1] - own :])
    prompt = FlowPrompt(
        torch.cat([reference.mel, known], dim=-1),
        torch.cat([reference.condition, conditions[0][:, :own]], dim=1),
        reference.style,
    )
    plan = settings.flow.plan(config.s2m.defaults)
    grid = step_grid(plan.grid, plan.steps)
    times = s2m.model.time_conditions(grid[:-1].to(s2m.device))
    scale = settings.flow.temperature * config.s2m.noise_scale
    noise = _noise(seed, index, _frames(clock, spoken.tokens), _frames(clock, end), config.mel.bands)
    velocity, start = solution_of(
        s2m.model,
        prompt,
        [condition[:, own:] for condition in conditions],
        [scale * noise],
        times,
        Guidance(plan.guidance, settings.flow.latent_guidance if guided else 1.0),
        graph_maker(s2m.device),
    )
    return integrate(velocity, grid, start, solver=plan.solver)[..., prompt.frames :].cpu()


@torch.no_grad()
def _audio(vocoder: VocoderModels, clock: Clock, mel: Tensor, spoken: _Spoken, kept: int) -> Tensor:
    """The samples up to token `kept`, which are spoken then. mel: of the tokens after the spoken ones."""
    done, end = spoken.mel.shape[-1], _frames(clock, kept)
    whole = torch.cat([spoken.mel, mel], dim=-1)
    first = max(0, done - vocoder.model.context_frames())
    audio = vocoder.model(vocoder.place(whole[..., first:]))[0, 0].float().clamp(-1.0, 1.0).cpu()
    hop = vocoder.model.hop
    last = min(end + JOIN_FRAMES, whole.shape[-1])
    audio = audio[(done - first) * hop : (last - first) * hop]
    if spoken.tail is not None:
        audio = torch.cat([joined(spoken.tail, audio[: len(spoken.tail)]), audio[len(spoken.tail) :]])
    spoken.tokens, spoken.mel, spoken.tail = kept, whole[..., :end], audio[(end - done) * hop :]
    return audio[: (end - done) * hop]


def joined(before: Tensor, after: Tensor) -> Tensor:
    """A cross-fade of (samples,) into as many, of constant power however alike the two are."""
    before = before[: len(after)]
    rising = (torch.arange(len(after)) + 0.5) / len(after)
    falling = 1.0 - rising
    alike = torch.nn.functional.cosine_similarity(before, after, dim=0).clamp(min=0.0)
    power = rising**2 + falling**2 + 2.0 * alike * rising * falling
    return (falling * before + rising * after) / power.sqrt()


def _frames(clock: Clock, tokens: int) -> int:
    """The frame at which a token of a segment begins."""
    return clock.natural_frames(tokens) if tokens else 0


def _noise(seed: int, row: int, begin: int, end: int, bands: int) -> Tensor:
    """The noise of some frames of a segment, (bands, frames), the same whichever chunks they are in."""
    blocks = range(begin // NOISE_FRAMES, -(-end // NOISE_FRAMES))
    drawn = torch.cat([row_noise(seed + block, row, NOISE_FRAMES, bands) for block in blocks], dim=1)
    return drawn[:, begin - blocks[0] * NOISE_FRAMES : end - blocks[0] * NOISE_FRAMES]
