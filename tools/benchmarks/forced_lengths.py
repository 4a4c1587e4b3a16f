"""Lines forced to 0.75 to 1.25 times their free length: sample error, token error and word errors by factor.

    python -m tools.benchmarks.forced_lengths --work DIR [--checkpoint mini] [--lines 200] [--corpus DIR]
        [--without-words] [--json FILE]

Run from the root of the repository. Every line is spoken freely, then with one factor (--every: with all of them) of
the samples that it took. It takes long: each result is a row of DIR/results.jsonl, and a run that was stopped goes on.
Without --corpus, texts are the lines that were written by hand for the test of text-to-emotion.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import yaml

from indextts2.audio.io import read_audio, write_wav
from indextts2.contracts import Duration, Speaker, Waveform
from indextts2.errors import InputError
from indextts2.evaluation.listeners import open_listeners
from indextts2.evaluation.protocol import ProtocolSettings, build_protocol
from indextts2.evaluation.words import error_rates
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.find import built_in_references
from indextts2.sampling import SamplingSettings
from indextts2.script.line import LineAsk, LineSettings, LineSpeaker, SpokenLine
from indextts2.script.take_scores import TakeSettings
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
from indextts2.stages.semantic_to_mel import FlowSettings

FACTORS = (0.75, 0.875, 1.0, 1.125, 1.25)
TEXTS = Path(__file__).parents[2] / "indextts2" / "training" / "emotion" / "data" / "emotion_held_out.yaml"


@dataclass(frozen=True)
class Ask:
    """One line. voice: a recording; name: of the voice, so that each is conditioned once."""

    number: int
    text: str
    name: str
    voice: Path | Waveform


def asks_of(options: argparse.Namespace) -> list[Ask]:
    """Texts and who says them."""
    if options.corpus:
        protocol = build_protocol(options.corpus, ProtocolSettings(free=options.lines, duration=0, emotion=0))
        requests = protocol.of_kind("free")
        voices = [one.reference for one in requests]
        asks = []
        for number in range(options.lines):  # when the texts are used up, they are said by others
            voice = voices[(number + number // len(requests)) % len(requests)]
            asks.append(Ask(number, requests[number % len(requests)].text, voice.id, protocol.recording(voice)))
        return asks
    texts = [text for lines in yaml.safe_load(TEXTS.read_text(encoding="utf-8")).values() for text in lines]
    voices = [(path.stem, path) for path in options.voices] or list(built_in_references().items())
    return [
        Ask(number, texts[number % len(texts)], *voices[(number + number // len(texts)) % len(voices)])
        for number in range(options.lines)
    ]


class Forcing:
    """The models, and what is done with one line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.models = load_speech(open_checkpoint(options.checkpoint), torch.device(options.device))
        self.judges = open_listeners(transcripts=not options.without_words, speakers=False, quality=False)
        settings = LineSettings(
            sampling=SamplingSettings(mode=options.mode, max_tokens=options.max_tokens),
            flow=FlowSettings(steps=options.steps),
            takes=TakeSettings(retries=options.retries, listen=1),
        )
        self.speaker = LineSpeaker(self.models, settings)
        self.seed, self.folder = options.seed, options.work
        self._known: dict[str, Speaker] = {}

    def voice(self, ask: Ask) -> Speaker:
        if ask.name not in self._known:
            source = ask.voice if isinstance(ask.voice, Waveform) else read_audio(ask.voice)
            self._known[ask.name] = condition_speaker(self.models.t2s, encode_reference(self.models.encoder, source))
        return self._known[ask.name]

    def rows(self, ask: Ask, factors: Sequence[float]) -> Iterator[dict[str, Any]]:
        """The free line, then each factor of it."""
        plan = LineAsk(prepare_text(self.models.t2s.front_end, ask.text), seed=self.seed + ask.number)
        free = self.speaker.speak(plan, self.voice(ask), None)
        yield self.row(ask, "free", None, free)
        for factor in factors:
            asked = round(factor * free.audio.shape[0])
            try:
                forced = self.speaker.speak(replace(plan, duration=Duration("samples", asked)), self.voice(ask), None)
            except InputError as error:  # longer than one take can be: the free one did not end by itself
                yield {"line": ask.number, "factor": f"{factor:g}", "error": str(error)}
                continue
            yield self.row(ask, f"{factor:g}", asked, forced)

    def row(self, ask: Ask, factor: str, asked: int | None, spoken: SpokenLine) -> dict[str, Any]:
        report = spoken.report
        waveform = Waveform(spoken.audio.view(1, 1, -1), report.sample_rate)
        place = self.folder / "lines" / f"{ask.number:04}_{factor}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_wav(place, waveform)
        return {
            "line": ask.number,
            "text": ask.text,
            "voice": ask.name,
            "factor": factor,
            "samples_asked": asked,
            "samples_made": report.sample_count,
            "tokens_asked": report.token_target,
            "tokens_made": report.token_count,
            "stretch": report.stretch,
            "heard": self.judges.transcribe(waveform) if self.judges.transcribe else None,
        }


