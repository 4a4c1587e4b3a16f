"""Batches for semantic-to-mel: a prompt and a target of one speaker, cut at random (docs/spec/paper.md#s2m-stage).

Within a batch all prompts are equally long, and so are all targets: nothing is padded, and the length regulator sees
prompt and target apart, just as when speaking. Long crops come in smaller batches, so a step costs about the same.
Differs from the paper: besides the beginning of the same sentence, the prompt may be another sentence of the speaker,
because that is what a reference is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import check_fields
from ...errors import TrainingError
from ..data.contours import ROWS_PER_TOKEN, relative_contours
from ..data.feature_store import FeatureEntry, FeatureStore


@dataclass(frozen=True, slots=True)
class S2MDataSettings:
    """Settings of the batches.

    batch_frames: mel frames of a batch, prompts included. crop_tokens: lengths of prompt and target together, drawn
    with the probabilities crop_shares. prompt_share: least and greatest part of the crop that is prompt.
    other_prompt: how often the prompt comes from another sentence. other_style: how often such a sentence is one of
    another prosody style than the target, where the speaker has one. style_of_prompt: the style vector is that of the
    utterance the prompt is cut from, as when speaking, where both come from the reference; pace, pitch and effort must
    then be read from tokens and latents. languages: which utterances are used.
    """

    batch_frames: int = 3200
    crop_tokens: tuple[int, ...] = (56, 96, 150, 240)
    crop_shares: tuple[float, ...] = (0.55, 0.25, 0.12, 0.08)
    prompt_share: tuple[float, float] = (0.15, 0.5)
    other_prompt: float = 0.5
    other_style: float = 0.0
    style_of_prompt: bool = True
    languages: tuple[str, ...] = ("en",)

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


class S2MData:
    """Draws batches from a feature store; latents come from a second store of the same ids, where there is one.

    A batch is a dictionary: `prompt_tokens` and `tokens` (batch, tokens) int64, `prompt_mel` and `mel`
    (batch, bands, frames), `style` (batch, style_dim), and with latents `latent` (batch, tokens, latent_dim) of the
    target and `has_latent` (batch,) bool; with_features adds `features` (batch, tokens, dim) of the target and
    with_contour its `contour` (batch, 2 * tokens, 3).
    """

    def __init__(
        self,
        store: FeatureStore,
        settings: S2MDataSettings,
        frames_per_token: float,
        *,
        latents: FeatureStore | None = None,
        split: str = "train",
        with_features: bool = False,
        with_contour: bool = False,
    ) -> None:
        self.store, self.settings, self.latents, self.frames_per_token = store, settings, latents, frames_per_token
        self.with_features = with_features
        chosen = store.select(lambda entry: entry.split == split and entry.language in settings.languages)
        self.entries = sorted(chosen, key=lambda entry: (self.usable(entry), entry.id))
        if not self.entries:
            raise TrainingError(f"The features have no utterances of split '{split}'. Extend the corpus.")
        self._counts = [self.usable(entry) for entry in self.entries]
        self._by_speaker: dict[str, list[FeatureEntry]] = {}
        for entry in self.entries:
            self._by_speaker.setdefault(entry.speaker, []).append(entry)
        self._contours = relative_contours(store, self.entries) if with_contour else {}
        self._latent_entries = {} if latents is None else {entry.id: entry for entry in latents}

    def frame_count(self, token_count: int) -> int:
        return int(token_count * self.frames_per_token)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        """One batch of crops of one length."""
        settings = self.settings
        shares = torch.tensor(settings.crop_shares)
        crop = settings.crop_tokens[int(torch.multinomial(shares, 1, generator=generator))]
        low, high = settings.prompt_share
        share = low + (high - low) * float(torch.rand((), generator=generator))
        size = max(settings.batch_frames // self.frame_count(crop), 1)
        prompt_tokens = max(round(crop * share), 1)
        longest = self._counts[-min(2 * size, len(self._counts))]  # leaves a choice of utterances
        target_tokens = max(min(crop - prompt_tokens, longest), 1)
        first = bisect_left(self._counts, target_tokens)
        targets = [self.entries[first + _draw(len(self.entries) - first, generator)] for _ in range(size)]
        return self.batch_of(targets, prompt_tokens, target_tokens, generator)

    def batch_of(
        self, targets: Sequence[FeatureEntry], prompt_tokens: int, target_tokens: int, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The batch with targets from these entries. Prompts are shortened where a speaker has no long enough one."""
        sources = [self._prompt_source(entry, prompt_tokens, target_tokens, generator) for entry in targets]
        room = [self.usable(source) - (0 if apart else target_tokens) for source, apart in sources]
        prompt_tokens = min(prompt_tokens, *room)
        rows = [
            self._row(entry, source, apart, prompt_tokens, target_tokens, generator)
            for entry, (source, apart) in zip(targets, sources, strict=True)
        ]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def usable(self, entry: FeatureEntry) -> int:
        """Tokens of an utterance that have mel frames."""
        return min(entry.token_count, int(entry.frame_count / self.frames_per_token))

    def _prompt_source(
        self, target: FeatureEntry, prompt_tokens: int, target_tokens: int, generator: torch.Generator
    ) -> tuple[FeatureEntry, bool]:
        """Utterance that the prompt is cut from, and whether that is another utterance than the target."""
        others = [entry for entry in self._by_speaker[target.speaker] if entry.utterance != target.utterance]
        long_enough = [entry for entry in others if self.usable(entry) >= prompt_tokens]
        fits_inside = self.usable(target) >= prompt_tokens + target_tokens
        wants_other = float(torch.rand((), generator=generator)) < self.settings.other_prompt
        if self.settings.other_style and float(torch.rand((), generator=generator)) < self.settings.other_style:
            long_enough = [entry for entry in long_enough if entry.style != target.style] or long_enough
        if long_enough and (wants_other or not fits_inside):
            return long_enough[_draw(len(long_enough), generator)], True
        if fits_inside or not others:
            spare = self.usable(target) > target_tokens
            return target, not spare  # a lone utterance without room is its own prompt
        return max(others, key=self.usable), True

    def _row(
        self,
        entry: FeatureEntry,
        source: FeatureEntry,
        apart: bool,
        prompt_tokens: int,
        target_tokens: int,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        if apart:
            prompt_start = _draw(self.usable(source) - prompt_tokens + 1, generator)
            start = _draw(self.usable(entry) - target_tokens + 1, generator)
        else:
            prompt_start = _draw(self.usable(entry) - prompt_tokens - target_tokens + 1, generator)
            start = prompt_start + prompt_tokens
        row = {
            "prompt_tokens": self.store.tensor(source, "tokens")[prompt_start : prompt_start + prompt_tokens],
            "prompt_mel": self._mel(source, prompt_start, prompt_tokens),
            "tokens": self.store.tensor(entry, "tokens")[start : start + target_tokens],
            "mel": self._mel(entry, start, target_tokens),
            "style": self.store.tensor(source if self.settings.style_of_prompt else entry, "style"),
        }
        if self.with_features:
            row["features"] = self.store.tensor(entry, "features")[start : start + target_tokens]
        if self._contours:
            row["contour"] = self._contours[entry.id][ROWS_PER_TOKEN * start : ROWS_PER_TOKEN * (start + target_tokens)]
        if self.latents is not None:
            row["has_latent"] = torch.tensor(entry.id in self._latent_entries)
            row["latent"] = self._latent(self.latents, entry, start, target_tokens)
        return row

    def _mel(self, entry: FeatureEntry, start: int, token_count: int) -> Tensor:
        """The frames of these tokens: (bands, frames)."""
        mel = self.store.tensor(entry, "mel")
        frames = self.frame_count(token_count)
        first = min(round(start * self.frames_per_token), mel.shape[1] - frames)
        return mel[:, first : first + frames]

    def _latent(self, latents: FeatureStore, entry: FeatureEntry, start: int, token_count: int) -> Tensor:
        """(tokens, latent_dim); zeros for an utterance without a latent, which `has_latent` tells."""
        own = self._latent_entries.get(entry.id)
        if own is not None:
            return latents.tensor(own, "latent")[start : start + token_count]
        some = next(iter(self._latent_entries.values()))
        return torch.zeros(token_count, latents.tensor(some, "latent").shape[1])


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
