"""The table of docs/performance.md on a processor: processor time of one thread, row by row.

    python -m tools.benchmarks.processor [--json processor.json] [--docs docs/performance.md] [--size full] [--row NAME]

Run from the root of the repository. A row that is in the file is not measured again; --docs writes the table between
its marks. Rows of the released size use generated weights, whose numbers do not change the work; the sentence of 5 s
is added up from its parts, since all of it takes minutes. The time of a step is the difference of a longer and a
shorter run. Other programs on the machine make every figure larger: compare rows of one run only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch

from indextts2.atomic import write_text
from indextts2.bench.stages import FIRST_TEXT, FIRST_TOKENS, noise_recording
from indextts2.contracts import Duration, SemanticSpeech
from indextts2.sampling import SamplingSettings
from indextts2.stages.mel_to_audio import mel_to_audio
from indextts2.stages.reference import encode_reference
from indextts2.stages.semantic_to_mel import PRESETS, FlowSettings, semantic_to_mel
from indextts2.stages.speak import SpeakSettings, speak
from indextts2.stages.speak_early import EarlySettings
from indextts2.stages.speak_stream import speak_stream
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from tools.gpu_check import ANY_LENGTH, Case, Inputs

BEGIN, END = "<!-- processor -->", "<!-- end of processor -->"
SENTENCE, MINI_SENTENCE = 5.0, 4.0  # seconds
FEW, MORE = 4, 16  # tokens of the two runs whose difference is the time of a step
FRESH = (
    "from indextts2.loading.checkpoint import load_speech, open_checkpoint; import indextts2.stages.speak; "
    "load_speech(open_checkpoint('mini'))"
)
"""Program of a fresh process up to its first stage."""


class Measured:
    """Rows of one size, each measured when it is asked for, with the models it needs and no others."""

    def __init__(self, case: Case, known: dict[str, float]) -> None:
        self.case, self.known = case, known
        self.sentence = SENTENCE if case.size == "full" else 0.5

    def row(self, name: str) -> float:
        """Seconds of a row, measured now unless it is known."""
        if name not in self.known:
            self.known[name] = ROWS[name](self)
        return self.known[name]

    @cached_property
    def mini(self) -> tuple:
        models = self.case.compared("cpu")
        return models, encode_reference(models.encoder, noise_recording())

    def step(self, precision: str) -> float:
        """A decode step of three beams, with int8 or float32 weights."""
        models = self.case.generated(precision)
        inputs = Inputs.of(models)
        decode(models, inputs, FEW)  # packs what is packed
        few, more = (processor(lambda count=count: decode(models, inputs, count)) for count in (FEW, MORE))
        return max(0.0, more - few) / (MORE - FEW)

    def parts(self) -> float:
        """Measures the parts of a sentence that float32 models share, at once: they take long to make."""
        models = self.case.generated("fp32")
        known, recording = self.known, noise_recording()
        known["encode a reference of 5 s"] = processor(lambda: encode_reference(models.encoder, recording))
        inputs = Inputs.of(models)
        known["prefill and one token"] = processor(lambda: decode(models, inputs, 1))
        tokens = decode(models, inputs, FEW)
        frames = round(self.sentence * models.s2m.config.mel.frames_per_second)
        tokens = replace(tokens, frame_targets=torch.tensor([frames]))
        one, two = (processor(lambda steps=steps: flow(models, tokens, inputs, steps)) for steps in (1, 2))
        known["a guided step of the flow, 5 s after a reference of 5 s"] = max(0.0, two - one)
        mel = replace(flow(models, tokens, inputs, 1), sample_targets=torch.zeros(1, dtype=torch.int64))
        known["vocoder, 5 s"] = processor(lambda: mel_to_audio(models.vocoder, mel))
        return known["vocoder, 5 s"]

    def whole(self, precision: str, steps: int) -> float:
        """A sentence in the voice of a new reference, added up."""
        self.row("vocoder, 5 s")
        begin = self.row("encode a reference of 5 s") + self.row("prefill and one token")
        tokens = round(self.sentence * 50.0)
        decoded = tokens * self.row(f"a step of text to semantic, three beams, {precision}")
        solved = steps * self.row("a guided step of the flow, 5 s after a reference of 5 s")
        return begin + decoded + solved + self.row("vocoder, 5 s")

    def spoken(self) -> float:
        """A sentence of the mini, every stage but the reference's encoding."""
        models, reference = self.mini
        seconds = MINI_SENTENCE if self.case.size == "full" else 0.5
        duration = Duration("seconds", seconds, method="forced")
        speak(models, "Good morning.", reference, duration=Duration("seconds", 1.0, method="forced"))
        return processor(lambda: speak(models, FIRST_TEXT[:90], reference, duration=duration))

    def first(self, early: EarlySettings | None) -> float:
        """The first audio of a text of 30 s."""
        models, reference = self.mini
        settings = SpeakSettings(sampling=SamplingSettings(max_tokens=100))
        how = {"settings": settings, "first_segment_tokens": FIRST_TOKENS, "early": early}
        next(speak_stream(models, FIRST_TEXT, reference, **how))
        return processor(lambda: next(speak_stream(models, FIRST_TEXT, reference, **how)))


