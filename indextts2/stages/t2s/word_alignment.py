"""Word alignment: the text piece of each token, found after decoding (docs/spec/control.md#following-the-text).

One teacher-forced pass reads the attention of the heads that follow the text; the best monotonic path through it is the
timeline. It serves reports, plots, and lengths for parts of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...contracts import Emotion, PreparedText, SemanticSpeech, Speaker, require_same_checkpoint
from ...errors import InputError
from ...models.t2s import TextToSemantic
from ...text.languages import language_row
from ..handles import T2SModels
from .text_to_semantic import with_tagged_emotions

HEADS_KEPT = 8  # best heads of a checkpoint that are averaged
SMALLEST = 1e-8


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
    heads: tuple[tuple[int, int], ...],
    *,
    language: str = "",
) -> Tensor:
    """Attention over the text while each token is predicted. tokens: (tokens,) -> (heads, tokens, text) on the CPU.

    language: of the text, for models with a language table.
    """
    model = t2s.model
    vector = speaker.emotion_vector if emotion is None else emotion.vector
    row = torch.tensor([language_row(language)], device=t2s.device) if model.config.language_rows else None
    output = model.forward_training(
        t2s.place(speaker.condition),
        t2s.place(vector),
        model.duration_slots(None),
        torch.tensor([list(ids)], device=t2s.device),
        torch.tensor([len(ids)], device=t2s.device),
        t2s.place(tokens[None]),
        torch.tensor([len(tokens)], device=t2s.device),
        languages=row,
        attention_heads=heads,
    )
    if output.attention is None:
        raise InputError("A timeline needs at least one attention head.")
    return output.attention[0, :, : len(tokens)].float().cpu()


def find_alignment_heads(
    t2s: T2SModels,
    speaker: Speaker,
    utterances: Sequence[tuple[Sequence[int], Tensor]],
    *,
    emotion: Emotion | None = None,
    count: int = HEADS_KEPT,
) -> tuple[tuple[int, int], ...]:
    """The heads of a checkpoint that follow the text, from finished utterances: (text ids, semantic tokens) each.

    Made once per checkpoint and kept as `T2SConfig.alignment_heads`.
    """
    heads = all_heads(t2s.model)
    attentions = [text_attention(t2s, speaker, emotion, ids, tokens, heads) for ids, tokens in utterances]
    return tuple(head for head, _ in rank_heads(attentions, heads)[:count])


def word_alignments(
    t2s: T2SModels,
    text: PreparedText,
    semantic: SemanticSpeech,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    heads: tuple[tuple[int, int], ...] | None = None,
) -> tuple[WordAlignment, ...]:
    """One timeline per segment of a text that `text_to_semantic` spoke, with the emotion it was spoken with.

    heads: None takes the checkpoint's alignment heads or, failing those, the heads that fit each segment best.
    """
    require_same_checkpoint(("the text-to-semantic model", t2s.fingerprint), ("the tokens", semantic.fingerprint))
    if len(text.segments) != semantic.tokens.shape[0]:
        raise InputError(
            f"The text has {len(text.segments)} segments, but the semantic speech {semantic.tokens.shape[0]} rows. "
            "Connect the text that was spoken."
        )
    text = with_tagged_emotions(t2s, text, speaker)
    known = heads or t2s.model.config.alignment_heads
    heads_read = tuple((pair[0], pair[1]) for pair in known) if known else all_heads(t2s.model)
    lines = []
    for row, segment in enumerate(text.segments):
        tokens = semantic.tokens[row, : int(semantic.token_lengths[row])]
        told = segment.emotion or emotion
        attention = text_attention(t2s, speaker, told, segment.ids, tokens, heads_read, language=segment.language)
        if not known:
            best = [head for head, _ in rank_heads([attention], heads_read)[:HEADS_KEPT]]
            attention = attention[[heads_read.index(head) for head in best]]
        path, mean = monotonic_path(attention.mean(0))
        lines.append(WordAlignment(path, float(torch.tensor(mean).exp())))
    return tuple(lines)
