"""Batches for the T2S stages: prompts, emotion prompts, text, semantic tokens and attention guides.

Prompt and target are different utterances of one speaker, and both come at random speeds (docs/spec/paper.md#training).
The emotion prompt has the speed of the target, because pace and pitch are part of how a thing is said.
Everything random is drawn from the generator of the step, so a resumed run sees the same batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import check_fields
from ...errors import TrainingError
from ...models.t2s import TextToSemantic
from ...text.front_end import FrontEnd
from ..data.alignment import attention_targets
from ..data.contours import ROWS_PER_TOKEN, relative_contours
from ..data.feature_store import FeatureEntry, FeatureStore, stack_padded
from ..data.prosody import UTTERANCE_PROSODY
from .label_offsets import LabelOffsets
from .losses import label_weights
from .reading import Reading, reader_for

SHORTEST_CUT = 20  # tokens that a target cut at a word keeps at least
SMALLEST_SPREAD = 1e-4
PROSODY_LIMIT = 3.0  # spreads from the mean; what lies beyond is mostly a slip of the pitch tracker
HEARD_DIMENSIONS = 2  # of emotion vectors, where features of prompts have one more
ENCODED_TOGETHER = 64  # utterances
NO_GUIDE = -1  # attention target of a semantic token whose place in the text is unknown


@dataclass(frozen=True, slots=True)
class T2SDataSettings:
    """Settings of the batches. Joining and cutting give a small corpus more beginnings and contexts than it holds."""

    batch_size: int = 16
    prompt_tokens: int = 75  # longest crop of a prompt
    min_prompt_tokens: int = 25  # shortest crop of a prompt
    letters_probability: float = 0.1  # of a word to be written in letters instead of phonemes, in text of kind english
    own_emotion_probability: float = 0.5  # of the target as emotion prompt; else another utterance of its style
    mean_emotion_probability: float = 0.0
    """Of several utterances of the target's style in place of one, their emotion vectors mixed in drawn shares, as in a
    row of an emotion bank."""
    mean_emotion_prompts: int = 6  # utterances in such a mix
    join_probability: float = 0.0  # of another utterance of the same speaker, style and speed behind the target
    cut_probability: float = 0.0  # of a target that begins at a later word
    max_tokens: int = 250  # longer targets are left out
    tokens_per_second: float = 25.0

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


@dataclass(frozen=True, slots=True)
class T2SBatch:
    """One batch.

    prompt: (batch, tokens, dim) with its mask (batch, tokens); emotion_prompt: (prompts, tokens, dim) with its mask, or
    (prompts, dim) emotion vectors that were cached; emotion_mix: (batch, prompts) shares that sum to one, of the
    prompts' emotion vectors; text_ids: (batch, text); tokens: (batch, tokens) int64; guide: (batch, tokens) index into
    text_ids, NO_GUIDE where unknown; speaker_ids: (batch,) index of the speaker among those of the training split;
    labels: (batch,) index of the target's style in `T2SData.labels`. prosody, emotion_prosody: (batch, 6), how target
    and emotion prompts are said, measured from the mean of their speaker at their speed, in units of the spread over
    the corpus; zeros when not asked for. contour: (batch, 2 * tokens, 3), see contours.py, or without values
    when not asked for.
    """

    prompt: Tensor
    prompt_mask: Tensor
    emotion_prompt: Tensor
    emotion_mask: Tensor
    emotion_mix: Tensor
    text_ids: Tensor
    text_lengths: Tensor
    tokens: Tensor
    token_lengths: Tensor
    guide: Tensor
    speaker_ids: Tensor
    labels: Tensor
    prosody: Tensor
    emotion_prosody: Tensor
    contour: Tensor

    def to(self, device: torch.device) -> T2SBatch:
        return T2SBatch(*(getattr(self, name).to(device) for name in self.__slots__))

    def emotion_vector(self, model: TextToSemantic, offsets: LabelOffsets | None = None) -> Tensor:
        """Emotion vectors of the prompts, mixed: (batch, dim). offsets: added to a mix."""
        if self.emotion_prompt.dim() == HEARD_DIMENSIONS:
            vector = self.emotion_mix @ self.emotion_prompt
        else:
            vector = self.emotion_mix @ model.emotion_vector(self.emotion_prompt, self.emotion_mask)
        if offsets is None:
            return vector
        mixed = (self.emotion_mix > 0.0).sum(dim=1, keepdim=True) > 1
        return vector + offsets(self.labels) * mixed


class T2SData:
    """Draws batches from the utterances of one split of a feature store that the front end can read."""

    def __init__(
        self,
        store: FeatureStore,
        front_end: FrontEnd,
        settings: T2SDataSettings,
        *,
        split: str = "train",
        with_prosody: bool = False,
        with_contour: bool = False,
    ) -> None:
        self.store, self.settings = store, settings
        self.reader = reader_for(front_end.kind)(front_end, settings.letters_probability)
        if settings.cut_probability and not self.reader.timed:
            raise TrainingError(
                f"cut_probability needs to know when a word begins, which texts of kind '{front_end.kind}' do not. "
                "Leave it out."
            )
        usable = store.select(
            lambda entry: (
                entry.split == split and self.reader.usable(entry) and entry.token_count <= settings.max_tokens
            )
        )
        by_speaker: dict[str, list[FeatureEntry]] = {}
        for entry in usable:
            by_speaker.setdefault(entry.speaker, []).append(entry)
        self.by_speaker = {name: rows for name, rows in by_speaker.items() if len({row.utterance for row in rows}) > 1}
        self.entries = sorted(
            (entry for rows in self.by_speaker.values() for entry in rows),
            key=lambda entry: (entry.token_count, entry.id),
        )
        if len(self.entries) < settings.batch_size:
            raise TrainingError(
                f"{len(self.entries)} usable utterances of split '{split}' for batches of {settings.batch_size}; "
                "at least one batch of utterances is needed, in English with timing for text of kind 'english'. Extend "
                "the corpus, or lower batch_size."
            )
        self.by_style: dict[tuple[str, float], list[FeatureEntry]] = {}
        for entry in self.entries:
            self.by_style.setdefault((entry.style, entry.speed), []).append(entry)
        self._prosody = relative_prosody(store, self.entries) if with_prosody else {}
        self._contours = relative_contours(store, self.entries) if with_contour else {}
        self.labels = labels_of(store, front_end.kind)
        self._label_index = {name: index for index, name in enumerate(self.labels)}
        self.speakers = tuple(sorted(self.by_speaker))
        self._speaker_index = {name: index for index, name in enumerate(self.speakers)}
        self._emotion_vectors: dict[str, Tensor] = {}

    @torch.no_grad()
    def cache_emotion_vectors(self, model: TextToSemantic, generator: torch.Generator) -> None:
        """Compute the emotion vector of every utterance now, from one crop, instead of each time it is drawn.

        For a model whose emotion branch is frozen.
        """
        for start in range(0, len(self.entries), ENCODED_TOGETHER):
            group = self.entries[start : start + ENCODED_TOGETHER]
            crops = [self._crop(entry, generator) for entry in group]
            vectors = model.emotion_vector(stack_padded(crops), _mask(crops))
            self._emotion_vectors |= {entry.id: vector for entry, vector in zip(group, vectors, strict=True)}

    def label_weights(self) -> Tensor:
        """Weight of an utterance of each label: (labels,)."""
        return label_weights(torch.tensor([self._label_index[entry.style] for entry in self.entries]), len(self.labels))

    def batch(self, generator: torch.Generator) -> T2SBatch:
        """One batch of targets of similar length."""
        size = self.settings.batch_size
        start = _draw(len(self.entries), generator)
        width = 4 * size  # neighbours in length among which the batch is drawn
        low = max(0, min(start - width // 2, len(self.entries) - width))
        window = self.entries[low : low + width]
        chosen = [window[index] for index in torch.randperm(len(window), generator=generator)[:size].tolist()]
        return self.batch_of(chosen, generator)

    def batch_of(self, targets: Sequence[FeatureEntry], generator: torch.Generator) -> T2SBatch:
        """The batch whose targets are these entries."""
        prompts = [self._crop(self._other_of(target, generator), generator) for target in targets]
        emotion_entries, mix = self._emotion_prompts(targets, generator)
        if self._emotion_vectors:
            emotion_prompt = torch.stack([self._emotion_vectors[entry.id] for entry in emotion_entries])
            emotion_mask = torch.ones(0)
        else:
            crops = [self._crop(entry, generator) for entry in emotion_entries]
            emotion_prompt, emotion_mask = stack_padded(crops), _mask(crops)
        texts, guides, tokens, contours = [], [], [], []
        for target in targets:
            ids, spans, codes, contour = self._reading(target, generator)
            rate = self.settings.tokens_per_second
            guide = [NO_GUIDE] * len(codes) if spans is None else attention_targets(spans, len(codes), rate)
            texts.append(torch.tensor(ids))
            tokens.append(codes)
            contours.append(contour)
            guides.append(torch.tensor(guide))
        return T2SBatch(
            prompt=stack_padded(prompts),
            prompt_mask=_mask(prompts),
            emotion_prompt=emotion_prompt,
            emotion_mask=emotion_mask,
            emotion_mix=mix,
            text_ids=stack_padded(texts),
            text_lengths=torch.tensor([len(text) for text in texts]),
            tokens=stack_padded(tokens),
            token_lengths=torch.tensor([len(row) for row in tokens]),
            guide=stack_padded(guides, NO_GUIDE),
            speaker_ids=torch.tensor([self._speaker_index[target.speaker] for target in targets]),
            labels=torch.tensor([self._label_index[target.style] for target in targets]),
            prosody=self._prosody_of(targets),
            emotion_prosody=mix @ self._prosody_of(emotion_entries),
            contour=stack_padded(contours),
        )

    def _reading(self, target: FeatureEntry, generator: torch.Generator) -> Reading:
        """Text and tokens of a target: itself, or now and then the target with another sentence, or its later words."""
        ids, spans = self.reader.text(target, generator)
        reading = Reading(ids, spans, self.store.tensor(target, "tokens"), self._contour_of(target))
        settings = self.settings
        if not settings.join_probability + settings.cut_probability:
            return reading
        chance = float(torch.rand((), generator=generator))
        if chance < settings.join_probability:
            return self._joined(reading, target, generator)
        if chance < settings.join_probability + settings.cut_probability:
            return self._cut(reading, generator)
        return reading

    def _joined(self, first: Reading, target: FeatureEntry, generator: torch.Generator) -> Reading:
        """The target and a second sentence, if there is one that fits."""
        kind = (target.style, target.speed)
        others = [
            entry
            for entry in self.by_speaker[target.speaker]
            if (entry.style, entry.speed) == kind
            and entry.utterance != target.utterance
            and target.token_count + entry.token_count <= self.settings.max_tokens
        ]
        if not others:
            return first
        entry = others[_draw(len(others), generator)]
        ids, spans = self.reader.text(entry, generator)
        codes = torch.cat([first.codes, self.store.tensor(entry, "tokens")])
        contour = torch.cat([first.contour, self._contour_of(entry)])
        joined = [*first.ids, *self.reader.between, *ids]
        if first.spans is None or spans is None:
            return Reading(joined, None, codes, contour)
        later = len(first.codes) / self.settings.tokens_per_second
        shifted = [(start + later, end + later) for start, end in spans]
        return Reading(joined, [*first.spans, *[(later, later)] * len(self.reader.between), *shifted], codes, contour)

    def _cut(self, whole: Reading, generator: torch.Generator) -> Reading:
        """The target from a later word on, if enough is left."""
        if whole.spans is None:
            return whole
        rate, space = self.settings.tokens_per_second, self.reader.between[0]
        last = len(whole.codes) - SHORTEST_CUT
        begins = [
            place + 1
            for place, number in enumerate(whole.ids[:-1])
            if number == space and round(whole.spans[place + 1][0] * rate) <= last
        ]
        if not begins:
            return whole
        begin = begins[_draw(len(begins), generator)]
        first = round(whole.spans[begin][0] * rate)
        spans = [(start - first / rate, end - first / rate) for start, end in whole.spans[begin:]]
        return Reading(whole.ids[begin:], spans, whole.codes[first:], whole.contour[ROWS_PER_TOKEN * first :])

    def _contour_of(self, entry: FeatureEntry) -> Tensor:
        return self._contours.get(entry.id, torch.zeros(ROWS_PER_TOKEN * entry.token_count, 0))

    def _prosody_of(self, entries: Sequence[FeatureEntry]) -> Tensor:
        silent = torch.zeros(len(UTTERANCE_PROSODY))
        return torch.stack([self._prosody.get(entry.id, silent) for entry in entries])

    def _other_of(self, target: FeatureEntry, generator: torch.Generator) -> FeatureEntry:
        others = [entry for entry in self.by_speaker[target.speaker] if entry.utterance != target.utterance]
        return others[_draw(len(others), generator)]

    def _emotion_prompts(
        self, targets: Sequence[FeatureEntry], generator: torch.Generator
    ) -> tuple[list[FeatureEntry], Tensor]:
        """Emotion prompts, and what share each has in every target: (targets, prompts). Targets of one style that hear
        several prompts hear the same ones, in shares of their own."""
        settings = self.settings
        prompts: list[FeatureEntry] = []
        places: list[range] = []
        pools: dict[tuple[str, float], range] = {}
        for target in targets:
            first = len(prompts)
            if (
                settings.mean_emotion_probability
                and float(torch.rand((), generator=generator)) < settings.mean_emotion_probability
            ):
                kind = (target.style, target.speed)
                if kind not in pools:
                    same = self.by_style[kind]
                    prompts += [same[_draw(len(same), generator)] for _ in range(settings.mean_emotion_prompts)]
                    pools[kind] = range(first, len(prompts))
                places.append(pools[kind])
            else:
                prompts.append(self._emotion_of(target, generator))
                places.append(range(first, first + 1))
        mix = torch.zeros(len(targets), len(prompts))
        for row, columns in enumerate(places):
            shares = -torch.rand(len(columns), generator=generator).clamp(min=SMALLEST_SPREAD).log()
            mix[row, columns.start : columns.stop] = shares / shares.sum()
        return prompts, mix

    def _emotion_of(self, target: FeatureEntry, generator: torch.Generator) -> FeatureEntry:
        if float(torch.rand((), generator=generator)) < self.settings.own_emotion_probability:
            return target
        same = self.by_style[target.style, target.speed]
        return same[_draw(len(same), generator)]

    def _crop(self, entry: FeatureEntry, generator: torch.Generator) -> Tensor:
        features = self.store.tensor(entry, "features")
        longest = min(len(features), self.settings.prompt_tokens)
        shortest = min(longest, self.settings.min_prompt_tokens)
        length = shortest + _draw(longest - shortest + 1, generator)
        start = _draw(len(features) - length + 1, generator)
        return features[start : start + length]


def labels_of(store: FeatureStore, text_kind: str) -> tuple[str, ...]:
    """Prosody styles of the utterances that a text kind can read, of all splits, in order."""
    usable = reader_for(text_kind).usable
    return tuple(sorted({entry.style for entry in store if usable(entry)}))


def relative_prosody(store: FeatureStore, entries: Sequence[FeatureEntry]) -> dict[str, Tensor]:
    """Id -> (6,) prosody, less the mean of the same speaker at the same speed, over the spread of what is left."""
    groups: dict[tuple[str, float], list[FeatureEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.speaker, entry.speed), []).append(entry)
    rows, names = [], []
    for members in groups.values():
        values = torch.stack([store.tensor(entry, "prosody") for entry in members])
        rows.append(values - values.mean(dim=0))
        names += [entry.id for entry in members]
    relative = torch.cat(rows)
    relative = relative / relative.std(dim=0).clamp(min=SMALLEST_SPREAD)
    return dict(zip(names, relative.clamp(-PROSODY_LIMIT, PROSODY_LIMIT), strict=True))


def _mask(rows: Sequence[Tensor]) -> Tensor:
    lengths = torch.tensor([len(row) for row in rows])
    return torch.arange(int(lengths.max()))[None] < lengths[:, None]


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
