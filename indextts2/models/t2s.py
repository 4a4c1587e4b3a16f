"""Text-to-semantic: reference and text in, semantic tokens out, one causal transformer (docs/spec/t2s.md).

The sequence is [speaker + emotion latents | two duration slots | start text stop | start token, tokens ...]. Attribute
names follow the published checkpoint. `text_embedding` and the two position tables are learned; W_num, the table that
says a target length, is the very tensor of the semantic positions (W_num = W_sem in the paper).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..config import T2SConfig
from ..errors import CheckpointError, InputError
from .conditioner import Conformer, Perceiver, condition_latents
from .transformer import INITIAL_STD, AttentionProbe, CacheView, KVCache, StepLinear, Trunk, TrunkOutput

DURATION_SLOTS = 2
CONDITION_PARTS = ("conditioning", "emo_conditioning", "perceiver", "emo_perceiver", "emovec_layer", "emo_layer")


class PositionTable(nn.Module):
    """Learned positions, one row each."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(rows, dim)

    def forward(self, rows: Tensor) -> Tensor:
        """rows: any shape, int64 -> the same shape with dim appended."""
        return self.emb(rows)


@dataclass(frozen=True, slots=True)
class TrainingOutput:
    """Output of a teacher-forced pass.

    attention: of the heads asked for, None without any; each row sums to one over the item's own text ids, start and
    stop excluded.
    """

    semantic_logits: Tensor  # (batch, tokens + 1, semantic_tokens); row k predicts token k, row token_lengths the stop
    text_logits: Tensor  # (batch, text + 1, text_tokens + 1), the same for text
    latent: Tensor  # (batch, tokens, dim), the state that predicts token k (docs/spec/t2s.md#latents)
    attention: Tensor | None = None  # (batch, heads, tokens + 1, text)


