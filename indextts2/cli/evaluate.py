"""Measure a checkpoint on held-out texts: words understood, similarity, quality, duration and emotion control."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import make_folder
from .common import (
    add_compute_options,
    add_lora_option,
    add_output_options,
    any_number,
    checkpoint_of,
    device_of,
    dtype_of,
    positive,
    progress_bar,
    with_loras,
    write_result,
)

if TYPE_CHECKING:
    from ..contracts import Speech
    from ..evaluation.listeners import Listeners
    from ..evaluation.protocol import Protocol, SpeechRequest, Synthesise
    from ..stages.handles import SpeechModels

JUDGES = ("transcripts", "speakers", "quality")
KEPT = 2  # pieces of speech of free length held for the pictures
GUIDANCE = (("emotion", "what the emotion changes in the tokens"), ("latent", "what the latents change in the sound"))
HELP = "measure a checkpoint on a corpus"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "corpus", type=Path, nargs="+", help="one or more corpus folders with manifest.jsonl and audio/"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for report.json and report.md")
    parser.add_argument("--name", help="what the report calls the checkpoint (default: its own name)")
    parser.add_argument("--free", type=positive(int, zero=True), metavar="N", help="texts of free length")
    parser.add_argument("--duration", type=positive(int, zero=True), metavar="N", help="texts at every duration factor")
    parser.add_argument("--emotion", type=positive(int, zero=True), metavar="N", help="texts per emotion")
    parser.add_argument(
        "--words",
        type=positive(int, zero=True),
        default=0,
        metavar="N",
        help="texts whose word borders are held against the corpus's exact timings; of those of free length",
    )
    parser.add_argument("--seed", type=any_number(int), default=0, help="seed that chooses the texts")
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        choices=JUDGES,
        help="judges to leave out; their packages are then not needed",
    )
    parser.add_argument(
        "--pictures",
        action="store_true",
        help="also draw spectrograms, attention over the text, the duration curve and the melody of every emotion",
    )
    for name, effect in GUIDANCE:
        parser.add_argument(
            f"--{name}-guidance",
            type=positive(float, zero=True),
            nargs="+",
            default=[],
            metavar="STRENGTH",
            help=f"measure the curve of {effect} instead of the report: guidance.json, .md and .png (1 is off)",
        )
    add_compute_options(parser)
    add_lora_option(parser)
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..evaluation import ProtocolSettings, build_protocol, open_listeners
    from ..evaluation import run as evaluate
    from ..loading.checkpoint import load_speech

    make_folder(options.output)  # before the work
    counts = {name: getattr(options, name) for name in ("free", "duration", "emotion")}
    settings = ProtocolSettings(
        **{name: count for name, count in counts.items() if count is not None}, seed=options.seed
    )
    checkpoint = checkpoint_of(options)
    # Before the models: a missing package should not cost their loading.
    judges = open_listeners(**{judge: judge not in options.without for judge in JUDGES})
    protocol = build_protocol(options.corpus, settings)
    models = with_loras(options, load_speech(checkpoint, device_of(options), dtype_of(options)))
    if options.emotion_guidance or options.latent_guidance:
        _measure_guidance(options, models, protocol, judges)
        return
    kept: dict[str, Speech] = {}
    with progress_bar(options, "evaluating") as progress:
        result = evaluate(
            synthesiser(models, protocol, kept),
            options.corpus,
            options.output,
            name=options.name or checkpoint.config.name,
            settings=settings,
            listeners=judges,
            words=_word_figures(options, models, protocol),
            progress=progress,
        )
    if options.pictures:
        from ..evaluation.pictures import write_pictures

        write_pictures(options.output, models, protocol, result.heard, kept)
    write_result(options, result.figures, f"The report is in {options.output / 'report.md'}.")


def _measure_guidance(options: argparse.Namespace, models: SpeechModels, protocol: Protocol, judges: Listeners) -> None:
    """The curve over both strengths, instead of the report."""
    from ..evaluation.guidance import curve, measure, points_of, write_curve

    points = points_of(options.emotion_guidance, options.latent_guidance)
    with progress_bar(options, "speaking") as progress:
        notes = measure(models, protocol, judges, options.output, points, progress=progress)
    rows = curve(notes, protocol)
    write_curve(options.output, options.name or checkpoint_of(options).config.name, protocol, rows)
    write_result(options, {"points": rows}, f"The curve is in {options.output / 'guidance.md'}.")


def _word_figures(options: argparse.Namespace, models: SpeechModels, protocol: Protocol) -> dict[str, Any] | None:
    """Border errors of words, where they are asked for."""
    from ..evaluation.word_times import word_figures

    if not options.words:
        return None
    with progress_bar(options, "finding words") as progress:
        return word_figures(models, protocol, options.words, progress=progress)


def synthesiser(models: SpeechModels, protocol: Protocol, kept: dict[str, Speech]) -> Synthesise:
    """Speaks the requests of a protocol with a checkpoint. What the pictures show is also put into `kept`: the first
    requests of free length, and the first text in all emotions.
    """
    shown = {request.id for request in protocol.of_kind("free")[:KEPT]}
    emotional = protocol.of_kind("emotion")
    first = emotional[0] if emotional else None
    shown |= {item.id for item in emotional if first and (item.speaker, item.text) == (first.speaker, first.text)}
    from ..stages.speak import NO_EMOTION, EmotionRequest, speak

    def synthesise(request: SpeechRequest) -> Speech:
        emotion = NO_EMOTION if request.emotion is None else EmotionRequest(weights=request.emotion)
        reference = protocol.recording(request.reference)
        speech = speak(models, request.text, reference, emotion=emotion, duration=request.duration, seed=request.seed)
        if request.id in shown:
            kept[request.id] = speech
        return speech

    return synthesise
