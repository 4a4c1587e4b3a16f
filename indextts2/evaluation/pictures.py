"""Pictures of a checkpoint: spectrograms beside recordings, attention over the text, duration curve, melodies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..atomic import make_folder, replacing
from ..audio.mel import log_mel
from ..audio.resample import resample_soxr
from ..contracts import Speaker, Speech, Waveform
from ..stages.conditions import condition_speaker
from ..stages.prepare_text import prepare_text
from ..stages.reference import encode_reference
from ..stages.t2s.batches import DecodingSettings
from ..stages.t2s.text_to_semantic import text_to_semantic
from ..stages.t2s.word_alignment import all_heads, text_attention
from .listeners import judge_samples
from .prosody import FRAMES_PER_SECOND, pitch_track
from .protocol import NEUTRAL, Protocol, SpeechRequest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..stages.handles import SpeechModels, T2SModels
    from .evaluate import Heard

DPI = 90
WIDTH, ROW_HEIGHT, MELODY_HEIGHT = 10.0, 2.4, 1.3  # inches
PITCH_SHOWN, PITCH_MARKS = (60.0, 500.0), (100, 200, 400)  # Hz


def write_pictures(
    folder: Path, models: SpeechModels, protocol: Protocol, heard: Sequence[Heard], made: dict[str, Speech]
) -> list[Path]:
    """Write spectrograms.png, attention.png, duration.png and melody.png; a picture without material is left out.

    made: the speech of the requests to show by their id, drawn beside the recording where there is one. -> the files.
    """
    make_folder(folder)
    requests = [request for request in protocol.of_kind("free") if request.id in made]
    paths = []
    if requests:
        paths.append(save_figure(draw_spectrograms(models, protocol, requests, made), folder / "spectrograms.png"))
        paths.append(save_figure(draw_attention(models, protocol, requests[0]), folder / "attention.png"))
    if any(item.request.kind == "duration" for item in heard):
        paths.append(save_figure(draw_durations(heard), folder / "duration.png"))
    emotional = [request for request in protocol.of_kind("emotion") if request.id in made]
    if emotional:
        paths.append(save_figure(draw_melodies(emotional, made), folder / "melody.png"))
    return paths


def draw_melodies(requests: Sequence[SpeechRequest], made: dict[str, Speech]) -> Figure:
    """F0 of one text in every style, each over its neutral version in grey."""
    curves = {request.style: _melody(made[request.id].waveform) for request in requests}
    neutral = curves.pop(NEUTRAL, None)
    figure, axes = _figure(len(curves), height=MELODY_HEIGHT)
    longest = max(times[-1] for times, _ in [*curves.values(), *([neutral] if neutral else [])])
    for (style, (times, pitch)), drawn in zip(curves.items(), axes, strict=True):
        if neutral:
            drawn.plot(*neutral, color="silver", linewidth=3.0)
        drawn.plot(times, pitch, linewidth=2.0)
        drawn.set(ylabel=style, xlim=(0.0, longest), ylim=PITCH_SHOWN, yscale="log")
        drawn.set_yticks(PITCH_MARKS, [f"{hertz} Hz" for hertz in PITCH_MARKS])
        drawn.minorticks_off()
    axes[0].set_title(requests[0].text)
    axes[-1].set_xlabel("seconds")
    return figure


def _melody(waveform: Waveform) -> tuple[np.ndarray, np.ndarray]:
    """Seconds, and F0 in Hz, NaN where unvoiced: (frames,) each."""
    pitch = pitch_track(judge_samples(waveform))
    return np.arange(len(pitch)) / FRAMES_PER_SECOND, pitch


def draw_spectrograms(
    models: SpeechModels, protocol: Protocol, requests: Sequence[SpeechRequest], made: dict[str, Speech]
) -> Figure:
    """Log mel of the speech of each request, under that of the corpus's recording of the same text."""
    mel = models.vocoder.config.mel
    rows: list[tuple[str, Waveform]] = []
    for request in requests:
        if request.recording is not None:
            rows.append((f"recording: {request.text}", protocol.recording(request.recording)))
        rows.append((f"spoken: {request.text}", made[request.id].waveform))
    figure, axes = _figure(len(rows))
    for (title, waveform), drawn in zip(rows, axes, strict=True):
        samples = resample_soxr(waveform.samples.mean(dim=1), waveform.sample_rate, mel.sample_rate)
        values = log_mel(samples, mel)[0]
        seconds = values.shape[-1] * mel.hop / mel.sample_rate
        drawn.imshow(values.numpy(), origin="lower", aspect="auto", extent=(0.0, seconds, 0.0, float(values.shape[0])))
        drawn.set(title=title, ylabel="mel band")
    axes[-1].set_xlabel("seconds")
    return figure


