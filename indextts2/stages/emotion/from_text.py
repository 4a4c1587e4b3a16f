"""From a text to eight emotion weights, by a small causal language model (docs/spec/emotion.md#text-to-emotion-model).

Two ways. "generate" lets the model write a JSON reply and reads it, as the official model was trained to. "likelihood"
asks how probable each of the eight labels is as the continuation of the prompt and takes the softmax: the soft
distribution of the paper, without a reply that could be malformed. A folder says which one it was trained for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ...checks import check_whole
from ...config import EMOTIONS
from ...contracts import EmotionWeights
from ...errors import ConfigError, InputError
from ...surroundings import with_torch_defaults
from ..placed import Placed, device_of
from .reply import CALM, CHINESE_LABELS, UnreadableReply, parse_reply

log = logging.getLogger(__name__)

METHODS = ("generate", "likelihood")
PROMPTS = ("chat", "plain")
SYSTEM_PROMPT = "文本情感分类"
END_OF_THINKING = "</think>"
END_OF_THINKING_ID = 151_668
"""That piece in the released tokenizer, used when the tokenizer does not know it by name."""


@dataclass(frozen=True, slots=True)
class TextToEmotionConfig:
    """Prompt and decoding of a folder's model. Defaults are those of the released one, which has no such file.

    method: what "auto" means. prompt: "chat" uses the tokenizer's template with `system`; "plain" writes the text and
    `answer`. labels: continuation that stands for each emotion, in the order of EMOTIONS. temperature: of the softmax
    over labels. compatible: read replies exactly as the official program does.
    """

    method: str = "generate"
    prompt: str = "chat"
    system: str = SYSTEM_PROMPT
    answer: str = ""
    labels: tuple[str, ...] = CHINESE_LABELS
    temperature: float = 1.0
    max_new_tokens: int = 256
    max_text_tokens: int = 512
    compatible: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"A text-to-emotion method is {' or '.join(METHODS)}, but got '{self.method}'.")
        if self.prompt not in PROMPTS:
            raise ConfigError(f"A text-to-emotion prompt is {' or '.join(PROMPTS)}, but got '{self.prompt}'.")
        if len(self.labels) != len(EMOTIONS) or len(set(self.labels)) != len(EMOTIONS):
            raise ConfigError(f"Eight different labels are expected, but got {list(self.labels)}.")
        if not 0.0 < self.temperature < float("inf"):
            raise ConfigError(f"The temperature should be positive and finite, but is {self.temperature}.")
        if self.max_new_tokens < 1 or self.max_text_tokens < 1:
            raise ConfigError("Text-to-emotion needs room for at least one token of text and of reply.")


@dataclass(frozen=True, slots=True)
class TextToEmotionModel(Placed):
    """A loaded causal language model. model: any transformers causal LM; tokenizer: the one of its folder."""

    model: nn.Module
    tokenizer: Any
    config: TextToEmotionConfig = field(default_factory=TextToEmotionConfig)
    name: str = ""


@dataclass(frozen=True, slots=True)
class TextEmotion:
    """The weights with how they came about. reply: what the model wrote; empty for the likelihood method."""

    weights: EmotionWeights
    method: str
    reply: str = ""
    warnings: tuple[str, ...] = ()


def emotion_from_text(
    model: TextToEmotionModel, text: str, *, method: str = "auto", temperature: float | None = None, seed: int = 0
) -> EmotionWeights:
    """Weights of a text; what was wrong with the reply goes to the log. `read_emotion` returns it instead."""
    found = read_emotion(model, text, method=method, temperature=temperature, seed=seed)
    for warning in found.warnings:
        log.warning(warning)
    return found.weights


@with_torch_defaults
def read_emotion(
    model: TextToEmotionModel, text: str, *, method: str = "auto", temperature: float | None = None, seed: int = 0
) -> TextEmotion:
    """Weights, method used, reply and warnings for a text. Unreadable replies and empty texts are calm, with a warning.

    temperature: of the softmax over labels; None takes the model's own. seed: for models whose generation samples.
    """
    if method not in ("auto", *METHODS):
        raise InputError(f"A text-to-emotion method is auto, {' or '.join(METHODS)}, but got '{method}'.")
    used = model.config.method if method == "auto" else method
    if not text.strip():
        return TextEmotion(CALM, used, "", ("The text to read an emotion from is empty, so calm is used.",))
    prompt, warnings = prompt_ids(model, text)
    with torch.inference_mode():
        if used == "likelihood":
            weights = _likelihood_weights(model, prompt, temperature)
            return TextEmotion(weights, used, "", warnings)
        reply = _generated_reply(model, prompt, seed)
    try:
        weights = parse_reply(reply, text, compatible=model.config.compatible)
    except UnreadableReply as error:
        warnings += (f"The text-to-emotion model's reply cannot be used because {error}, so calm is used.",)
        return TextEmotion(CALM, used, reply, warnings)
    return TextEmotion(weights, used, reply, warnings)


def prompt_ids(model: TextToEmotionModel, text: str) -> tuple[list[int], tuple[str, ...]]:
    """Token ids the model continues, and a warning when the text had to be cut."""
    tokenizer, config = model.tokenizer, model.config
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    warnings: tuple[str, ...] = ()
    if len(ids) > config.max_text_tokens:
        warnings = (f"Only the first {config.max_text_tokens} of {len(ids)} tokens of the text decide its emotion.",)
        text = tokenizer.decode(ids[: config.max_text_tokens], skip_special_tokens=True)
    if config.prompt == "plain":
        return list(tokenizer(text + config.answer, add_special_tokens=False)["input_ids"]), warnings
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError(f"The tokenizer of {model.name or 'this model'} has no chat template. Use a 'plain' prompt.")
    messages = [{"role": "system", "content": config.system}, {"role": "user", "content": text}]
    written = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    return list(tokenizer(written + config.answer, add_special_tokens=False)["input_ids"]), warnings


def label_ids(model: TextToEmotionModel) -> list[list[int]]:
    """Token ids of each label. Refuses labels of which one begins another, as their probabilities would overlap."""
    found = [list(model.tokenizer(label, add_special_tokens=False)["input_ids"]) for label in model.config.labels]
    for index, ids in enumerate(found):
        others = found[:index] + found[index + 1 :]
        if not ids or any(other[: len(ids)] == ids for other in others):
            raise ConfigError(f"The tokenizer does not tell the label '{model.config.labels[index]}' from the others.")
    return found


def label_scores(model: nn.Module, prompts: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]) -> Tensor:
    """Log-likelihood of every label after every prompt, (prompts, labels) float32. Differentiable, for training.

    One-token labels need one row per prompt, longer ones a row per prompt and label.
    """
    if all(len(label) == 1 for label in labels):
        rows = [list(prompt) for prompt in prompts]
        logits, shift = _logits(model, rows, [len(row) - 1 for row in rows])
        last = torch.stack([logits[place, len(row) - 1 + shift] for place, row in enumerate(rows)])
        return last.float().log_softmax(dim=-1)[:, [label[0] for label in labels]]
    rows = [[*prompt, *label] for prompt in prompts for label in labels]
    begins = [len(prompt) for prompt in prompts for _ in labels]
    logits, shift = _logits(model, rows, [begin - 1 for begin in begins])
    scores = []
    for place, (row, begin) in enumerate(zip(rows, begins, strict=True)):
        # the logits one place earlier predict the first label token
        predicted = logits[place, begin - 1 + shift : len(row) - 1 + shift].float().log_softmax(dim=-1)
        wanted = torch.tensor(row[begin:], device=logits.device).unsqueeze(1)
        scores.append(predicted.gather(1, wanted).sum())
    return torch.stack(scores).view(len(prompts), len(labels))


def _logits(model: nn.Module, rows: list[list[int]], first_needed: list[int]) -> tuple[Tensor, int]:
    """Logits (rows, kept, vocabulary) from the first needed place on, and what to add to a place to find it there.

    Rows are padded on the right, where causal attention makes padding harmless to the tokens before it.
    """
    device = device_of(model)
    width = max(len(row) for row in rows)
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    kept = width - min(first_needed)  # the vocabulary is large, so only the logits that are read are computed
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
    return logits, logits.shape[1] - width


def _likelihood_weights(model: TextToEmotionModel, prompt: list[int], temperature: float | None) -> EmotionWeights:
    used = model.config.temperature if temperature is None else temperature
    if not 0.0 < used < float("inf"):
        raise InputError(f"The temperature should be positive and finite, but is {used}.")
    scores = label_scores(model.model, [prompt], label_ids(model))[0].double()
    return EmotionWeights(tuple(float(value) for value in (scores / used).softmax(dim=-1)))


def _generated_reply(model: TextToEmotionModel, prompt: list[int], seed: int) -> str:
    """Reply of the model, without its thinking and without special tokens. Settings are those of its folder."""
    ids = torch.tensor([prompt], device=model.device)
    with _seeded(seed, model.device):
        output = model.model.generate(  # type: ignore[operator]
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=model.config.max_new_tokens,
            pad_token_id=model.tokenizer.eos_token_id,
        )
    new = after_thinking(output[0, len(prompt) :].tolist(), end_of_thinking_id(model.tokenizer))
    return model.tokenizer.decode(new, skip_special_tokens=True)


def after_thinking(ids: list[int], end: int) -> list[int]:
    """Ids after the last end-of-thinking token; all of them when there is none."""
    return ids if end not in ids else ids[len(ids) - ids[::-1].index(end) :]


def end_of_thinking_id(tokenizer: Any) -> int:
    """The tokenizer's own id of the end of thinking, else the released one."""
    found = tokenizer.convert_tokens_to_ids(END_OF_THINKING)
    unknown = getattr(tokenizer, "unk_token_id", None)
    return END_OF_THINKING_ID if found is None or found == unknown else int(found)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Generation inside draws from `seed` and leaves the global generators as they were (it takes no generator).

    Only the generators of the CPU and of `device` are touched; torch.manual_seed would seed those of every device.
    """
    seed = check_whole("seed", seed)
    module = getattr(torch, device.type, None)  # torch.cuda, torch.mps and the like
    if not hasattr(module, "manual_seed"):  # the CPU, or a kind torch has no module for
        module = None
    with torch.random.fork_rng(devices=[device] if module else [], device_type=device.type if module else "cuda"):
        torch.random.default_generator.manual_seed(seed)
        if module:
            with module.device(device) if hasattr(module, "device") else nullcontext():
                module.manual_seed(seed)
        yield
