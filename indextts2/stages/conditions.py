"""From a reference to what T2S is conditioned on: who talks, and how it is said (docs/spec/t2s.md#conformer)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..checks import check_finite
from ..contracts import Emotion, Reference, Speaker, require_same_checkpoint
from ..errors import CheckpointMismatch
from ..surroundings import with_torch_defaults
from .content import CONTENT
from .handles import T2SModels


@torch.no_grad()
@with_torch_defaults
def condition_speaker(t2s: T2SModels, reference: Reference) -> Speaker:
    """The speaker condition of a reference, with what semantic-to-mel needs of it.

    The speaker's emotion vector comes from the emotion path of the same recording, as in the released pipeline. Tensors
    lie where the reference's do, in float32. Raises CheckpointMismatch for a reference of another encoder.
    """
    fingerprint = _check(t2s, reference)
    home = reference.features.device
    condition = speaker_conditioner(t2s)(reference)
    return Speaker(
        condition=condition.float().to(home),
        emotion_vector=_emotion_vector(t2s, reference.emotion_features),
        style=reference.style,
        prompt_mel=reference.mel,
        prompt_quantized=CONTENT[t2s.config.s2m.content].prompt(reference),
        fingerprint=t2s.fingerprint,
        encoder_fingerprint=fingerprint,
    )


@torch.no_grad()
@with_torch_defaults
def emotion_from_reference(t2s: T2SModels, reference: Reference, *, base: Speaker | None = None) -> Emotion:
    """The emotion of a recording, whoever speaks in it.

    base: the speaker whose own emotion means "strength zero"; None leaves that unknown, and strength cannot be scaled.
    """
    _check(t2s, reference)
    if base is not None:
        require_same_checkpoint(("the emotion", t2s.fingerprint), ("the base speaker", base.fingerprint))
    return Emotion(
        vector=_emotion_vector(t2s, reference.emotion_features),
        base=None if base is None else base.emotion_vector,
        fingerprint=t2s.fingerprint,
    )


def _check(t2s: T2SModels, reference: Reference) -> str:
    fingerprint = require_same_checkpoint(
        ("the text-to-semantic model", t2s.encoder_fingerprint), ("the reference", reference.fingerprint)
    )
    wanted = t2s.model.config.emotion.input_dim
    if reference.features.shape[-1] != wanted:
        raise CheckpointMismatch(
            f"The text-to-semantic model reads features of width {wanted}, but the reference has "
            f"{reference.features.shape[-1]}. Encode the reference with the same checkpoint."
        )
    check_finite("The reference features", reference.features)
    check_finite("The reference's emotion features", reference.emotion_features)
    return fingerprint


class SpeakerConditioner(Protocol):
    """Turns a reference into what the trunk reads of its speaker."""

    described: str  # for messages: the release, and what the condition is made of

    def __init__(self, t2s: T2SModels) -> None: ...

    @property
    def latents(self) -> int:
        """Rows of the condition."""

    def __call__(self, reference: Reference) -> Tensor:
        """-> (1, latents, dim), on the model's device and in its type."""


@dataclass(frozen=True, slots=True)
class PerceiverConditioner:
    """IndexTTS-2: conformer and perceiver over the features of the recording (docs/spec/t2s.md#conformer)."""

    t2s: T2SModels

    described = "IndexTTS-2, latents made of the features"

    @property
    def latents(self) -> int:
        return self.t2s.model.config.speaker.latents

    def __call__(self, reference: Reference) -> Tensor:
        return self.t2s.model.speaker_condition(self.t2s.place(reference.features))


@dataclass(frozen=True, slots=True)
class StyleProjection:
    """IndexTTS-2.5: one projection of the style vector (docs/spec/v25.md)."""

    t2s: T2SModels

    described = "IndexTTS-2.5, one latent made of the style"
    latents = 1

    def __call__(self, reference: Reference) -> Tensor:
        return self.t2s.model.speaker_from_style(self.t2s.place(reference.style))


SPEAKER_CONDITIONERS: dict[str, type[SpeakerConditioner]] = {
    "features": PerceiverConditioner,
    "style": StyleProjection,
}
"""`T2SConfig.speaker_from` -> its class. A further way is a further entry."""


def speaker_conditioner(t2s: T2SModels) -> SpeakerConditioner:
    """The conditioner that the configuration of a checkpoint names."""
    return SPEAKER_CONDITIONERS[t2s.model.config.speaker_from](t2s)


def _emotion_vector(t2s: T2SModels, features: Tensor) -> Tensor:
    return t2s.model.emotion_vector(t2s.place(features)).float().to(features.device)
