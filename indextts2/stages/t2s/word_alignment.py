"""Word alignment: the text piece of each token, found after decoding (docs/spec/control.md#following-the-text).

One teacher-forced pass reads the attention of the heads that follow the text; the best monotonic path through it is the
timeline. Where no head of a checkpoint follows the text clearly, the timeline is forced: a token speaks the piece
whose loss makes it least likely. It serves word times, plots, and lengths for parts of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ...contracts import Emotion, PreparedText, SemanticSpeech, Speaker, require_same_checkpoint
from ...errors import InputError
from ...models.t2s import TextToSemantic, TrainingOutput
from ...text.languages import language_row
from ..handles import T2SModels
from .text_to_semantic import with_tagged_emotions

HEADS_KEPT = 8  # best heads of a checkpoint that are averaged
CLEAR = 0.5  # mean probability along the path from which on a head is known to follow the text
SMALLEST = 1e-8
LOST_FLOOR = 1.0  # nats that are added to every loss of a forced timeline, so that small ones are no evidence
ROWS_AT_ONCE = 16  # texts with a piece less that are read together

Heads = tuple[tuple[int, int], ...]
_FOUND: WeakKeyDictionary[TextToSemantic, Heads] = WeakKeyDictionary()
"""Heads found in models whose configuration names none; empty where none is clear."""


@dataclass(frozen=True, slots=True)
class WordAlignment:
    """The text piece that each token of a segment speaks."""

    pieces: Tensor  # (tokens,) int64, never going back
    confidence: float  # mean probability of the attention along that path, 1 for a head that attends to nothing else

    def spans(self, piece_count: int) -> tuple[tuple[int, int], ...]:
        """(first token, tokens) of every piece; a piece that no token speaks has none."""
        counts = torch.bincount(self.pieces, minlength=piece_count)
        ends = counts.cumsum(0)
        return tuple(zip((ends - counts).tolist(), counts.tolist(), strict=True))


def monotonic_path(attention: Tensor) -> tuple[Tensor, float]:
    """The best path that stays or moves on by one piece with every token, and its mean log-probability.

    attention: (tokens, pieces) -> (tokens,) int64. It begins at the first piece and ends where it fits best.
    """
    score = attention.clamp_min(SMALLEST).log()
    tokens, pieces = score.shape
    best = torch.full((pieces,), float("-inf"))
    best[0] = score[0, 0]
    moved = torch.zeros(tokens, pieces, dtype=torch.bool)
    for token in range(1, tokens):
        before = torch.cat([torch.tensor([float("-inf")]), best[:-1]])
        moved[token] = before > best
        best = torch.maximum(best, before) + score[token]
    path = torch.zeros(tokens, dtype=torch.int64)
    piece = int(best.argmax())
    mean = float(best[piece]) / tokens
    for token in range(tokens - 1, -1, -1):
        path[token] = piece
        piece -= int(moved[token, piece])
    return path, mean


def rank_heads(attentions: Sequence[Tensor], heads: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], float]]:
    """Heads by how well a monotonic path explains them, the best first, with their mean log-probability.

    attentions: one (heads, tokens, pieces) per utterance; heads: the (layer, head) pair of each row.
    """
    if not attentions:
        raise InputError("At least one utterance is needed to rank attention heads.")
    scores = [
        sum(monotonic_path(attention[index])[1] for attention in attentions) / len(attentions)
        for index in range(len(heads))
    ]
    return sorted(zip(heads, scores, strict=True), key=lambda pair: -pair[1])


def all_heads(model: TextToSemantic) -> tuple[tuple[int, int], ...]:
    """Every (layer, head) pair of a model, in the order in which it reports them."""
    return tuple((layer, head) for layer in range(model.config.layers) for head in range(model.config.heads))


@torch.no_grad()
def text_attention(
    t2s: T2SModels,
    speaker: Speaker,
    emotion: Emotion | None,
    ids: Sequence[int],
    tokens: Tensor,
    heads: Heads,
    *,
    language: str = "",
) -> Tensor:
    """Attention over the text while each token is predicted. tokens: (tokens,) -> (heads, tokens, text) on the CPU.

    language: of the text, for models with a language table.
    """
    output = _read(t2s, speaker, emotion, [ids], tokens, heads, language)
    if output.attention is None:
        raise InputError("A timeline needs at least one attention head.")
    return output.attention[0, :, : len(tokens)].float().cpu()


def _read(
    t2s: T2SModels,
    speaker: Speaker,
    emotion: Emotion | None,
    texts: Sequence[Sequence[int]],
    tokens: Tensor,
    heads: Heads,
    language: str,
) -> TrainingOutput:
    """One teacher-forced pass over the same tokens behind texts of the same length."""
    model, count = t2s.model, len(texts)
    vector = speaker.emotion_vector if emotion is None else emotion.vector
    rows = torch.full((count,), language_row(language), device=t2s.device) if model.config.language_rows else None
    return model.forward_training(
        t2s.place(speaker.condition).expand(count, -1, -1),
        t2s.place(vector).expand(count, -1),
        model.duration_slots(None, batch=count),
        torch.tensor([list(ids) for ids in texts], device=t2s.device),
        torch.full((count,), len(texts[0]), device=t2s.device),
        t2s.place(tokens[None]).expand(count, -1),
        torch.full((count,), len(tokens), device=t2s.device),
        languages=rows,
        attention_heads=heads,
    )


@torch.no_grad()
def text_losses(
    t2s: T2SModels,
    speaker: Speaker,
    emotion: Emotion | None,
    ids: Sequence[int],
    tokens: Tensor,
    *,
    language: str = "",
) -> Tensor:
    """How much less likely each token is where a piece of the text is replaced by its neighbour.

    tokens: (tokens,) -> (tokens, text) on the CPU, each row summing to one, as attention does.
    """
    texts = [list(ids)]
    for place in range(len(ids)):
        neighbour = ids[place - 1] if place else ids[min(1, len(ids) - 1)]
        texts.append([*ids[:place], neighbour, *ids[place + 1 :]])
    scores = []
    for first in range(0, len(texts), ROWS_AT_ONCE):
        logits = _read(t2s, speaker, emotion, texts[first : first + ROWS_AT_ONCE], tokens, (), language).semantic_logits
        index = tokens.to(logits.device)[None, :, None].expand(logits.shape[0], -1, 1)
        scores.append(logits[:, : len(tokens)].float().log_softmax(-1).gather(-1, index)[..., 0].cpu())
    likely = torch.cat(scores)
    lost = (likely[:1] - likely[1:]).clamp_min(0.0).T + LOST_FLOOR
    return lost / lost.sum(-1, keepdim=True)


def find_alignment_heads(
    t2s: T2SModels,
    speaker: Speaker,
    utterances: Sequence[tuple[Sequence[int], Tensor]],
    *,
    emotion: Emotion | None = None,
    language: str = "",
    count: int = HEADS_KEPT,
    least: float = 0.0,
) -> Heads:
    """The heads of a checkpoint that follow the text, from finished utterances: (text ids, semantic tokens) each.

    least: mean probability that their paths have at least. Made once per checkpoint, and kept as
    `T2SConfig.alignment_heads` or with the model.
    """
    heads = all_heads(t2s.model)
    attentions = [
        text_attention(t2s, speaker, emotion, ids, tokens, heads, language=language) for ids, tokens in utterances
    ]
    ranked = rank_heads(attentions, heads)[:count]
    return tuple(head for head, score in ranked if torch.tensor(score).exp() >= least)


def word_alignments(
    t2s: T2SModels,
    text: PreparedText,
    semantic: SemanticSpeech,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    heads: Heads | None = None,
) -> tuple[WordAlignment, ...]:
    """One timeline per segment of a text that `text_to_semantic` spoke, with the emotion it was spoken with.

    heads: None takes the checkpoint's alignment heads or, failing those, the ones found with the first text; () forces
    the timeline.
    """
    require_same_checkpoint(("the text-to-semantic model", t2s.fingerprint), ("the tokens", semantic.fingerprint))
    if len(text.segments) != semantic.tokens.shape[0]:
        raise InputError(
            f"The text has {len(text.segments)} segments, but the semantic speech {semantic.tokens.shape[0]} rows. "
            "Connect the text that was spoken."
        )
    text = with_tagged_emotions(t2s, text, speaker)
    rows = [semantic.tokens[row, : int(count)] for row, count in enumerate(semantic.token_lengths)]
    if heads is None:
        heads = _heads_of(t2s, text, rows, speaker, emotion)
    lines = []
    for segment, tokens in zip(text.segments, rows, strict=True):
        told, language = segment.emotion or emotion, segment.language
        if heads:
            evidence = text_attention(t2s, speaker, told, segment.ids, tokens, heads, language=language).mean(0)
        else:
            evidence = text_losses(t2s, speaker, told, segment.ids, tokens, language=language)
        path, mean = monotonic_path(evidence)
        lines.append(WordAlignment(path, float(torch.tensor(mean).exp())))
    return tuple(lines)


def _heads_of(
    t2s: T2SModels, text: PreparedText, rows: Sequence[Tensor], speaker: Speaker, emotion: Emotion | None
) -> Heads:
    """The heads that the configuration names, else those found once in this model."""
    known = t2s.model.config.alignment_heads
    if known:
        return tuple((pair[0], pair[1]) for pair in known)
    if t2s.model not in _FOUND:
        utterances = [(segment.ids, tokens) for segment, tokens in zip(text.segments, rows, strict=True)]
        _FOUND[t2s.model] = find_alignment_heads(
            t2s, speaker, utterances, emotion=emotion, language=text.segments[0].language, least=CLEAR
        )
    return _FOUND[t2s.model]
