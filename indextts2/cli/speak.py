"""Speak a text in the voice of a reference recording, and write a WAV file."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AudioError, InputError, TextError
from .common import (
    STANDARD_INPUT,
    Usage,
    add_cache_option,
    add_compute_options,
    add_guidance_options,
    add_lora_option,
    add_offload_option,
    add_output_options,
    add_preset_option,
    add_text_options,
    allow_leading_dashes,
    any_number,
    check_output,
    checkpoint_of,
    device_of,
    flow_of,
    load_models,
    loras_of,
    name_in,
    positive,
    progress_bar,
    sampling_of,
    write_result,
)
from .emotion import emotion_weights
from .texts import standard_input
from .voice import add_any_length_option, add_reference_options, notes_on, voice_of
from .word_options import add_caption_options, add_timing_options, caption_settings, with_timings, write_captions_of

if TYPE_CHECKING:
    import torch

    from ..contracts import Duration, Speaker, Speech, Waveform
    from ..loading.checkpoint import Checkpoint
    from ..stages.speak import EmotionRequest, SpeakSettings

HELP = "speak a text in the voice of a reference"
UNITS = ("seconds", "tokens", "frames", "factor")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    allow_leading_dashes(parser)
    parser.add_argument("text", help=f"text to speak; {STANDARD_INPUT} reads standard input")
    parser.add_argument(
        "--stream",
        choices=("raw", "wav"),
        help="write each piece of speech to standard output as soon as it is ready, as 16-bit samples of one channel "
        "(raw) or as a WAV of unknown length, instead of a file",
    )
    parser.add_argument(
        "--early",
        action="store_true",
        help="with --stream: begin before a segment is decoded. Approximate, see docs/performance.md",
    )
    parser.add_argument(
        "--first-segment",
        type=positive(int),
        metavar="N",
        help="longest first segment in text tokens, so that a stream begins soon (default: as the others)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("speech.wav"),
        metavar="FILE",
        help="file to write: .wav, .flac, .ogg, .opus or .mp3",
    )
    voice = parser.add_mutually_exclusive_group()
    voice.add_argument("--reference", type=Path, metavar="WAV", help="recording of the speaker, 3 to 15 seconds")
    voice.add_argument(
        "--voice",
        "--speaker",
        dest="voice",
        metavar="NAME",
        help="a built-in voice, or a recording or saved speaker of the voice library (default: the first built-in one)",
    )
    add_reference_options(parser)
    add_text_options(parser)
    _add_emotion(parser)
    _add_duration(parser)
    _add_settings(parser)
    add_timing_options(parser)
    add_caption_options(parser)
    add_compute_options(parser)
    add_lora_option(parser)
    add_output_options(parser)


def _add_emotion(parser: argparse.ArgumentParser) -> None:
    emotion = parser.add_mutually_exclusive_group()
    emotion.add_argument(
        "--emotion",
        type=emotion_weights,
        metavar="NAME=W,...",
        help="for example happy=.6,surprised=.2, or a preset such as bittersweet or bittersweet=.5",
    )
    emotion.add_argument("--emotion-audio", type=Path, metavar="WAV", help="recording whose emotion is used")
    emotion.add_argument("--emotion-text", metavar="TEXT", help="text that describes or shows the emotion")
    parser.add_argument(
        "--emotion-strength",
        type=positive(float, zero=True),
        default=1.0,
        metavar="S",
        help="0 none, 1 as given; above 1 only with --emotion-audio",
    )


def _add_duration(parser: argparse.ArgumentParser) -> None:
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=positive(float), metavar="S", help="length of the whole, including pauses")
    length.add_argument("--tokens", type=positive(int), metavar="N", help="length in semantic tokens")
    length.add_argument("--frames", type=positive(int), metavar="N", help="length in mel frames")
    length.add_argument("--factor", type=positive(float), metavar="F", help="length as a multiple of the natural one")
    parser.add_argument(
        "--duration-method",
        choices=("auto", "natural", "model", "guided", "forced"),
        default="auto",
        help=(
            "how the length is met (default: as the checkpoint was trained); model and guided are experimental "
            "with checkpoints that were not trained on lengths, such as the official one"
        ),
    )
    parser.add_argument(
        "--duration-slot",
        choices=("a", "b", "both"),
        help=(
            "experimental: duration slot of the prefix in which the methods model and guided give the length to "
            "a checkpoint that was not trained on lengths"
        ),
    )
    add_any_length_option(parser)
    parser.add_argument(
        "--takes",
        type=positive(int),
        default=1,
        metavar="N",
        help="number of takes to decode at once; the nearest in length is kept",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=any_number(int), default=0, help="the same seed gives the same speech")
    add_offload_option(parser)
    add_cache_option(parser)
    sampling = parser.add_argument_group("text-to-semantic")
    sampling.add_argument("--mode", type=name_in("sampling", "SAMPLERS"), help="how tokens are chosen, such as sample")
    sampling.add_argument("--beams", type=positive(int))
    sampling.add_argument("--temperature", type=positive(float))
    sampling.add_argument("--top-k", type=positive(int, zero=True))
    sampling.add_argument("--top-p", type=positive(float))
    sampling.add_argument("--typical", type=positive(float), metavar="MASS", help="typical sampling; below 1")
    sampling.add_argument("--repetition-penalty", type=positive(float))
    sampling.add_argument(
        "--length-penalty", type=positive(float, zero=True), help="above 0 makes beams prefer longer speech"
    )
    sampling.add_argument("--max-tokens", type=positive(int))
    flow = parser.add_argument_group("semantic-to-mel")
    add_preset_option(flow)
    flow.add_argument("--steps", type=positive(int))
    flow.add_argument("--guidance", type=positive(float, zero=True))
    flow.add_argument("--grid", type=name_in("stages.ode", "GRIDS"), help="spacing of the steps, such as sway")
    flow.add_argument("--solver", type=name_in("stages.ode", "SOLVERS"), help="solver of the flow, such as ab2")
    add_guidance_options(sampling, flow)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..audio.io import write_audio
    from ..stages.prepare_text import prepare_text
    from ..stages.speak import speak

    text = _text_of(options)
    settings, emotion, duration = _settings(options), _emotion(options), _duration(options)
    checkpoint, device = checkpoint_of(options), device_of(options)
    reference = voice_of(options)
    if options.early and not options.stream:
        raise Usage("--early begins to write before the speech is whole, so it needs --stream.")
    if options.stream:
        _stream(options, text, reference, emotion, duration, settings)
        return
    check_output(options.output)
    _check_format(options.output)
    captions = caption_settings(options)
    started = time.perf_counter()
    emotion = _without_text(emotion, checkpoint, device, options.seed)
    models = load_models(options, checkpoint, device)
    loaded = time.perf_counter()
    prepared = prepare_text(
        models.t2s.front_end,
        text,
        first_segment_tokens=options.first_segment,
        language=options.language,
        mel=models.t2s.config.mel,
        pace=models.t2s.pace,
    )
    with progress_bar(options, "speaking") as progress:
        speech = speak(
            models,
            prepared,
            reference,
            emotion=emotion,
            duration=duration,
            settings=settings,
            seed=options.seed,
            words=True,
            progress=progress,
        )
    spoken = time.perf_counter()
    write_audio(options.output, speech.waveform)
    write_captions_of(options, speech.words, captions)
    result = describe(speech, spoken - loaded) | {
        "file": str(options.output),
        "reference_notes": list(notes_on(reference)),
        "load_seconds": round(loaded - started, 3),
        "checkpoint": checkpoint.config.name,
        "fingerprint": checkpoint.fingerprint,
        "device": str(device),
        "precision": options.precision,
        "loras": [{"file": str(path), "strength": strength} for path, strength in loras_of(options)],
        "text_profile": options.text_profile,
    }
    write_result(options, result, _in_words(result))


def _check_format(path: Path) -> None:
    """Refuse a suffix that no file is written as, before the work."""
    from ..audio.io import format_of

    try:
        format_of(path)
    except AudioError as error:
        raise Usage(str(error)) from error


def _stream(
    options: argparse.Namespace,
    text: str,
    reference: Waveform | Speaker,
    emotion: EmotionRequest,
    duration: Duration | None,
    settings: SpeakSettings,
) -> None:
    """Write speech to standard output while it is made."""
    from ..audio.io import pcm_bytes, wav_header
    from ..stages.speak_early import EarlySettings
    from ..stages.speak_stream import speak_stream

    if options.captions:
        raise Usage("Captions are written when all is spoken. Leave --stream or --captions out.")
    if duration is not None and duration.unit != "free":
        raise Usage(
            "A length of the whole cannot be met while its parts are written. Leave --stream or the length out."
        )
    checkpoint, device = checkpoint_of(options), device_of(options)
    emotion = _without_text(emotion, checkpoint, device, options.seed)
    models = load_models(options, checkpoint, device)
    output, rate = sys.stdout.buffer, models.s2m.config.mel.sample_rate
    if options.stream == "wav":
        output.write(wav_header(rate))
    for chunk in speak_stream(
        models,
        text,
        reference,
        emotion=emotion,
        settings=settings,
        seed=options.seed,
        language=options.language,
        first_segment_tokens=options.first_segment,
        early=EarlySettings() if options.early else None,
    ):
        output.write(pcm_bytes(chunk.samples))
        output.flush()


def describe(speech: Speech, compute_seconds: float) -> dict[str, Any]:
    """Result of speaking, asked and produced, as plain values."""
    from ..stages.duration import merged_report

    seconds, whole = speech.waveform.seconds, merged_report(speech.reports)
    return {
        "seconds": round(seconds, 6),
        "samples": speech.waveform.samples.shape[-1],
        "sample_rate": speech.waveform.sample_rate,
        "asked": whole.asked,
        "tokens": whole.token_count,
        "frames": whole.frame_count,
        "seeds": dict(speech.seeds),
        "compute_seconds": round(compute_seconds, 3),
        "real_time_factor": round(compute_seconds / seconds, 4) if seconds else None,
        "warnings": list(dict.fromkeys(speech.warnings + whole.warnings)),
        "segments": [dataclasses.asdict(report) for report in speech.reports],
        "words": [dataclasses.asdict(word) for word in speech.words.words] if speech.words else [],
    }


def _in_words(result: dict[str, Any]) -> str:
    seeds = ", ".join(f"{name} {seed}" for name, seed in result["seeds"].items())
    lines = [
        f"{result['file']}: {result['seconds']:.3f} s (asked: {result['asked']}), {result['tokens']} tokens, "
        f"{result['frames']} frames, {len(result['segments'])} segment(s)",
        f"{result['checkpoint']} on {result['device']}, {result['compute_seconds']:.2f} s of computing, "
        f"real-time factor {result['real_time_factor']}; seeds: {seeds}",
    ]
    return "\n".join(lines + [f"Note: {warning}" for warning in (*result["warnings"], *result["reference_notes"])])


def _text_of(options: argparse.Namespace) -> str:
    text = with_timings(options, standard_input() if options.text == STANDARD_INPUT else options.text)
    if not text.strip():
        raise TextError("The text is empty. Write at least one word.")
    return text


def _emotion(options: argparse.Namespace) -> EmotionRequest:
    from ..stages.speak import EmotionRequest

    if options.emotion_strength > 1.0 and options.emotion_audio is None:
        raise Usage(
            f"--emotion-strength {options.emotion_strength:g} needs --emotion-audio; weights and texts go up to 1."
        )
    return EmotionRequest(
        options.emotion, _recording(options.emotion_audio), options.emotion_text, options.emotion_strength
    )


def _without_text(emotion: EmotionRequest, checkpoint: Checkpoint, device: torch.device, seed: int) -> EmotionRequest:
    """The emotion of words as weights: the language model is there only while it is asked, in half precision on a GPU,
    as it was published.
    """
    if emotion.text is None:
        return emotion
    import torch

    from ..loading.text_to_emotion import load_text_to_emotion
    from ..stages.emotion.from_text import emotion_from_text

    dtype = torch.float32 if device.type == "cpu" else torch.float16
    model = load_text_to_emotion(checkpoint.folder, device, dtype)
    return dataclasses.replace(emotion, text=None, weights=emotion_from_text(model, emotion.text, seed=seed))


def _recording(path: Path | None) -> Waveform | None:
    from ..audio.io import read_audio

    return None if path is None else read_audio(path)


def _duration(options: argparse.Namespace) -> Duration:
    from ..contracts import Duration

    for unit in UNITS:
        value = getattr(options, unit)
        if value is not None:
            return Duration(unit, value, options.duration_method)
    for name, given in (("method", options.duration_method != "auto"), ("slot", bool(options.duration_slot))):
        if given:
            raise Usage(f"--duration-{name} needs a length: give one of {', '.join('--' + unit for unit in UNITS)}.")
    return Duration()


def _settings(options: argparse.Namespace) -> SpeakSettings:
    from ..stages.speak import SpeakSettings
    from ..stages.t2s.batches import DecodingSettings

    try:
        return SpeakSettings(
            sampling=sampling_of(options),
            decoding=DecodingSettings(
                takes=options.takes, duration_slot=options.duration_slot, allow_any_length=options.any_length
            ),
            flow=flow_of(options),
        )
    except InputError as error:
        raise Usage(str(error)) from error
