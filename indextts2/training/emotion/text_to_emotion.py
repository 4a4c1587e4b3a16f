"""Train text-to-emotion by soft-label cross-entropy over eight labels (docs/spec/paper.md#t2e).

With `base_folder` a causal language model of that folder learns through LoRA adapters and stays frozen itself. Without
one a model of a few hundred thousand weights is trained from scratch on the same texts; that is the mini's.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from ...atomic import copy_tree, make_folder, write_bytes, write_text
from ...checks import check_fields
from ...config import EMOTIONS
from ...errors import MissingDependency, TrainingError
from ...loading.text_to_emotion import load_language_model, load_tokenizer, write_settings
from ...stages.emotion.from_text import TextToEmotionConfig, TextToEmotionModel, label_ids, label_scores, prompt_ids
from ..loop.part import MAIN, LoopSettings, Metrics, Models, Part
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .gloss_vectors import gloss_vectors
from .texts import EmotionText, make_texts, read_natural_texts, read_sources, read_texts
from .tiny_language_model import TinyModelSettings, tiny_config, tiny_model, tiny_tokenizer
from .wordnet import definitions, emotion_examples, emotion_words, neutral_examples

log = logging.getLogger(__name__)

LANGUAGE_MODEL = "language_model"
EXPORT_FOLDER = "export"
WINDOW_BATCHES = 6  # batches' worth of texts of similar length that a batch is drawn from
LANGUAGE_PROMPTS = 4  # one prompt in so many carries the next-token loss, the dearest part of a step
PLAIN_ANSWER = "\nEmotion:"
PLAIN_LABELS = tuple(f" {emotion}" for emotion in EMOTIONS)


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """Adapters on the projections whose names are `targets`.

    Source: the paper does not state the authors' values, docs/spec/paper.md#t2e.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


@dataclass(frozen=True, slots=True)
class TextDataSettings:
    """Sources of the texts. texts_file: JSON lines in place of the made texts; wordnet: folder with its database files.

    split: "train" holds words and templates out for the test, "all" is for the model that ships. token_dropout: share
    of text tokens hidden in training, so that no single word decides.
    """

    count: int = 12_000
    held_out_count: int = 800
    split: str = "train"
    seed: int = 0
    neutral_examples: int = 1_500
    texts_file: str = ""
    wordnet: str = ""
    token_dropout: float = 0.1

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


