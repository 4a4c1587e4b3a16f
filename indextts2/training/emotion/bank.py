"""Make the emotion bank of a trained T2S: a few emotion vectors per emotion, each with the style it is chosen by.

The paper stores vectors of "several recordings per emotion" (docs/spec/paper.md#t2e); the released bank has 2 to
24 rows per emotion (docs/spec/emotion.md#emotion-bank). Here the speakers of each emotion are grouped by style, and
every group gives one row: its mean emotion vector, in which the single voices average out, beside its mean style. A
mean of emotion vectors is itself a valid one, because its coefficients sum to one (docs/spec/control.md#geometry).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ...atomic import make_folder, write_bytes
from ...checks import check_fields
from ...config import EMOTIONS
from ...contracts import Progress, no_progress
from ...errors import TrainingError
from ...models.t2s import TextToSemantic
from ...stages.handles import EmotionBank
from ..configuration import MINI_NAME, config_of
from ..data.feature_store import FeatureEntry, FeatureStore
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult
from ..t2s.data import labels_of
from ..t2s.label_offsets import trained_offsets

logger = logging.getLogger(__name__)

ROW_KINDS = ("mean", "medoid")
MAX_ROUNDS = 50  # of k-means; a few dozen speakers converge in fewer than ten
BANK_FILE = "emotion_bank.safetensors"
T2S_MODULE = "t2s"


class EmotionListener(Protocol):
    """Interface of the T2S that is needed: features (1, tokens, dim) -> emotion vector (1, dim)."""

    def emotion_vector(self, features: Tensor, feature_mask: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class BankSettings:
    """Contents of a bank.

    group_sizes: rows per emotion in the order of EMOTIONS, fewer where there are fewer speakers. rows: "mean" of
    a group of speakers, or its "medoid", the single recording nearest to that mean. style_names: (style, emotion) pairs
    for corpora whose styles have other names. split: of the features used. utterances: most per speaker and emotion.
    min_tokens: shorter recordings are left out. played_speeds: also use recordings played faster or slower. emphasis:
    every row is moved so many times as far from the mean of the neutral recordings, which have `neutral_style`: a mean
    of many recordings lies nearer to it than any of them, and so would say its emotion faintly. 1 leaves them alone.
    """

    group_sizes: tuple[int, ...] = (6,) * len(EMOTIONS)
    rows: str = "mean"
    style_names: tuple[tuple[str, str], ...] = ()
    split: str = "train"
    utterances: int = 12
    min_tokens: int = 20
    played_speeds: bool = False
    emphasis: float = 1.0
    neutral_style: str = "neutral"

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)
        if len(self.group_sizes) != len(EMOTIONS) or min(self.group_sizes) < 1:
            raise TrainingError(f"A bank needs {len(EMOTIONS)} group sizes of at least 1, but got {self.group_sizes}.")
        if self.rows not in ROW_KINDS:
            raise TrainingError(f"Bank rows are {' or '.join(ROW_KINDS)}, but got '{self.rows}'.")
        if not 0.0 < self.emphasis < float("inf"):
            raise TrainingError(f"The emphasis of a bank should be positive and finite, but is {self.emphasis}.")


@dataclass(frozen=True, slots=True)
class BankRecipe:
    """t2s: folder of the finished T2S run. features: folder of labelled features. bank: what goes into it."""

    t2s: str
    features: str
    bank: BankSettings = BankSettings()
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint


@dataclass(frozen=True, slots=True)
class Heard:
    """The recordings of one speaker in one emotion. styles: (recordings, style_dim); vectors: (recordings, dim)."""

    speaker: str
    styles: Tensor
    vectors: Tensor


def extract_bank(
    model: EmotionListener,
    store: FeatureStore,
    settings: BankSettings | None = None,
    *,
    offsets: Mapping[str, Tensor] | None = None,
    progress: Progress = no_progress,
) -> EmotionBank:
    """Listen to labelled recordings and keep representative rows of each emotion.

    model: in evaluation mode, on its device. offsets: (dim,) by style, what a run has learned to add
    (label_offsets.py). Raises TrainingError when an emotion has no recording.
    """
    settings = settings or BankSettings()
    chosen = choose_recordings(store, settings)
    total = sum(len(entries) for speakers in chosen.values() for entries in speakers.values())
    learned = _by_emotion(offsets or {}, settings)
    done = 0
    style_rows, emotion_rows, sizes = [], [], []
    for emotion, size in zip(EMOTIONS, settings.group_sizes, strict=True):
        heard = []
        for speaker, entries in chosen[emotion].items():
            heard.append(_listen(model, store, speaker, entries))
            done += len(entries)
            progress(done, total)
        styles, vectors = representative_rows(heard, size, settings.rows)
        style_rows.append(styles)
        emotion_rows.append(vectors + learned[emotion])
        sizes.append(len(styles))
    rows = torch.cat(emotion_rows)
    if settings.emphasis != 1.0:
        rows = torch.lerp(neutral_vector(model, store, settings), rows, settings.emphasis)
    return EmotionBank(torch.cat(style_rows), rows, tuple(sizes))


def _by_emotion(offsets: Mapping[str, Tensor], settings: BankSettings) -> dict[str, Tensor]:
    """Mean offset of the styles that make up each emotion, 0 where there is none."""
    names = {emotion: emotion for emotion in EMOTIONS} | dict(settings.style_names)
    found = {
        emotion: [offsets[style].detach() for style, name in names.items() if name == emotion and style in offsets]
        for emotion in EMOTIONS
    }
    return {emotion: torch.stack(rows).mean(dim=0) if rows else torch.zeros(()) for emotion, rows in found.items()}


def neutral_vector(model: EmotionListener, store: FeatureStore, settings: BankSettings) -> Tensor:
    """Mean emotion vector of neutral speech, every speaker counting the same: (dim,). Raises TrainingError."""
    speakers = _usable(store, settings, {settings.neutral_style: settings.neutral_style})[settings.neutral_style]
    if not speakers:
        raise TrainingError(
            f"Emphasis needs neutral recordings, but the features have none of the style '{settings.neutral_style}'. "
            "Name another neutral_style, or set emphasis to 1."
        )
    means = [_listen(model, store, speaker, entries).vectors.mean(dim=0) for speaker, entries in speakers.items()]
    return torch.stack(means).mean(dim=0)


def choose_recordings(store: FeatureStore, settings: BankSettings) -> dict[str, dict[str, list[FeatureEntry]]]:
    """Recordings per emotion and speaker, in the order of the index."""
    names = {emotion: emotion for emotion in EMOTIONS} | dict(settings.style_names)
    chosen = _usable(store, settings, names)
    missing = [emotion for emotion in EMOTIONS if not chosen.get(emotion)]
    if missing:
        raise TrainingError(
            f"The features have no recording of {', '.join(missing)} in split '{settings.split}' with at least "
            f"{settings.min_tokens} tokens. Name their styles in style_names, or add recordings."
        )
    return chosen


def _usable(
    store: FeatureStore, settings: BankSettings, names: Mapping[str, str]
) -> dict[str, dict[str, list[FeatureEntry]]]:
    """names: style -> what it is called in the result. Recordings by that name and by speaker."""
    chosen: dict[str, dict[str, list[FeatureEntry]]] = {name: {} for name in dict.fromkeys(names.values())}
    for entry in store:
        usable = entry.split == settings.split and entry.token_count >= settings.min_tokens
        if not usable or (entry.speed != 1.0 and not settings.played_speeds) or entry.style not in names:
            continue
        entries = chosen[names[entry.style]].setdefault(entry.speaker, [])
        if len(entries) < settings.utterances:
            entries.append(entry)
    return chosen


def representative_rows(heard: Sequence[Heard], count: int, kind: str = "mean") -> tuple[Tensor, Tensor]:
    """Group speakers by style and make one row per group: styles (rows, style_dim) and vectors (rows, dim).

    There are as many rows as asked, or as many as speakers.
    """
    means = torch.stack([torch.nn.functional.normalize(item.styles, dim=-1).mean(dim=0) for item in heard])
    groups = group_by_direction(means, min(count, len(heard)))
    styles, vectors = [], []
    for group in range(int(groups.max()) + 1):
        members = [item for item, place in zip(heard, groups.tolist(), strict=True) if place == group]
        # every speaker counts the same, however many recordings there are
        vector = torch.stack([item.vectors.mean(dim=0) for item in members]).mean(dim=0)
        style = torch.stack([item.styles.mean(dim=0) for item in members]).mean(dim=0)
        if kind == "medoid":
            all_vectors = torch.cat([item.vectors for item in members])
            nearest = int((all_vectors - vector).norm(dim=-1).argmin())
            vector, style = all_vectors[nearest], torch.cat([item.styles for item in members])[nearest]
        styles.append(style)
        vectors.append(vector)
    return torch.stack(styles), torch.stack(vectors)


def group_by_direction(points: Tensor, count: int) -> Tensor:
    """Spherical k-means without chance: (points, dim) -> group of each point, every group with a member.

    Starts from the point nearest to the mean, then the points furthest from those already taken.
    """
    points = torch.nn.functional.normalize(points.double(), dim=-1)
    centres = points[(points @ points.mean(dim=0)).argmax()].unsqueeze(0)
    while len(centres) < count:
        nearest = (points @ centres.T).amax(dim=1)
        centres = torch.cat([centres, points[nearest.argmin()].unsqueeze(0)])
    groups = (points @ centres.T).argmax(dim=1)
    for _ in range(MAX_ROUNDS):
        sums = torch.zeros_like(centres).index_add_(0, groups, points)
        filled = sums.norm(dim=-1, keepdim=True) > 0
        centres = torch.where(filled, torch.nn.functional.normalize(sums, dim=-1), centres)
        moved = (points @ centres.T).argmax(dim=1)
        if torch.equal(moved, groups):
            break
        groups = moved
    return torch.unique(groups, return_inverse=True)[1]  # numbered without gaps


def write_bank(path: Path, bank: EmotionBank, metadata: Mapping[str, str] | None = None) -> None:
    """The bank as safetensors: style_rows, emotion_rows, and the group sizes in the metadata."""
    from safetensors.torch import save

    tensors = {"style_rows": bank.style_rows.contiguous(), "emotion_rows": bank.emotion_rows.contiguous()}
    sizes = ",".join(str(size) for size in bank.group_sizes)
    make_folder(path.parent, TrainingError)
    write_bytes(path, save(tensors, {"group_sizes": sizes, **(metadata or {})}), TrainingError)


def separation(bank: EmotionBank) -> float:
    """Distance between the emotions' mean rows, in units of the spread of the rows within one emotion.

    Near zero: T2S has not learned to hear the emotions. A bank of one row each has no spread and gives infinity.
    """
    groups = bank.emotion_rows.float().split(list(bank.group_sizes))
    means = torch.stack([group.mean(dim=0) for group in groups])
    between = (means - means.mean(dim=0)).norm(dim=-1).mean()
    within = torch.cat([group - group.mean(dim=0) for group in groups]).norm(dim=-1).mean()
    return float(between / within)


@torch.no_grad()
def _listen(model: EmotionListener, store: FeatureStore, speaker: str, entries: Sequence[FeatureEntry]) -> Heard:
    """One recording at a time, so that no padding can enter."""
    device = next(model.parameters()).device if isinstance(model, torch.nn.Module) else torch.device("cpu")
    styles = torch.stack([store.tensor(entry, "style") for entry in entries])
    vectors = [model.emotion_vector(store.tensor(entry, "features").unsqueeze(0).to(device)) for entry in entries]
    return Heard(speaker, styles, torch.cat(vectors).float().cpu())


def make_emotion_bank(recipe_file: Path, folder: Path) -> TrainingResult:
    """Write `emotion_bank.safetensors` into the folder; `step` counts its rows."""
    recipe = load_recipe(recipe_file, BankRecipe)
    started = time.monotonic()
    config = config_of(recipe.config)
    model = TextToSemantic(config.t2s).eval()
    model.load_state_dict(export_weights(Path(recipe.t2s), T2S_MODULE))
    store = FeatureStore(Path(recipe.features))
    offsets = trained_offsets(Path(recipe.t2s), labels_of(store, config.text.kind))
    bank = extract_bank(model, store, recipe.bank, offsets={} if offsets is None else dict(offsets.rows.items()))
    write_bank(folder / BANK_FILE, bank)
    logger.info("Emotion bank: the emotions lie %.2f times the spread of their rows apart", separation(bank))
    return TrainingResult(len(bank.emotion_rows), (time.monotonic() - started) / 60, "done")