def decode(models, inputs: Inputs, count: int) -> SemanticSpeech:
    """So many tokens with three beams."""
    duration = Duration("tokens", count, method="forced")
    return text_to_semantic(models.t2s, inputs.text, inputs.speaker, duration=duration, decoding=ANY_LENGTH)


def flow(models, tokens: SemanticSpeech, inputs: Inputs, steps: int):
    """The mel of some tokens in so many guided steps."""
    settings = FlowSettings(steps=steps, guidance=0.7, allow_any_stretch=True)
    return semantic_to_mel(models.s2m, tokens, inputs.speaker, flow=settings)


def processor(work: Callable[[], object]) -> float:
    """Seconds of the processor that some work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def fresh(_measured: Measured) -> float:
    """A fresh process that loads the mini, until its first stage could begin."""
    process = subprocess.Popen([sys.executable, "-c", FRESH])
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


ROWS: dict[str, Callable[[Measured], float]] = {
    "mini, a sentence of 4 s, every stage": Measured.spoken,
    "mini, first audio of 30 s, exact": lambda measured: measured.first(None),
    "mini, first audio of 30 s, early": lambda measured: measured.first(EarlySettings()),
    "fresh process to its first stage": fresh,
    "a step of text to semantic, three beams, int8": lambda measured: measured.step("int8"),
    "a step of text to semantic, three beams, fp32": lambda measured: measured.step("fp32"),
    "vocoder, 5 s": Measured.parts,
    "whole sentence of 5 s, exact": lambda measured: measured.whole("fp32", PRESETS["exact"].steps or 0),
    "whole sentence of 5 s, preset fast, int8": lambda measured: measured.whole("int8", PRESETS["fast"].steps or 0),
}
"""What is measured, the quick first."""


def table(known: dict[str, float]) -> str:
    """The rows as Markdown."""
    lines = ["| work, one thread | processor time, s |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {seconds:.3g} |" for name, seconds in known.items()])


def written_into(text: str, lines: str) -> str:
    """A document with the table between its marks. Raises ValueError where it has none."""
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"The document should have the marks {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{lines}\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("processor.json"))
    parser.add_argument("--docs", type=Path, help="document whose table is written anew")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--row", action="append", choices=tuple(ROWS), help="only this row; may be given several times")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    known = json.loads(options.json.read_text(encoding="utf-8")) if options.json.exists() else {}
    with tempfile.TemporaryDirectory() as work:
        measured = Measured(Case(torch.device("cpu"), options.size, Path(work)), known)
        for name in options.row or ROWS:
            sys.stderr.write(f"{name}: {measured.row(name):.3f} s\n")
            write_text(options.json, json.dumps(known, indent=2) + "\n")
    if options.docs is not None:
        write_text(options.docs, written_into(options.docs.read_text(encoding="utf-8"), table(known)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
