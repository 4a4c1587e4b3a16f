"""Losses shared by the training parts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(context, value: Tensor, strength: float) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001
        context.strength = strength
        return value.view_as(value)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        return -context.strength * gradient, None


def reverse_gradient(value: Tensor, strength: float) -> Tensor:
    """The identity forwards; backwards the gradient times -strength (gradient reversal, arXiv 1505.07818)."""
    return _Reverse.apply(value, strength)


class SpeakerClassifier(nn.Module):
    """Guesses the speaker from an emotion vector; its reversed gradient drives the speaker out of that vector.

    Differs from the paper: it does not give the classifier's form; this is a two-layer perceptron.
    """

    def __init__(self, dim: int, speakers: int, hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, speakers))

    def forward(self, emotion_vector: Tensor) -> Tensor:
        """(batch, dim) -> (batch, speakers)."""
        return self.layers(emotion_vector)


class ProsodyHead(nn.Module):
    """Predicts the prosody of an utterance from every latent of T2S and from its emotion vector, by linear layers.

    Differs from the paper, which has no such head: a small model otherwise leaves the emotion to the tokens, and they
    hold little of pitch and effort.
    """

    def __init__(self, dim: int, values: int) -> None:
        super().__init__()
        self.of_latent = nn.Linear(dim, values)
        self.of_emotion = nn.Linear(dim, values)

    def forward(
        self,
        latent: Tensor,
        token_lengths: Tensor,
        prosody: Tensor,
        emotion_vector: Tensor | None = None,
        emotion_prosody: Tensor | None = None,
    ) -> Tensor:
        """Mean absolute error over valid latents, plus that of the emotion vectors where they are given.

        latent: (batch, tokens, dim); token_lengths: (batch,); prosody, emotion_prosody: (batch, values), of the target
        and of the emotion prompt; emotion_vector: (batch, dim).
        """
        valid = torch.arange(latent.shape[1], device=latent.device)[None] < token_lengths[:, None]
        error = (self.of_latent(latent).float() - prosody[:, None]).abs().mean(dim=-1)
        loss = (error * valid).sum() / valid.sum()
        if emotion_vector is None or emotion_prosody is None:
            return loss
        return loss + self.emotion_error(emotion_vector, emotion_prosody)

    def emotion_error(self, emotion_vector: Tensor, prosody: Tensor) -> Tensor:
        """Mean absolute error of what is read off emotion vectors (batch, dim) alone. prosody: (batch, values)."""
        return (self.of_emotion(emotion_vector).float() - prosody).abs().mean()


class LabelHead(nn.Module):
    """Predicts the label of an utterance (its prosody style) from every latent of T2S and from its emotion vector.

    Differs from the paper, which has no such head. Pitch, loudness and tilt of single utterances move mostly along
    one line, and an emotion branch that learns them alone says eight emotions with one number.
    """

    weights: Tensor

    def __init__(self, dim: int, weights: Tensor) -> None:
        """weights: (labels,), how much an utterance of each label counts."""
        super().__init__()
        self.of_latent = nn.Linear(dim, len(weights))
        self.of_emotion = nn.Linear(dim, len(weights))
        self.register_buffer("weights", weights)

    def forward(self, latent: Tensor, token_lengths: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy over valid latents (batch, tokens, dim), and the accuracy; labels: (batch,)."""
        valid = torch.arange(latent.shape[1], device=latent.device)[None] < token_lengths[:, None]
        return self._read(self.of_latent(latent)[valid], labels[:, None].expand_as(valid)[valid])

    def of_vectors(self, emotion_vector: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The same of emotion vectors (batch, dim) alone."""
        return self._read(self.of_emotion(emotion_vector), labels)

    def _read(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        right = (logits.detach().argmax(dim=-1) == labels).float().mean()
        return F.cross_entropy(logits.float(), labels, weight=self.weights), right


def label_weights(labels: Tensor, count: int) -> Tensor:
    """One over the square root of how often each label occurs, 1 on average over utterances. labels: (utterances,)."""
    often = torch.bincount(labels, minlength=count).clamp(min=1).float()
    weights = often.rsqrt()
    return weights * often.sum() / (weights * often).sum()


def semantic_loss(logits: Tensor, tokens: Tensor, token_lengths: Tensor, stop: int) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the semantic tokens and the stop that ends them (docs/spec/paper.md#t2s-loss).

    logits: (batch, tokens + 1, vocabulary); tokens: (batch, tokens). Returns the loss and the share predicted right.
    """
    batch, width = tokens.shape
    positions = torch.arange(width + 1, device=tokens.device)[None]
    targets = F.pad(tokens, (0, 1)).masked_fill(positions == token_lengths[:, None], stop)
    valid = positions <= token_lengths[:, None]
    loss = F.cross_entropy(logits[valid].float(), targets[valid])
    right = (logits.detach().argmax(dim=-1) == targets)[valid].float().mean()
    return loss, right


def guided_attention_loss(attention: Tensor, guide: Tensor, reach: int = 1) -> tuple[Tensor, Tensor]:
    """Negative log of the attention within `reach` text tokens of the one that sounds.

    attention: (batch, heads, tokens, text), probabilities over the text; guide: (batch, tokens), negative if unknown.
    Returns the loss and the mean attention that falls inside.
    """
    text = torch.arange(attention.shape[-1], device=guide.device)
    near = ((text[None, None] - guide[..., None]).abs() <= reach) & (guide >= 0)[..., None]  # (batch, tokens, text)
    inside = (attention * near[:, None].to(attention.dtype)).sum(dim=-1)  # (batch, heads, tokens)
    known = (guide >= 0)[:, None].expand_as(inside)
    return -(inside[known] + 1e-6).log().mean(), inside[known].detach().mean()


def corrupt_tokens(tokens: Tensor, share: float, vocabulary: int, generator: torch.Generator) -> Tensor:
    """Replace a share of the tokens fed to the model by random ones, so that it learns to go on after a mistake."""
    noise = torch.rand(tokens.shape, generator=generator).to(tokens.device)
    random = torch.randint(vocabulary, tokens.shape, generator=generator).to(tokens.device)
    return torch.where(noise < share, random, tokens)


def blur_features(features: Tensor, hidden: float, noise: float, generator: torch.Generator) -> Tensor:
    """Hide a share of the dimensions of every row, the rest louder by as much, and add normal noise of this spread.

    features: (rows, tokens, dim), normalised. A few thousand prompts are otherwise learned by heart.
    """
    rows, _, dim = features.shape
    kept = (torch.rand(rows, 1, dim, generator=generator) >= hidden).to(features) / (1.0 - hidden)
    return features * kept + noise * torch.randn(features.shape, generator=generator).to(features)
