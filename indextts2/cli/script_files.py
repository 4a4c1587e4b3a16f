"""Files of a script that was spoken: a WAV per line, the timeline, subtitles, captions and the report."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING, Any

from ..atomic import write_text
from ..errors import ScriptError
from .common import write_result
from .word_options import caption_settings

if TYPE_CHECKING:
    from ..script.accepted import TakesFile
    from ..script.mix import MixSettings
    from ..script.run import Job
    from ..script.store import LineStore

TIMELINE, SUBTITLES, REPORT = "timeline.wav", "script.srt", "report.json"


def write_files(
    options: argparse.Namespace,
    job: Job,
    store: LineStore,
    mixing: MixSettings,
    decided: TakesFile,
    notes: tuple[str, ...],
) -> None:
    """The files of a finished job."""
    from ..audio.io import write_wav
    from ..contracts import Waveform
    from ..script.accepted import left_out
    from ..script.caption_files import write_caption_file
    from ..script.line import UNSPOKEN
    from ..script.mix import mix
    from ..script.read import write_script_file
    from ..script.report import describe, script_report
    from ..script.run import finished_lines
    from ..script.words import timeline_words
    from ..stages.duration import Clock

    spoken = [line for line in finished_lines(job, store) if line is not None]
    rate = Clock.of(job.config).sample_rate
    states = decided.states
    if options.only_accepted:
        spoken = [one if state.accepted else left_out(one) for one, state in zip(spoken, states, strict=True)]
    timeline = mix(job.script, spoken, rate, mixing)
    if timeline.script is None:
        raise ScriptError("Not one line of the script could be spoken and placed. The first says: " + _why(spoken))
    files = []
    for number, (line, one) in enumerate(zip(job.script.lines, spoken, strict=True), start=1):
        name = re.sub(r"[^\w-]+", "_", line.speaker).strip("_")
        place = options.output / "lines" / (f"{number:04}_{name}.wav" if name else f"{number:04}.wav")
        is_spoken = one.report.status not in UNSPOKEN
        if is_spoken:
            write_wav(place, Waveform(one.audio.view(1, 1, -1), rate))
        files.append(place.relative_to(options.output).as_posix() if is_spoken else "")
    write_wav(options.output / TIMELINE, timeline.waveform)
    write_script_file(timeline.script, options.output / SUBTITLES)
    for path in options.captions:
        write_caption_file(timeline_words(job.script, spoken, timeline), path, caption_settings(options))
    report = script_report(job.script, spoken, timeline, files)
    report["notes"] += list(notes)
    for values, state in zip(report["lines"], states, strict=True):
        values |= {"accepted": bool(state.accepted), "retakes": state.retakes}
    write_text(options.output / REPORT, json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    words = "\n".join([describe(job.script, spoken, timeline), *(f"Note: {note}" for note in notes)])
    if options.stream:
        return
    write_result(options, report, words + f"\nWritten to {options.output}.")


def _why(spoken: list[Any]) -> str:
    report = spoken[0].report
    return report.warnings[0] if report.warnings else f"it needs {report.sample_count / report.sample_rate:.2f} s."