@dataclass(frozen=True, slots=True)
class TextToEmotionRecipe:
    """A whole run. For models from scratch: language_weight is the share of ordinary next-token loss on the texts,
    embedding_rate the learning rate of the embeddings as a share of the others'.
    """

    loop: LoopSettings
    data: TextDataSettings = field(default_factory=TextDataSettings)
    tiny: TinyModelSettings = field(default_factory=TinyModelSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
    base_folder: str = ""
    batch_size: int = 64
    language_weight: float = 0.2
    embedding_rate: float = 0.1


class SavedPart(nn.Module):
    """A language model whose saved state is only what is trained: with LoRA the base stays out of it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: Any) -> Any:
        return self.model(**inputs)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Trainable weights alone."""
        trained = {f"model.{name}" for name, weight in self.model.named_parameters() if weight.requires_grad}
        return {key: value for key, value in super().state_dict(*args, **kwargs).items() if key in trained}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load the trained weights; refuses a state that does not name exactly them."""
        if strict and set(state_dict) != set(self.state_dict()):
            raise TrainingError("The saved weights are not those this model trains. Train in another folder.")
        return super().load_state_dict(state_dict, strict=False, assign=assign)


class TextToEmotionPart(Part):
    """Texts with distributions in, a language model that scores the eight labels out."""

    name = "text_to_emotion"

    def __init__(self, recipe: TextToEmotionRecipe, texts: Sequence[EmotionText] | None = None) -> None:
        self.recipe = recipe
        self.texts = list(texts) if texts is not None else training_texts(recipe.data)
        if not self.texts:
            raise TrainingError("There is no text to learn from. Raise `count`, or name a texts_file with lines in it.")
        folder = Path(recipe.data.wordnet) if recipe.data.wordnet and not recipe.base_folder else None
        self.definitions = definitions(folder) if folder else []
        self.tokenizer, self.asked = prepare_tokenizer(recipe, self.texts, self.definitions)
        self.labels = label_ids(self._handle(nn.Identity()))
        self.prompts = [self._prompt(text.text) for text in self.texts]
        self.by_length = sorted(range(len(self.prompts)), key=lambda index: len(self.prompts[index]))
        self.hidden_token = self.tokenizer.unk_token_id

    def build(self) -> dict[str, nn.Module]:
        if self.recipe.base_folder:
            return {LANGUAGE_MODEL: SavedPart(with_lora(self.recipe))}
        return {LANGUAGE_MODEL: SavedPart(tiny_model(self.recipe.tiny, self.tokenizer, self.vectors))}

    @cached_property
    def vectors(self) -> Tensor | None:
        """(pieces, dim) what the embeddings of a tiny model start from; None without a dictionary."""
        if not self.definitions:
            return None
        return gloss_vectors(self.tokenizer, self.definitions, self.recipe.tiny.dim)

    def optimisers(self, models: Models, settings: LoopSettings) -> dict[str, torch.optim.Optimizer]:
        """Embeddings learn slowly and without decay, so that words that are never trained keep their relations."""
        optimiser = super().optimisers(models, settings)[MAIN]
        if not self.recipe.base_folder:
            table = models[LANGUAGE_MODEL].model.get_input_embeddings().weight  # type: ignore[union-attr, operator]
            for group in optimiser.param_groups:
                group["params"] = [weight for weight in group["params"] if weight is not table]
            rate = settings.learning_rate * self.recipe.embedding_rate
            optimiser.add_param_group({"params": [table], "lr": rate, "weight_decay": 0.0})
        return {MAIN: optimiser}

    def identity(self) -> dict[str, Any]:
        sizes = asdict(self.recipe.lora if self.recipe.base_folder else self.recipe.tiny)
        return {"base": self.recipe.base_folder, "sizes": json.dumps(sizes, sort_keys=True), "texts": len(self.texts)}

    def batch(self, step: int, generator: Generator) -> dict[str, Any]:
        picked = self._picked(generator)
        targets = torch.tensor([self.texts[index].weights for index in picked])
        prompts = [self._with_hidden_tokens(self.prompts[index], generator) for index in picked]
        return {"prompts": [torch.tensor(prompt) for prompt in prompts], "targets": targets}

    def _picked(self, generator: Generator) -> list[int]:
        """Texts of similar length, which need little padding: a random window of the texts in order of length."""
        window = min(len(self.texts), self.recipe.batch_size * WINDOW_BATCHES)
        begin = int(torch.randint(1 - window // 2, len(self.texts) - window // 2, (), generator=generator))
        inside = self.by_length[max(0, begin) : begin + window]
        return [inside[place] for place in torch.randint(len(inside), (self.recipe.batch_size,), generator=generator)]

    def loss(self, models: Models, batch: dict[str, Any], generator: Generator) -> tuple[Tensor, Metrics]:
        prompts = [prompt.tolist() for prompt in batch["prompts"]]
        model = models[LANGUAGE_MODEL]
        emotion = soft_label_loss(label_scores(model, prompts, self.labels), batch["targets"])
        if self.recipe.base_folder or not self.recipe.language_weight:
            return emotion, {}
        language = next_token_loss(model, prompts[: len(prompts) // LANGUAGE_PROMPTS])
        return emotion + self.recipe.language_weight * language, {
            "emotion": emotion.detach(),
            "language": language.detach(),
        }

    def evaluate(self, models: Models) -> dict[str, float]:
        return self.measure(models[LANGUAGE_MODEL])

    def measure(self, model: nn.Module) -> dict[str, float]:
        """Accuracy of the likeliest emotion, and cross-entropy, on made held-out texts and on the natural lines."""
        natural = read_natural_texts()
        wanted = torch.tensor([EMOTIONS.index(emotion) for emotion, _ in natural])
        found = self.probabilities(model, [text for _, text in natural])
        numbers = {"natural_accuracy": accuracy(found, wanted)}
        if self.recipe.data.split == "train" and self.recipe.data.held_out_count:
            made = make_texts(self.recipe.data.held_out_count, split="held_out", seed=self.recipe.data.seed)
            targets = torch.tensor([text.weights for text in made])
            clear = torch.tensor([text.kind in ("script", "descriptive") for text in made])
            found = self.probabilities(model, [text.text for text in made])
            numbers["made_accuracy"] = accuracy(found[clear], targets[clear].argmax(dim=-1))
            numbers["made_loss"] = float(-(targets * found.clamp_min(1e-9).log()).sum(dim=-1).mean())
        return numbers

    @torch.no_grad()
    def probabilities(self, model: nn.Module, texts: Sequence[str]) -> Tensor:
        """(texts, 8), each row summing to one."""
        rows = []
        for begin in range(0, len(texts), self.recipe.batch_size):
            prompts = [self._prompt(text) for text in texts[begin : begin + self.recipe.batch_size]]
            rows.append(label_scores(model, prompts, self.labels).softmax(dim=-1).cpu())
        return torch.cat(rows)

    def handle(self, model: nn.Module) -> TextToEmotionModel:
        """The trained model as the stage takes it."""
        return self._handle(model.model if isinstance(model, SavedPart) else model)

    def _handle(self, model: nn.Module) -> TextToEmotionModel:
        return TextToEmotionModel(model, self.tokenizer, self.asked, self.name)

    def _prompt(self, text: str) -> list[int]:
        return prompt_ids(self._handle(nn.Identity()), text)[0]

    def _with_hidden_tokens(self, prompt: list[int], generator: Generator) -> list[int]:
        """Replace some tokens of the text, never the last one, which asks for the emotion; tiny models only."""
        share = self.recipe.data.token_dropout
        if not share or self.recipe.base_folder or self.hidden_token is None:
            return prompt
        hidden = torch.rand(len(prompt), generator=generator) < share
        return [
            self.hidden_token if hide else token for token, hide in zip(prompt[:-1], hidden, strict=False)
        ] + prompt[-1:]


def soft_label_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy between target distributions and label likelihoods, both (batch, 8); mean over the batch.

    The likelihoods are over the whole vocabulary, so that probability outside the eight labels costs as well.
    """
    return -(targets.to(scores) * scores).sum(dim=-1).mean()


def next_token_loss(model: nn.Module, prompts: Sequence[Sequence[int]]) -> Tensor:
    """Ordinary language-model loss on the prompts, mean over their tokens."""
    device = next(model.parameters()).device
    rows = [torch.tensor(prompt, device=device) for prompt in prompts]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    wanted = torch.nn.utils.rnn.pad_sequence([row[1:] for row in rows], batch_first=True, padding_value=-100)
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=-100)