class TextToSemantic(nn.Module):
    """The T2S model of the paper with the released weights' names and sizes given by the configuration."""

    def __init__(self, config: T2SConfig, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        if config.speaker_from == "style":
            self.spk_emb_proj = nn.Linear(config.style_dim, dim)
        else:
            self.conditioning_encoder = Conformer(config.speaker)
            self.perceiver_encoder = Perceiver(config.speaker)
        self.emo_conditioning_encoder = Conformer(config.emotion)
        self.emo_perceiver_encoder = Perceiver(config.emotion)
        self.emovec_layer = nn.Linear(config.emotion.latent_dim, dim)
        self.emo_layer = nn.Linear(dim, dim)
        self.speed_emb = nn.Embedding(DURATION_SLOTS, dim) if config.duration.rows else None
        self.lang_embedding = nn.Embedding(config.language_rows, dim) if config.language_rows else None
        self.text_embedding = nn.Embedding(config.text_tokens + 1, dim)
        self.text_pos_embedding = PositionTable(config.text_rows, dim)
        self.mel_embedding = nn.Embedding(config.semantic_tokens, dim)
        self.mel_pos_embedding = PositionTable(config.semantic_rows, dim)
        self.gpt = Trunk(config.layers, dim, config.heads, dropout)
        self.final_norm = nn.LayerNorm(dim)
        self.text_head = nn.Linear(dim, config.text_tokens + 1)
        self.mel_head = StepLinear(dim, config.semantic_tokens)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Fresh weights for training from scratch, drawn from `generator` alone.

        Trunk, tables and heads are normal with GPT-2's deviation, residual projections smaller by the root of their
        number; conditioners keep the variance of their input (Glorot); biases zero, norms one; the two duration rows
        zero, so that they mean "free" until trained.
        """
        matrices = {layer.weight for layer in self.gpt.modules() if isinstance(layer, StepLinear)}
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2 and name.endswith("weight") or name.endswith("gamma"):
                parameter.fill_(1.0)
            elif parameter.ndim < 2:
                parameter.zero_()
            elif name.startswith(CONDITION_PARTS) and not name.endswith("latents"):
                nn.init.xavier_uniform_(parameter, generator=generator)
            else:  # the trunk's matrices in the order of the published layout, (in, out), as they have always been
                target = parameter.T if parameter in matrices else parameter
                target.copy_(torch.empty(target.shape).normal_(0.0, INITIAL_STD, generator=generator))
        for name, parameter in self.gpt.named_parameters():
            if name.endswith("c_proj.weight"):
                parameter.div_((2 * self.config.layers) ** 0.5)
        if self.speed_emb is not None:
            self.speed_emb.weight.zero_()

    # ---- conditions -------------------------------------------------------------------------------------------------

    def speaker_condition(self, features: Tensor, feature_mask: Tensor | None = None) -> Tensor:
        """features: (batch, tokens, semantic dim); feature_mask: (batch, tokens) -> (batch, latents, dim)."""
        return condition_latents(self.conditioning_encoder, self.perceiver_encoder, features, feature_mask)

    def speaker_from_style(self, style: Tensor) -> Tensor:
        """The same for speaker_from "style". style: (batch, style_dim), not normalised -> (batch, 1, dim)."""
        return self.spk_emb_proj(style)[:, None]

    def emotion_vector(self, features: Tensor, feature_mask: Tensor | None = None) -> Tensor:
        """The emotion vector, an affine map of the latent (docs/spec/emotion.md#emotion-vector): (batch, dim).

        features: (batch, tokens, semantic dim); feature_mask: (batch, tokens).
        """
        latents = condition_latents(self.emo_conditioning_encoder, self.emo_perceiver_encoder, features, feature_mask)
        return self.emo_layer(self.emovec_layer(latents[:, 0]))

    def free_slots(self) -> Tensor:
        """The two slots that mean "any length" to this checkpoint. -> (2, dim)."""
        if self.speed_emb is None:
            return self.final_norm.weight.new_zeros(DURATION_SLOTS, self.config.dim)
        rows = self.speed_emb.weight
        kind = self.config.duration.free
        if kind == "official":
            return rows.flip(0)  # row 1, then row 0
        if kind == "zero":
            return torch.zeros_like(rows)
        if kind == "row0":
            return rows[:1].expand(DURATION_SLOTS, -1)
        raise CheckpointError(f"duration.free should be official, zero or row0, but the configuration says '{kind}'.")

    def duration_slots(self, token_targets: Tensor | None, *, batch: int = 1, slot: str | None = None) -> Tensor:
        """The pair of duration embeddings of each item (docs/spec/control.md#model).

        token_targets: (batch,) int64 tokens wanted without the stop, 0 for "any"; None for "any" in every item, then
        `batch` says how many. slot overrides the configuration's "a", "b" or "both". -> (batch, 2, dim)
        """
        free = self.free_slots()
        if token_targets is None:
            return free.expand(batch, -1, -1)
        where = self.config.duration.slot if slot is None else slot
        if where not in ("a", "b", "both"):
            raise InputError(f"The duration slot is a, b or both, but got '{where}'.")
        length = self.mel_pos_embedding(token_targets.clamp(0, self.config.semantic_rows - 1))  # (batch, dim)
        takes_row = torch.tensor([where != "b", where != "a"], device=length.device)
        chosen = (token_targets > 0)[:, None] & takes_row  # (batch, 2)
        return torch.where(chosen[..., None], length[:, None], free[None])

    # ---- embeddings -------------------------------------------------------------------------------------------------

    def embed_text(self, ids: Tensor, languages: Tensor | None = None) -> Tensor:
        """ids: (batch, text) with start and stop in place -> (batch, text, dim). Positions count from the start id.

        languages: (batch,) rows of the language table, added to every row of the text; None where there is no table.
        """
        if ids.shape[-1] > self.config.text_rows:
            raise InputError(
                f"A text segment of {ids.shape[-1] - 2} tokens is too long; this checkpoint reads "
                f"{self.config.max_text_tokens}. Split the text."
            )
        rows = self.text_embedding(ids) + self.text_pos_embedding(torch.arange(ids.shape[-1], device=ids.device))
        if self.lang_embedding is None:
            return rows
        if languages is None:
            raise InputError("This text-to-semantic model needs the language of a text. Prepare the text with it.")
        return rows + self.lang_embedding(languages)[:, None]

    def embed_semantic(self, tokens: Tensor, first_row: int | Tensor = 0) -> Tensor:
        """tokens: (batch, tokens) in consecutive positions from `first_row` -> (batch, tokens, dim)."""
        return self.embed_semantic_at(tokens, torch.arange(tokens.shape[-1], device=tokens.device) + first_row)

    def embed_semantic_at(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """tokens: any shape; rows: position rows, broadcast against them -> the shape of tokens with dim appended."""
        return self.mel_embedding(tokens) + self.mel_pos_embedding(rows)

    def framed_text(self, ids: Tensor, text_lengths: Tensor) -> Tensor:
        """Put start before and stop behind each text. ids: (batch, text) -> (batch, text + 2), stops to the right."""
        framed = ids.new_full((ids.shape[0], ids.shape[1] + 2), self.config.stop_text)
        framed[:, 0] = self.config.start_text
        column = torch.arange(ids.shape[1], device=ids.device)
        framed[:, 1:-1] = torch.where(column < text_lengths[:, None], ids, self.config.stop_text)
        return framed

    # ---- the trunk --------------------------------------------------------------------------------------------------

    def new_cache(self, batch: int, max_rows: int) -> KVCache:
        """An empty key/value cache for `batch` items."""
        return self.gpt.new_cache(batch, max_rows)

    def states(
        self,
        embeddings: Tensor,
        *,
        attn_mask: Tensor | None = None,
        view: CacheView | None = None,
        probe: AttentionProbe | None = None,
    ) -> TrunkOutput:
        """Trunk and both norms after it: hidden is what the heads and S2M read. See `Trunk.forward`."""
        output = self.gpt(embeddings, attn_mask=attn_mask, view=view, probe=probe)
        return TrunkOutput(self.final_norm(output.hidden), output.attention_weights)

    def forward_training(
        self,
        condition: Tensor,
        emotion_vector: Tensor | None,
        slots: Tensor | None,
        text_ids: Tensor,
        text_lengths: Tensor,
        tokens: Tensor,
        token_lengths: Tensor,
        *,
        languages: Tensor | None = None,
        token_targets: Tensor | None = None,
        attention_heads: tuple[tuple[int, int], ...] = (),
    ) -> TrainingOutput:
        """One parallel pass over text and tokens. Text and tokens are padded on the right with anything.

        condition: (batch, latents, dim); emotion_vector: (batch, dim), None adds nothing; slots: (batch, 2, dim), None
        makes those of `token_targets` (`duration_slots`); text_ids: (batch, text); text_lengths, token_lengths:
        (batch,); tokens: (batch, tokens); languages: see `embed_text`. Padding changes nothing for the real rows: text
        padding is masked, token padding lies in the future of every real row. Semantic positions are 0, 1, 2, ... here;
        `latents` keeps those of decoding.
        """
        config = self.config
        slots = self.duration_slots(token_targets, batch=len(text_ids)) if slots is None else slots
        front = condition if emotion_vector is None else condition + emotion_vector[:, None]
        text = self.embed_text(self.framed_text(text_ids, text_lengths), languages)
        column = torch.arange(tokens.shape[1], device=tokens.device)
        real = torch.where(column < token_lengths[:, None], tokens, config.stop_semantic)
        start = real.new_full((real.shape[0], 1), config.start_semantic)
        semantic = self.embed_semantic(torch.cat([start, real], dim=1))
        rows = torch.cat([front, slots, text, semantic], dim=1)
        text_at, semantic_at = front.shape[1] + slots.shape[1], rows.shape[1] - semantic.shape[1]
        probe = self._text_probe(attention_heads, text_at, semantic_at, text_lengths, text_ids.shape[1])
        mask = self._training_mask(rows, text_at, semantic_at, text_lengths)
        output = self.states(rows, attn_mask=mask, probe=probe)
        hidden = output.hidden
        return TrainingOutput(
            semantic_logits=self.mel_head(hidden[:, semantic_at:]),
            text_logits=self.text_head(hidden[:, text_at : semantic_at - 1]),
            latent=hidden[:, semantic_at:-1],
            attention=output.attention_weights,
        )

    @staticmethod
    def _training_mask(rows: Tensor, text_at: int, semantic_at: int, text_lengths: Tensor) -> Tensor:
        """Causal order without the text padding. -> (batch, rows, rows)."""
        index = torch.arange(rows.shape[1], device=rows.device)
        padding = (index >= text_at + 2 + text_lengths[:, None]) & (index < semantic_at)  # (batch, rows)
        return (index <= index[:, None]) & ~padding[:, None]

    @staticmethod
    def _text_probe(
        heads: tuple[tuple[int, int], ...], text_at: int, semantic_at: int, text_lengths: Tensor, text: int
    ) -> AttentionProbe | None:
        if not heads:
            return None
        valid = torch.arange(text, device=text_lengths.device) < text_lengths[:, None]
        return AttentionProbe(
            heads, first_query=semantic_at, keys=slice(text_at + 1, text_at + 1 + text), key_mask=valid
        )
