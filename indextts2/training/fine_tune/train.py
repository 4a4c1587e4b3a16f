"""Teach text-to-semantic of a checkpoint a voice, a language or lengths, by low-rank adapters from a plain list.

Speaker condition and emotion vector of every recording are made once by the checkpoint, which stays as it is; the
condition of an utterance comes from another one of the list, its emotion from itself, as in the paper. Teaching lengths
writes p = W_num h(T) into a slot in all but `length_dropout` of the cases (docs/spec/paper.md#training).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import TrainingError
from ...loading.checkpoint import load_encoder, load_t2s, open_checkpoint
from ...models.t2s import TextToSemantic, TrainingOutput
from ..loop.part import LoopSettings, Metrics, Models, Part
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .adapters import TRUNK, Adapters, TaughtModel, write_adapter
from .listing import Utterance, encode_list, read_list

MODEL = "adapters"
ADAPTER_FOLDER = "adapter"
FREE_ROWS = "speed_emb.weight"
IGNORED = -100


@dataclass(frozen=True, slots=True)
class FineTuneRecipe:
    """Recipe of a fine-tune: what is taught, to which checkpoint, from which list.

    checkpoint: folder or name. listing: file of `path|text` lines. language: of lines that name none. rank, alpha: of
    the adapters; targets: a regular expression of the layers that get one. whole: tensors that are trained themselves.
    teach_lengths: tell the number of tokens; length_dropout: share of utterances that are told nothing. text_weight: of
    the loss on text. held_out: share of the list that is kept to measure with.
    """

    checkpoint: str = "IndexTTS-2"
    listing: str = "list.txt"
    language: str = ""
    rank: int = 16
    alpha: float = 32.0
    targets: str = TRUNK
    whole: tuple[str, ...] = ()
    teach_lengths: bool = False
    length_dropout: float = 0.3
    text_weight: float = 0.01
    batch_size: int = 4
    longest_seconds: float = 20.0
    held_out: float = 0.1
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(max_steps=2_000, learning_rate=2e-4))


class FineTunePart(Part):
    """Adapters of text-to-semantic as a part of the training loop."""

    name = "fine_tune"

    def __init__(self, recipe: FineTuneRecipe, model: TextToSemantic, utterances: list[Utterance]) -> None:
        self.recipe = recipe
        self.taught = TaughtModel(model, "forward_training")
        kept = round(recipe.held_out * len(utterances))
        self.held_out, self.utterances = utterances[:kept], utterances[kept:]
        if not self.utterances:
            raise TrainingError("All of the list is held out, so that nothing is left to learn from. Lower held_out.")

    def identity(self) -> dict[str, Any]:
        return {"rank": self.recipe.rank, "targets": self.recipe.targets, "lengths": self.recipe.teach_lengths}

    def build(self) -> dict[str, nn.Module]:
        model = cast(TextToSemantic, self.taught.model)
        whole = list(self.recipe.whole)
        if self.recipe.teach_lengths and model.speed_emb is not None:
            whole.append(FREE_ROWS)
        generator = torch.Generator().manual_seed(self.recipe.loop.seed)
        adapters = Adapters(model, self.recipe.targets, self.recipe.rank, self.recipe.alpha, generator, whole)
        return {MODEL: adapters}

    def prepare(self, device: torch.device) -> None:
        super().prepare(device)
        self.taught.to(device)

    def batch(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        chosen = torch.randint(len(self.utterances), (self.recipe.batch_size,), generator=generator).tolist()
        others = [self._another(index, generator) for index in chosen]
        told = torch.rand(len(chosen), generator=generator) >= self.recipe.length_dropout
        return self._stacked([self.utterances[index] for index in chosen], others, told)

    def _another(self, index: int, generator: torch.Generator) -> Utterance:
        """Some other utterance, whose voice conditions this one; the same where there is no other."""
        if len(self.utterances) == 1:
            return self.utterances[0]
        other = int(torch.randint(len(self.utterances) - 1, (1,), generator=generator))
        return self.utterances[other + (other >= index)]

    def _stacked(self, chosen: list[Utterance], others: list[Utterance], told: Tensor) -> dict[str, Tensor]:
        lengths = torch.tensor([len(one.tokens) for one in chosen])
        targets = lengths * told if self.recipe.teach_lengths else torch.zeros_like(lengths)
        return {
            "condition": torch.stack([one.condition for one in others]),
            "emotion_vector": torch.stack([one.emotion for one in chosen]),
            "text_ids": _padded([torch.tensor(one.ids) for one in chosen]),
            "text_lengths": torch.tensor([len(one.ids) for one in chosen]),
            "tokens": _padded([one.tokens for one in chosen]),
            "token_lengths": lengths,
            "languages": torch.tensor([one.language for one in chosen]),
            "token_targets": targets,
        }

    def loss(self, models: Models, batch: dict[str, Tensor], generator: torch.Generator) -> tuple[Tensor, Metrics]:
        speech, text = self._losses(models[MODEL], batch)
        return speech + self.recipe.text_weight * text, {"speech": speech.detach(), "text": text.detach()}

    def _losses(self, adapters: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean cross entropy of semantic tokens with their stop, and of text."""
        model = cast(TextToSemantic, self.taught.model)
        config = model.config
        inputs = {key: value for key, value in batch.items() if key not in ("token_targets", "languages")}
        # Free rows that are trained have to reach the slots through the adapters, so the slots are made inside.
        output: TrainingOutput = adapters(
            self.taught,
            slots=None,
            token_targets=batch["token_targets"],
            languages=batch["languages"] if config.language_rows else None,
            **inputs,
        )
        speech = _cross_entropy(output.semantic_logits, batch["tokens"], batch["token_lengths"], config.stop_semantic)
        text = _cross_entropy(output.text_logits, batch["text_ids"], batch["text_lengths"], config.stop_text)
        return speech, text

    def evaluate(self, models: Models) -> dict[str, float]:
        """Held-out loss with the length told and untold."""
        if not self.held_out:
            return {}
        values = {}
        for name, told in (("held_out_told", 1), ("held_out_free", 0)):
            if told and not self.recipe.teach_lengths:
                continue
            flags = torch.full((len(self.held_out),), told)
            batch = self._stacked(self.held_out, self.held_out, flags)
            moved = {key: value.to(self.device) for key, value in batch.items()}
            values[name] = float(self._losses(models[MODEL], moved)[0])
        return values


