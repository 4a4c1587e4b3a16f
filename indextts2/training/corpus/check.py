"""Checks of a finished or growing corpus: files, durations, splits, texts that must not occur, repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import TrainingError
from ..data.json_lines import read_objects
from .speakers import HELD_OUT_PACKS
from .teacher import DURATION_UNIT, SAMPLE_RATE
from .texts import sentence_keys
from .wordnet import key_of

MANIFEST = "manifest.jsonl"
SPLITS = ("train", "test_text", "test_speaker")
_ROUNDING_SAMPLES = 1
_SHOWN = 10


@dataclass(slots=True)
class CorpusReport:
    """Contents of a corpus and its faults. An empty `problems` means it may be used."""

    utterances: int = 0
    seconds: float = 0.0
    by_split: Counter[str] = field(default_factory=Counter)
    by_style: Counter[str] = field(default_factory=Counter)
    by_speaker: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """A few lines for a person."""
        lines = [
            f"{self.utterances} utterances, {self.seconds / 60.0:.1f} minutes, {len(self.by_speaker)} speakers",
            "splits: " + ", ".join(f"{name} {count}" for name, count in sorted(self.by_split.items())),
            "styles: " + ", ".join(f"{name} {count}" for name, count in sorted(self.by_style.items())),
            f"{len(self.problems)} problems",
            *self.problems[:_SHOWN],
        ]
        return "\n".join(lines)


def manifest_lines(corpus: Path) -> Iterator[dict[str, Any]]:
    """The complete lines of a manifest that may still grow. Raises TrainingError when there is none."""
    path = corpus / MANIFEST
    if not path.is_file():
        raise TrainingError(f"{corpus} has no {MANIFEST}. Name a corpus folder, or make one with `train corpus`.")
    yield from read_objects(path, "The manifest", complete=True)


def _check_durations(line: dict[str, Any]) -> Iterator[str]:
    durations = line["phoneme_durations"]
    if durations is None:
        return
    if len(durations) != len(line["phonemes"]) + 2:
        yield f"{line['id']}: {len(durations)} durations for {len(line['phonemes'])} phonemes and two silences"
    if min(durations) < 0:
        yield f"{line['id']}: a duration is negative"
    counted, stated = sum(durations) * DURATION_UNIT, round(line["seconds"] * line["sample_rate"])
    if abs(counted - stated) > _ROUNDING_SAMPLES:
        yield f"{line['id']}: the durations sum to {counted} samples, but the audio has {stated}"


def _check_audio(corpus: Path, line: dict[str, Any]) -> Iterator[str]:
    import soundfile

    path = corpus / line["path"]
    if not path.is_file():
        yield f"{line['id']}: {line['path']} is missing"
        return
    info = soundfile.info(str(path))
    expected = round(line["seconds"] * SAMPLE_RATE)
    if info.samplerate != SAMPLE_RATE or info.channels != 1 or abs(info.frames - expected) > _ROUNDING_SAMPLES:
        yield (
            f"{line['id']}: the file has {info.frames} samples at {info.samplerate} Hz in {info.channels} channels, "
            f"expected {expected} at {SAMPLE_RATE} Hz in 1"
        )


def _check_split(line: dict[str, Any], held_out: set[str]) -> Iterator[str]:
    source = line["source"]
    packs = {source.get("voice"), *source.get("voices", ())}
    if line["split"] not in SPLITS:
        yield f"{line['id']}: unknown split {line['split']}"
    if line["split"] == "train":
        if packs & set(HELD_OUT_PACKS):
            yield f"{line['id']}: a training utterance of a held-out voice pack"
        if sentence_keys(line["text"]) & held_out:
            yield f"{line['id']}: a training utterance of a held-out text"


def check_corpus(
    corpus: Path, *, held_out_texts: Iterable[str] = (), read_audio: bool = True, unique_texts: bool = False
) -> CorpusReport:
    """Read the whole manifest and list every problem.

    held_out_texts: texts no training utterance may read. read_audio also opens each file's header. unique_texts reports
    repeated sentences, which a corpus made here never has.
    """
    report = CorpusReport()
    held_out = {key for text in held_out_texts for key in sentence_keys(text)}
    ids: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for line in manifest_lines(corpus):
        report.utterances += 1
        report.seconds += line["seconds"]
        report.by_split[line["split"]] += 1
        report.by_style[line["style"]] += 1
        report.by_speaker[line["speaker"]] += 1
        ids[line["id"]] += 1
        texts[key_of(line["text"])] += 1
        report.problems += [*_check_durations(line), *_check_split(line, held_out)]
        if read_audio:
            report.problems += _check_audio(corpus, line)
    report.problems += [f"{name}: the id occurs {count} times" for name, count in ids.items() if count > 1]
    if unique_texts:
        report.problems += [f"'{key}' is read {count} times" for key, count in texts.items() if count > 1]
    return report
