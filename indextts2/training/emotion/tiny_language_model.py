"""The mini's text-to-emotion model: a small Llama and its byte-level tokenizer, made from the training texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from ...checks import check_fields
from ...config import EMOTIONS
from ...errors import MissingDependency, TrainingError
from ...stages.emotion.from_text import TextToEmotionConfig

HIDDEN, END, ASK = "<|hidden|>", "<|end|>", "<|emotion|>"
LABELS = tuple(f"<|{emotion}|>" for emotion in EMOTIONS)
SPECIAL = (HIDDEN, END, ASK, *LABELS)


@dataclass(frozen=True, slots=True)
class TinyModelSettings:
    """Sizes. The defaults make 1.25 M weights, 2.5 MB in half precision."""

    vocabulary: int = 7168
    dim: int = 128
    layers: int = 2
    heads: int = 4
    feed_forward: int = 256
    positions: int = 512
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


def tiny_config() -> TextToEmotionConfig:
    """Prompt of the tiny model: the text, a question token, and one token per label."""
    return TextToEmotionConfig(
        method="likelihood", prompt="plain", answer=ASK, labels=LABELS, max_text_tokens=256, max_new_tokens=1
    )


def tiny_tokenizer(settings: TinyModelSettings, texts: Sequence[str]) -> Any:
    """Lower-cased byte-level pieces learned from the texts; no text is unknown to it."""
    try:
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise MissingDependency("The tiny model needs tokenizers and transformers: pip install transformers") from error
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=HIDDEN,
        eos_token=END,
        pad_token=END,
        add_prefix_space=True,
        clean_up_tokenization_spaces=False,
    )


def tiny_model(settings: TinyModelSettings, tokenizer: Any, vectors: Tensor | None = None) -> Any:
    """A randomly initialised Llama with tied embeddings. vectors: (pieces, dim) to start the embeddings from."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.dim,
        intermediate_size=settings.feed_forward,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=settings.positions,
        attention_dropout=settings.dropout,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    if vectors is not None:
        known = vectors.norm(dim=-1) > 0
        known[: len(SPECIAL)] = False
        with torch.no_grad():
            table = cast(torch.nn.Embedding, model.get_input_embeddings()).weight
            table[known] = vectors[known] * (table.shape[1] ** 0.5 * config.initializer_range)
    return model