def _padded(rows: list[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _cross_entropy(logits: Tensor, ids: Tensor, lengths: Tensor, stop: int) -> Tensor:
    """logits: (batch, ids + 1, choices), row k predicts id k, row `lengths` the stop."""
    wanted = F.pad(ids, (0, 1), value=IGNORED)
    column = torch.arange(wanted.shape[1], device=ids.device)
    wanted = wanted.masked_fill(column > lengths[:, None], IGNORED).masked_fill(column == lengths[:, None], stop)
    return F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=IGNORED)


def train_fine_tune(recipe_path: Path, folder: Path) -> TrainingResult:
    """Teach by a recipe; the adapter is written to `folder`/adapter in peft's format."""
    recipe = load_recipe(recipe_path, FineTuneRecipe)
    checkpoint = open_checkpoint(recipe.checkpoint)
    t2s = load_t2s(checkpoint)
    lines = read_list(Path(recipe.listing))
    encoder = load_encoder(checkpoint)
    utterances = encode_list(lines, encoder, t2s, language=recipe.language, longest_seconds=recipe.longest_seconds)
    del encoder
    result = train(FineTunePart(recipe, t2s.model, utterances), recipe.loop, folder)
    tensors = export_weights(folder, MODEL)
    write_adapter(folder / ADAPTER_FOLDER, tensors, recipe.alpha, recipe.rank, checkpoint.config.name)
    return result