def mark_of(options: argparse.Namespace) -> str:
    """Names everything that shapes the results, so that a run only goes on with its own."""
    names = ("lines", "every", "seed", "mode", "max_tokens", "steps", "retries", "without_words", "corpus", "voices")
    known = {name: str(getattr(options, name)) for name in names}
    known["checkpoint"] = open_checkpoint(options.checkpoint).fingerprint
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def finished(path: Path, mark: str) -> list[dict[str, Any]]:
    """Rows of whole lines of an earlier run; a line that was cut off is made again."""
    rows = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(text))
        except json.JSONDecodeError:
            break
    if rows and rows[0].get("mark") != mark:
        sys.exit(f"{path} was made with other settings or another checkpoint. Name another folder.")
    return rows[1:]


def table_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Figures by factor; "free" first."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["factor"]].append(row)
    table = {}
    for factor, every in sorted(groups.items(), key=lambda item: float(item[0].replace("free", "0"))):
        own = [row for row in every if "error" not in row]
        samples = [abs(row["samples_made"] - row["samples_asked"]) for row in own if row["samples_asked"]]
        told = [row for row in own if row["tokens_asked"]]
        heard = [(row["text"], row["heard"]) for row in own if row["heard"] is not None]
        table[factor] = {
            "lines": len(own),
            "refused": len(every) - len(own),
            "largest_sample_error": max(samples, default=None),
            "token_error": fmean(abs(row["tokens_made"] / row["tokens_asked"] - 1.0) for row in told) if told else None,
            "stretch": round(fmean(row["stretch"] for row in own), 4) if own else None,
            "word_error_rate": round(error_rates(heard).word_error_rate, 4) if heard else None,
        }
    return table


def in_markdown(table: dict[str, Any]) -> str:
    rows = [
        "| factor | lines | refused | largest sample error | token error | stretch | word error rate |",
        "|---|---|---|---|---|---|---|",
    ]
    for factor, own in table.items():
        rows.append(
            f"| {factor} | " + " | ".join("-" if value is None else f"{value:g}" for value in own.values()) + " |"
        )
    return "\n".join(rows)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the results; a stopped run goes on in it")
    parser.add_argument("--checkpoint", default="mini")
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--every", action="store_true", help="every line at every factor")
    parser.add_argument("--corpus", type=Path, nargs="+", help="folders with manifest.jsonl: held-out texts and voices")
    parser.add_argument("--voices", type=Path, nargs="+", default=[], help="recordings, instead of the built-in ones")
    parser.add_argument("--without-words", action="store_true", help="no recogniser")
    parser.add_argument("--mode", choices=("beam", "sample", "greedy"), default="beam")
    parser.add_argument("--max-tokens", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--retries", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="also write the table there")
    return parser


def main() -> None:
    options = arguments().parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    path, mark = options.work / "results.jsonl", mark_of(options)
    rows = finished(path, mark)
    asks = asks_of(options)
    factors_of = {ask.number: FACTORS if options.every else (FACTORS[ask.number % len(FACTORS)],) for ask in asks}
    counts = defaultdict(int)
    for row in rows:
        counts[row["line"]] += 1
    whole = {number for number, count in counts.items() if count == 1 + len(factors_of.get(number, ()))}
    rows = [row for row in rows if row["line"] in whole]
    path.write_text("".join(json.dumps(row) + "\n" for row in [{"mark": mark}, *rows]), encoding="utf-8")
    left = [ask for ask in asks if ask.number not in whole]
    forcing = Forcing(options) if left else None
    for ask in left if forcing else ():
        with path.open("a", encoding="utf-8") as file:
            for row in forcing.rows(ask, factors_of[ask.number]):
                rows.append(row)
                file.write(json.dumps(row) + "\n")
        print(f"{len(asks) - len(left) + left.index(ask) + 1} of {len(asks)}", file=sys.stderr, flush=True)
    table = table_of(rows)
    print(in_markdown(table))
    if options.json:
        options.json.write_text(
            json.dumps(
                {
                    "options": {name: str(value) for name, value in vars(options).items()},
                    "torch": torch.__version__,
                    "by_factor": table,
                },
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