def accuracy(probabilities: Tensor, wanted: Tensor) -> float:
    """Share of rows whose largest probability is the wanted one."""
    return float((probabilities.argmax(dim=-1) == wanted).float().mean())


def training_texts(settings: TextDataSettings) -> list[EmotionText]:
    """The texts of a recipe: a file's, or made ones; with WordNet more words, and its examples beside them."""
    if settings.texts_file:
        return read_texts(Path(settings.texts_file))
    folder = Path(settings.wordnet) if settings.wordnet else None
    extra = emotion_words(folder) if folder else None
    sources = read_sources(settings.split, extra=extra)
    made = make_texts(settings.count, split=settings.split, seed=settings.seed, sources=sources)
    if folder is None:
        return made
    return made + emotion_examples(folder) + neutral_examples(folder, settings.neutral_examples)


def prepare_tokenizer(
    recipe: TextToEmotionRecipe, texts: Sequence[EmotionText], more: Sequence[str] = ()
) -> tuple[Any, TextToEmotionConfig]:
    """The tokenizer to train with, and how its model will be asked. more: further texts for a tokenizer of our own."""
    if not recipe.base_folder:
        return tiny_tokenizer(recipe.tiny, [*(text.text for text in texts), *more]), tiny_config()
    tokenizer = load_tokenizer(Path(recipe.base_folder))
    if getattr(tokenizer, "chat_template", None):
        return tokenizer, TextToEmotionConfig(method="likelihood")
    asked = TextToEmotionConfig(method="likelihood", prompt="plain", answer=PLAIN_ANSWER, labels=PLAIN_LABELS)
    return tokenizer, asked


def with_lora(recipe: TextToEmotionRecipe) -> Any:
    """The base model, frozen, with trainable adapters."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingDependency("LoRA training needs the peft package: pip install peft") from error
    settings = recipe.lora
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        task_type="CAUSAL_LM",
        base_model_name_or_path=str(Path(recipe.base_folder).resolve()),
    )
    return get_peft_model(load_language_model(Path(recipe.base_folder), torch.float32), config)


def train_text_to_emotion(recipe: Path, folder: Path) -> TrainingResult:
    """Train, or go on training, by a YAML recipe in a folder; a finished run is written to `export` inside it."""
    part = TextToEmotionPart(load_recipe(recipe, TextToEmotionRecipe))
    result = train(part, part.recipe.loop, folder)
    if result.reason == "done":
        numbers = export_text_to_emotion(part, folder, folder / EXPORT_FOLDER)
        log.info("text to emotion: %s", ", ".join(f"{name} {value:.3f}" for name, value in numbers.items()))
    return result


def export_text_to_emotion(
    part: TextToEmotionPart, folder: Path, destination: Path, metadata: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Write what `load_text_to_emotion` reads: a whole fp16 model, or adapters. Returns the held-out numbers."""
    from safetensors.torch import save

    saved = part.build()[LANGUAGE_MODEL]
    saved.load_state_dict(export_weights(folder, LANGUAGE_MODEL))
    saved.eval()
    make_folder(destination, TrainingError)
    model: Any = saved.model
    with tempfile.TemporaryDirectory() as made:  # these write many files in a way of their own
        (model if part.recipe.base_folder else model.config).save_pretrained(made)
        copy_tree(Path(made), destination, TrainingError)
    if not part.recipe.base_folder:
        weights = {name: weight.detach().half().contiguous() for name, weight in model.named_parameters()}
        content = save(weights, {"format": "pt", **(metadata or {})})
        write_bytes(destination / "model.safetensors", content, TrainingError)
        write_tokenizer(part.tokenizer, destination)
    write_settings(destination, part.asked)
    return part.measure(saved)


def write_tokenizer(tokenizer: Any, folder: Path) -> None:
    """tokenizer.json and a tokenizer_config.json that every supported version of transformers reads."""
    write_text(folder / "tokenizer.json", tokenizer.backend_tokenizer.to_str(pretty=True), TrainingError)
    content = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": tokenizer.unk_token,
        "eos_token": tokenizer.eos_token,
        "pad_token": tokenizer.pad_token,
        "add_prefix_space": True,  # transformers 4 otherwise resets what tokenizer.json says
        "clean_up_tokenization_spaces": False,
    }
    write_text(folder / "tokenizer_config.json", json.dumps(content, indent=2) + "\n", TrainingError)
