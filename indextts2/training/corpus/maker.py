"""Render a corpus: one manifest line and one Opus file per utterance, resumable at any point.

Every draw of an utterance comes from a generator seeded by the recipe's seed and the utterance's number, so a resumed
run, or a second run elsewhere, makes the same corpus. The manifest grows line by line and can be read while it grows.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import append_text, make_folder, write_text
from ...contracts import Progress, no_progress
from ...errors import ConfigError, TrainingError
from ..data.json_lines import fields_of, read_object, read_objects
from ..loop.trainer import TrainingResult
from .check import MANIFEST, CorpusReport, check_corpus
from .finish import finish, write_opus
from .recipe import CorpusRecipe, identity, read_recipe
from .speakers import HELD_OUT_PACKS, CorpusSpeaker, training_speakers
from .styles import DrawnStyle, draw_style
from .teacher import SAMPLE_RATE, CorpusTeacher, KokoroTeacher
from .texts import CorpusText, choose_texts, listed_texts
from .wordnet import licence_notice

logger = logging.getLogger(__name__)

RECIPE_RECORD = "recipe.json"
TEXT_RECORD = "texts.jsonl"
LICENCE = "Apache-2.0"
SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """Everything that is decided before the teacher speaks."""

    id: str
    speaker: CorpusSpeaker
    style: DrawnStyle
    text: CorpusText

    @property
    def path(self) -> str:
        return f"audio/{self.speaker.name}/{self.id}.opus"


def plan_utterances(recipe: CorpusRecipe, texts: Sequence[CorpusText]) -> list[Utterance]:
    """The whole corpus on paper. Speakers take turns in shuffled rounds, so every prefix is balanced."""
    speakers = training_speakers(recipe.blends)
    plan: list[Utterance] = []
    for place, text in enumerate(texts):
        number = recipe.first_index + place
        turn, seat = divmod(place, len(speakers))
        order = np.random.default_rng([recipe.seed, 1, turn]).permutation(len(speakers))
        speaker = speakers[int(order[seat])]
        if any(pack in HELD_OUT_PACKS for pack, _ in speaker.packs):
            raise TrainingError(f"The speaker {speaker.name} uses a held-out voice pack and cannot be rendered.")
        style = draw_style(
            np.random.default_rng([recipe.seed, 2, number]),
            neutral_share=recipe.neutral_share,
            neutral_speed=recipe.neutral_speed,
            level=recipe.level,
        )
        plan.append(Utterance(f"{speaker.name}_{number:05d}", speaker, style, text))
    return plan


def render(utterance: Utterance, teacher: CorpusTeacher, recipe: CorpusRecipe, output: Path) -> dict[str, Any]:
    """Speak, finish and write one utterance. Returns its manifest line."""
    prosody = utterance.style.prosody
    number = int(utterance.id.rpartition("_")[2])
    random = np.random.default_rng([recipe.seed, 3, number])
    spoken = teacher.speak(utterance.text.text, utterance.speaker, prosody, random)
    samples, durations = finish(spoken, prosody, edge_seconds=recipe.edge_seconds, peak_db=recipe.peak_db)
    write_opus(output / utterance.path, samples, recipe.bit_rate)
    return {
        "id": utterance.id,
        "path": utterance.path,
        "split": recipe.split,
        "speaker": utterance.speaker.name,
        "source": utterance.speaker.source(),
        "gender": utterance.speaker.gender,
        "language": "en",
        "accent": utterance.speaker.accent,
        "style": utterance.style.name,
        "level": utterance.style.level,
        "style_params": prosody.style_params(),
        "speed": prosody.speed,
        "text": utterance.text.text,
        "text_source": utterance.text.source,
        "phonemes": spoken.phonemes,
        "phoneme_durations": durations,
        "seconds": len(samples) / SAMPLE_RATE,
        "sample_rate": SAMPLE_RATE,
        "bandwidth_hz": SAMPLE_RATE // 2,
        "base_f0_hz": spoken.base_f0_hz,
        "licence": LICENCE,
    }


def finished_ids(manifest: Path) -> set[str]:
    """Ids of the complete lines; an incomplete last line, left by a crash, is cut off."""
    if not manifest.is_file():
        return set()
    data = manifest.read_bytes()
    complete = data[: data.rfind(b"\n") + 1]
    if len(complete) < len(data):
        os.truncate(manifest, len(complete))
    where = f"The manifest {manifest}"
    return {fields_of(line, where, id=str)[0] for line in read_objects(manifest, "The manifest")}


def _claim(output: Path, recipe: CorpusRecipe) -> None:
    """Record the recipe, or refuse a folder that another recipe began."""
    make_folder(output, TrainingError)
    record = output / RECIPE_RECORD
    if record.is_file():
        if read_object(record, "The record of the recipe") != json.loads(json.dumps(identity(recipe))):
            raise TrainingError(f"{output} holds a corpus of another recipe ({RECIPE_RECORD}). Name another folder.")
    elif (output / MANIFEST).exists():
        raise TrainingError(f"{output} holds a {MANIFEST} but no {RECIPE_RECORD}. Name another folder.")
    else:
        write_text(record, json.dumps(identity(recipe), indent=1) + "\n", TrainingError)
    if recipe.wordnet:
        notice = output / "NOTICE-wordnet.txt"
        heading = 'Notice for the sentences whose text_source is "wordnet" (WordNet example sentences)\n\n'
        write_text(notice, heading + licence_notice(Path(recipe.wordnet)), TrainingError)


def fixed_texts(recipe: CorpusRecipe, output: Path) -> list[CorpusText]:
    """The chosen sentences, recorded by the first run: a resumed run reads them even if the sources changed since."""
    record = output / TEXT_RECORD
    if record.is_file():
        what = "The record of the texts"
        found = read_objects(record, what)
        return [CorpusText(*fields_of(line, f"{what} {record}", text=str, source=str)) for line in found]
    texts = choose_texts(recipe)
    lines = [json.dumps({"text": item.text, "source": item.source}, ensure_ascii=False) + "\n" for item in texts]
    write_text(record, "".join(lines), TrainingError)
    return texts


def make_corpus(
    recipe: CorpusRecipe,
    teacher_folder: Path,
    output: Path,
    *,
    progress: Progress = no_progress,
    open_teacher: Callable[[Path], CorpusTeacher] | None = None,
) -> int:
    """Render what is missing of a corpus and return how many utterances it holds now.

    Raises TrainingError for an incomplete teacher folder or an output folder of another recipe, MissingDependency for
    missing packages. A sentence the teacher cannot finish stops the run: it would silently change the corpus.
    """
    _claim(output, recipe)
    plan = plan_utterances(recipe, fixed_texts(recipe, output))
    manifest = output / MANIFEST
    done = finished_ids(manifest)
    missing = [utterance for utterance in plan if utterance.id not in done]
    progress(len(done), len(plan))
    if not missing:
        return len(done)
    opened = open_teacher or partial(KokoroTeacher, bfloat16=recipe.mixed_precision == "bf16")
    teacher = opened(teacher_folder)
    for count, utterance in enumerate(missing, start=len(done) + 1):
        line = render(utterance, teacher, recipe, output)
        append_text(manifest, json.dumps(line, ensure_ascii=False) + "\n", TrainingError)
        progress(count, len(plan))
    logger.info("The corpus at %s holds %d utterances.", output, len(plan))
    return len(plan)


def run(
    recipe_file: Path, output: Path, *, teacher_folder: Path | None = None, progress: Progress = no_progress
) -> CorpusReport:
    """Read the recipe file, make what is missing of the corpus, and check all of it.

    teacher_folder: None takes the one the recipe names. Raises TrainingError when a check fails.
    """
    recipe = read_recipe(recipe_file)
    folder = teacher_folder or (Path(recipe.teacher) if recipe.teacher else None)
    if folder is None:
        raise ConfigError(f"{recipe_file} names no `teacher` folder, and none was given. Add one of the two.")
    make_corpus(recipe, folder, output, progress=progress)
    report = check_corpus(output, held_out_texts=listed_texts(recipe.avoid), unique_texts=True)
    if report.problems:
        raise TrainingError(f"The corpus at {output} has problems:\n{report.summary()}")
    return report


def train_corpus(recipe_file: Path, folder: Path) -> TrainingResult:
    """`train corpus RECIPE FOLDER`, in the form of the other parts; `step` counts utterances."""
    started = time.monotonic()
    report = run(recipe_file, folder)
    logger.info("%s", report.summary())
    return TrainingResult(report.utterances, (time.monotonic() - started) / SECONDS_PER_MINUTE, "done")