def attention_over_text(t2s: T2SModels, speaker: Speaker, ids: Sequence[int], tokens: Tensor) -> Tensor:
    """Mean attention from every token to every text id. tokens: (tokens,) -> (tokens, text), rows add up to 1.

    Mean of the heads the checkpoint declares to follow the text, or of all heads where it declares none.
    """
    known = t2s.model.config.alignment_heads
    heads = tuple((pair[0], pair[1]) for pair in known) if known else all_heads(t2s.model)
    return text_attention(t2s, speaker, None, ids, tokens, heads).mean(dim=0)


def draw_attention(models: SpeechModels, protocol: Protocol, request: SpeechRequest) -> Figure:
    """Attention of T2S over the text while it speaks; a line from corner to corner means that it reads."""
    t2s = models.t2s
    reference = encode_reference(models.encoder, protocol.recording(request.reference))
    speaker = condition_speaker(t2s, reference)
    text = prepare_text(t2s.front_end, request.text)
    speech = text_to_semantic(t2s, text, speaker, seed=request.seed, decoding=DecodingSettings(with_latent=False))
    tokens = speech.tokens[0, : int(speech.token_lengths[0])]
    looks = attention_over_text(t2s, speaker, text.segments[0].ids, tokens)
    figure, (axes,) = _figure(1, height=2.0 * ROW_HEIGHT)
    axes.imshow(looks.T.numpy(), origin="lower", aspect="auto", interpolation="nearest")
    axes.set(title=request.text, xlabel="semantic token", ylabel="text id")
    return figure


def draw_durations(heard: Sequence[Heard]) -> Figure:
    """Length produced over the length asked for, both as multiples of the free length, one line per text."""
    by_text: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for item in heard:
        if item.request.kind == "duration":
            by_text[item.request.text].append((item.request.duration.value, item.seconds))
    figure, (axes,) = _figure(1, height=2.0 * ROW_HEIGHT)
    for text, points in sorted(by_text.items()):
        points.sort()
        natural = next((seconds for factor, seconds in points if factor == 1.0), None)
        if natural:
            asked, found = zip(*((factor, seconds / natural) for factor, seconds in points), strict=True)
            axes.plot(asked, found, marker="o", label=text)
    low, high = axes.get_xlim()
    axes.plot((low, high), (low, high), color="grey", linestyle=":", zorder=0)
    axes.set(title="Duration control", xlabel="factor asked for", ylabel="factor produced")
    axes.legend(fontsize="small")
    return figure


def draw_guidance(rows: Sequence[dict[str, Any]]) -> Figure:
    """Probe accuracy, word errors and similarity over emotion guidance, one line per latent guidance.

    rows: as `guidance.curve` makes them.
    """
    panels = (
        ("probe_own", "told from other texts"),
        ("probe_transfer", "told from recordings"),
        ("word_error_rate", "word error rate"),
        ("similarity_same", "similarity"),
    )
    figure, axes = _figure(len(panels))
    for drawn, (key, label) in zip(axes, panels, strict=True):
        for latent in sorted({row["latent_guidance"] for row in rows}):
            own = [row for row in rows if row["latent_guidance"] == latent and row[key] is not None]
            strengths = [row["emotion_guidance"] for row in own]
            drawn.plot(strengths, [row[key] for row in own], marker="o", label=f"latent guidance {latent:g}")
        drawn.set_ylabel(label)
    axes[0].legend(fontsize="small")
    axes[-1].set_xlabel("emotion guidance")
    return figure


def _figure(rows: int, *, height: float = ROW_HEIGHT) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, rows * height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    grid: Any = figure.subplots(rows, 1, squeeze=False)
    return figure, [row[0] for row in grid]


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure in the format that the file's ending names."""
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix.lstrip("."))
    return path
