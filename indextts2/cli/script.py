"""Speak a script (subtitles, a table or plain dialogue) into one WAV per line and a timeline with the actual times.

An interrupted run resumes after its finished lines. Under `accelerate launch` lines are divided among the processes.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import make_folder
from ..errors import InputError
from ..folder_lock import only_process
from ..script.kinds import AUTO, KINDS
from .common import (
    Usage,
    add_cache_option,
    add_compute_options,
    add_guidance_options,
    add_lora_option,
    add_offload_option,
    add_output_options,
    add_preset_option,
    add_text_options,
    any_number,
    checkpoint_of,
    device_of,
    flow_of,
    load_models,
    positive,
    progress_bar,
    sampling_of,
    sound_marks,
)
from .script_files import write_files
from .voice import add_any_length_option
from .word_options import add_caption_options, caption_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ..loading.checkpoint import Checkpoint
    from ..script.accepted import TakesFile
    from ..script.cast import Cast
    from ..script.line import SpokenLine
    from ..script.mix import MixSettings
    from ..script.model import Script
    from ..script.run import Job, JobSettings
    from ..stages.handles import SpeechModels

HELP = "speak a script of many lines into a timeline"
FINISHED = "finished"
TAKES = "takes.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("script", type=Path, help="SRT, VTT, ASS, SBV, LRC, TTML, CSV, TSV, JSON, or plain dialogue")
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--stream",
        choices=("raw", "wav"),
        help="write each line to standard output too as soon as it and those before it are ready, one after the other "
        "as 16-bit samples of one channel (raw) or as a WAV of unknown length; the summary is left out",
    )
    parser.add_argument(
        "--cast",
        type=Path,
        metavar="YAML",
        help="the cast: who speaks which name (default: the built-in voices in turn)",
    )
    parser.add_argument(
        "--kind", default=AUTO, help=f"{', '.join(KINDS)} (default: by what the file holds and its name)"
    )
    parser.add_argument(
        "--strict", action="store_true", help="end at the first fault of the script instead of listing all"
    )
    parser.add_argument(
        "--keep-sounds", action="store_true", help="speak sounds in brackets, such as [door creaks], too"
    )
    parser.add_argument(
        "--anchored",
        choices=("phrases", "words"),
        default="",
        help="speak what follows a silence, or every word, of word-timed VTT and JSON at its time",
    )
    parser.add_argument("--encoding", default="", help="encoding of the script file (default: UTF-8)")
    add_text_options(parser)
    parser.add_argument("--seed", type=any_number(int), default=0, help="seed of lines without one of their own")
    parser.add_argument(
        "--pause",
        type=positive(float, zero=True),
        metavar="S",
        help="seconds of silence between sentences (default: by punctuation)",
    )
    _add_fitting(parser)
    _add_takes(parser)
    add_caption_options(parser)
    model = parser.add_argument_group("models")
    model.add_argument("--max-tokens", type=positive(int), help="most tokens per segment")
    add_preset_option(model)
    model.add_argument("--steps", type=positive(int), help="steps of the flow")
    add_guidance_options(model, model)
    add_compute_options(parser)
    add_lora_option(parser)
    add_offload_option(parser)
    add_cache_option(parser)
    add_output_options(parser)


def _add_fitting(parser: argparse.ArgumentParser) -> None:
    fit = parser.add_argument_group("fitting")
    fit.add_argument(
        "--cue",
        choices=("fill", "within", "start"),
        default="fill",
        help=(
            "how long lines are: as long as their cues, within them, or their natural length from the start of the cue"
        ),
    )
    fit.add_argument(
        "--overflow",
        choices=("list", "overlap", "shift"),
        default="list",
        help="what to do with lines that do not fit: list them and leave them out, overlap, or shift later lines",
    )
    fit.add_argument(
        "--stretch",
        type=positive(float),
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="usual limits of the stretch (default: 0.8 1.25)",
    )
    fit.add_argument("--squeeze", type=positive(float), help="smallest stretch before a line overflows (default: 0.5)")
    add_any_length_option(fit)
    fit.add_argument("--gap", type=positive(float, zero=True), default=0.35, help="seconds between lines without cues")
    fit.add_argument(
        "--length", type=positive(float), default=0.0, metavar="S", help="minimum length of the timeline in seconds"
    )


def _add_takes(parser: argparse.ArgumentParser) -> None:
    takes = parser.add_argument_group("takes")
    takes.add_argument("--takes", type=positive(int), default=1, help="takes to decode per line; the best is kept")
    takes.add_argument(
        "--listen", type=positive(int), default=2, help="how many of the takes are scored by their sound"
    )
    takes.add_argument(
        "--retries", type=positive(int, zero=True), default=2, help="further seeds to try for a poor line"
    )
    takes.add_argument(
        "--accept", metavar="LINES", help="keep the sound of lines such as 1,4-6, whatever seed and settings become"
    )
    takes.add_argument(
        "--retake",
        metavar="LINES",
        help="speak lines such as 3,7 again with new seeds; rest is all that are not accepted",
    )
    takes.add_argument(
        "--only-accepted", action="store_true", help="leave lines that are not accepted out of track and subtitles"
    )
    clean = parser.add_argument_group("clean audio")
    clean.add_argument("--keep-tails", action="store_true", help="do not trim the sound after the last word")
    clean.add_argument("--hard-ends", action="store_true", help="do not fade ends and joins")
    clean.add_argument(
        "--longest-silence",
        type=positive(float, zero=True),
        default=0.8,
        help="longest silence inside a line of free length, in seconds; 0 keeps all",
    )
    clean.add_argument(
        "--loudness",
        type=any_number(float),
        default=-20.0,
        help="loudness of every line in LUFS; 0 leaves lines as they are",
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..script.read import read_script_file

    settings, mixing = _settings(options)
    caption_settings(options)  # before the work
    cast = _cast(options)
    script = read_script_file(
        options.script,
        options.kind,
        options.encoding,
        strict=options.strict,
        keep=options.keep_sounds,
        speakers=[name for name in cast.voices if name],
        anchored=options.anchored,
    )
    checkpoint, device = checkpoint_of(options), device_of(options)
    processes = _Processes(device)
    with nullcontext() if processes.index else only_process(options.output):
        _speak_and_write(options, script, cast, checkpoint, processes, settings, mixing)


def _speak_and_write(
    options: argparse.Namespace,
    script: Script,
    cast: Cast,
    checkpoint: Checkpoint,
    processes: _Processes,
    settings: JobSettings,
    mixing: MixSettings,
) -> None:
    """Everything that happens in the output folder."""
    from ..script.accepted import TakesFile
    from ..script.run import no_line, run_lines
    from ..script.store import LineStore

    make_folder(options.output / "lines")
    store = LineStore(options.output / FINISHED)
    decided = TakesFile.open(options.output / TAKES, script.lines)
    accept = _decide(options, decided)
    kept, notes = decided.kept(store)
    if decided.pending and not processes.index:
        decided.save()  # a run that is stopped resumes with the same seeds
    job = _job(options, script, cast, checkpoint, processes.device, settings)
    job = replace(job, seeds=decided.seeds(options.seed), kept=kept)

    def load() -> SpeechModels:
        return load_models(options, checkpoint, processes.device)

    if options.stream and processes.count > 1:
        raise Usage("Lines come in their order from one process. Leave --stream out, or start without accelerate.")
    ready = _streamed(options.stream, checkpoint.config.mel.sample_rate) if options.stream else no_line
    with progress_bar(options, "speaking") as progress:
        run_lines(job, load, store, shard=(processes.index, processes.count), progress=progress, ready=ready)
        processes.wait()
        if processes.index:
            return
        run_lines(job, load, store, progress=progress)  # what other processes could not leave in this folder
    store.tidy()
    decided.finish(accept, job.keys())
    if (options.output / TAKES).is_file() or any(state.accepted for state in decided.states):
        decided.save()
    write_files(options, job, store, mixing, decided, (*cast.notes(script.speakers), *notes))


def _decide(options: argparse.Namespace, decided: TakesFile) -> tuple[int, ...]:
    """Note the lines to speak again; returns the indices of those to accept. Raises Usage."""
    from ..script.accepted import REST

    try:
        accept = decided.numbers(options.accept) if options.accept else ()
        again = decided.numbers(options.retake) if options.retake else ()
    except InputError as error:
        raise Usage(str(error)) from error
    both = sorted(set(accept) & set(again))
    if both and options.retake.strip() != REST:
        raise Usage(f"Line {both[0] + 1} cannot be accepted and spoken again at once.")
    decided.retake(index for index in again if index not in accept)
    return accept


def _streamed(kind: str, rate: int) -> Callable[[SpokenLine], None]:
    """Writes finished lines to standard output."""
    from ..audio.io import pcm_bytes, wav_header

    output = sys.stdout.buffer
    if kind == "wav":
        output.write(wav_header(rate))

    def write(line: SpokenLine) -> None:
        output.write(pcm_bytes(line.audio))
        output.flush()

    return write


class _Processes:
    """The processes of `accelerate launch`, or this one alone."""

    def __init__(self, device: torch.device) -> None:
        self.index, self.count, self.device = 0, 1, device
        self._state: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            try:
                from accelerate import PartialState
            except ImportError as error:
                raise Usage("Several processes need accelerate: pip install accelerate.") from error
            self._state = PartialState(cpu=device.type == "cpu")
            self.index, self.count = self._state.process_index, self._state.num_processes
            self.device = self._state.device if device.type == "cuda" else device

    def wait(self) -> None:
        """Until every process is here."""
        if self._state is not None:
            self._state.wait_for_everyone()


def _job(
    options: argparse.Namespace,
    script: Script,
    cast: Cast,
    checkpoint: Checkpoint,
    device: torch.device,
    settings: JobSettings,
) -> Job:
    from ..script.run import Job

    fingerprint = f"{checkpoint.fingerprint} {options.precision} {device.type}{sound_marks(options)}"
    return Job(script, cast.assigned(script.speakers), checkpoint.config, fingerprint, settings)


def _cast(options: argparse.Namespace) -> Cast:
    from ..loading.find import built_in_references
    from ..loading.voices import voice_library
    from ..script.cast import default_cast, read_cast_file

    if options.cast is None:
        return default_cast(built_in_references())
    return read_cast_file(options.cast, voice_library())


def _settings(options: argparse.Namespace) -> tuple[JobSettings, MixSettings]:
    from ..script.clean import CleanSettings
    from ..script.fit import FitSettings
    from ..script.line import LineSettings
    from ..script.mix import MixSettings
    from ..script.run import JobSettings
    from ..script.take_scores import TakeSettings
    from ..stages.t2s.batches import DecodingSettings

    fit = {"cue": options.cue, "overflow": options.overflow}
    fit |= {"stretch": tuple(options.stretch)} if options.stretch else {}
    fit |= {"squeeze": options.squeeze} if options.squeeze else {}
    try:
        line = LineSettings(
            fit=FitSettings(**fit),
            clean=CleanSettings(
                trim_tails=not options.keep_tails,
                soft_ends=not options.hard_ends,
                joins=not options.hard_ends,
                longest_silence=options.longest_silence,
                loudness=options.loudness or None,
            ),
            takes=TakeSettings(options.takes, options.listen, options.retries),
            decoding=DecodingSettings(allow_any_length=options.any_length),
            sampling=sampling_of(options),
            flow=flow_of(options),
        )
        pauses = {} if options.pause is None else {"pauses": options.pause}
        job = JobSettings(line, options.seed, language=options.language, **pauses)
        return job, MixSettings(options.overflow, options.gap, options.length)
    except InputError as error:
        raise Usage(str(error)) from error
