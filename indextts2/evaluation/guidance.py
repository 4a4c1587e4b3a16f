"""The curve of emotion guidance and latent guidance: how well emotions are told apart, and what it costs in words.

Every emotion request of a protocol is spoken with every pair of strengths. Each piece of speech is judged once and
noted in a file at once, so that a run that was stopped resumes where it was, and further strengths can be added.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import append_text, make_folder, write_text
from ..contracts import Emotion, Progress, SemanticSpeech, Speaker, Speech, no_progress
from ..errors import InputError
from ..sampling import SamplingSettings
from ..stages.conditions import condition_speaker
from ..stages.handles import SpeechModels
from ..stages.mel_to_audio import mel_to_audio
from ..stages.prepare_text import prepare_text
from ..stages.reference import encode_reference
from ..stages.semantic_to_mel import FlowSettings, semantic_to_mel
from ..stages.speak import EmotionRequest, emotion_of
from ..stages.t2s.text_to_semantic import text_to_semantic
from .evaluate import Heard, emotion_figures, listen, probe_features
from .listeners import Listeners, similarity
from .pictures import draw_guidance, save_figure
from .prosody import ProsodyFeatures
from .protocol import Protocol, SpeechRequest
from .report import table

STATE_FILE = "guidance.jsonl"
OFF = 1.0


@dataclass(frozen=True, slots=True)
class Strengths:
    """One point of the curve."""

    emotion: float
    latent: float


class GuidedSpeaker:
    """Speaks requests with given strengths; what two of them share is made once."""

    def __init__(self, models: SpeechModels, protocol: Protocol) -> None:
        self.models, self.protocol = models, protocol
        self._speakers: dict[str, Speaker] = {}
        self._spoken: dict[tuple[str, float], SemanticSpeech] = {}

    def speaker(self, request: SpeechRequest) -> Speaker:
        """The speaker of a request's reference."""
        name = request.reference.id
        if name not in self._speakers:
            reference = encode_reference(self.models.encoder, self.protocol.recording(request.reference))
            self._speakers[name] = condition_speaker(self.models.t2s, reference)
        return self._speakers[name]

    def __call__(self, request: SpeechRequest, strengths: Strengths) -> Speech:
        """The speech of a request."""
        speaker = self.speaker(request)
        key = request.id, OFF if request.emotion is None else strengths.emotion
        if key not in self._spoken:
            self._spoken[key] = self._semantic(request, speaker, key[1])
        flow = FlowSettings(latent_guidance=strengths.latent)
        mel = semantic_to_mel(self.models.s2m, self._spoken[key], speaker, flow=flow, seed=request.seed)
        return mel_to_audio(self.models.vocoder, mel)

    def _semantic(self, request: SpeechRequest, speaker: Speaker, guidance: float) -> SemanticSpeech:
        emotion: Emotion | None = None
        if request.emotion is not None:
            emotion = emotion_of(self.models, speaker, EmotionRequest(weights=request.emotion), seed=request.seed)
        return text_to_semantic(
            self.models.t2s,
            prepare_text(self.models.t2s.front_end, request.text, mel=self.models.t2s.config.mel),
            speaker,
            emotion,
            duration=request.duration,
            sampling=SamplingSettings(emotion_guidance=guidance),
            seed=request.seed,
        )


class Notes:
    """What was heard so far, by request and strengths, in a file of one line each."""

    def __init__(self, path: Path, protocol: Protocol, checkpoint: str) -> None:
        self.path = path
        self.requests = {request.id: request for request in protocol.of_kind("emotion")}
        self.heard: dict[tuple[str, Strengths], Heard] = {}
        head = json.loads(json.dumps({"checkpoint": checkpoint, "settings": asdict(protocol.settings)}))
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if not lines:
            make_folder(path.parent)
            write_text(path, json.dumps(head) + "\n")
        elif json.loads(lines[0]) != head:
            raise InputError(
                f"{path} holds speech of another checkpoint or of other settings. Choose another output folder, or "
                "delete the file."
            )
        for line in lines[1:]:
            self._read(line)

    def _read(self, line: str) -> None:
        """One line; half a line, left where a run was stopped while it wrote, is made again."""
        try:
            known = json.loads(line)
        except json.JSONDecodeError:
            return
        features = None if known["features"] is None else ProsodyFeatures(*known["features"])
        self.heard[known["id"], Strengths(*known["strengths"])] = Heard(
            self.requests[known["id"]],
            known["seconds"],
            transcript=known["heard"],
            same_speaker=known["same_speaker"],
            features=features,
        )

    def add(self, strengths: Strengths, heard: Heard) -> None:
        """Note what was heard, at once."""
        self.heard[heard.request.id, strengths] = heard
        line = {
            "id": heard.request.id,
            "strengths": [strengths.emotion, strengths.latent],
            "heard": heard.transcript,
            "seconds": heard.seconds,
            "same_speaker": heard.same_speaker,
            "features": None if heard.features is None else [float(value) for value in heard.features.vector()],
        }
        append_text(self.path, json.dumps(line) + "\n")

    def of(self, strengths: Strengths) -> list[Heard] | None:
        """Everything heard with these strengths; None while some of it is missing."""
        found = [self.heard.get((name, strengths)) for name in self.requests]
        return None if None in found else [item for item in found if item is not None]


def measure(
    models: SpeechModels,
    protocol: Protocol,
    listeners: Listeners,
    output: Path,
    points: Sequence[Strengths],
    *,
    progress: Progress = no_progress,
) -> Notes:
    """Speak and judge every emotion request with every pair of strengths that is not noted yet.

    Raises InputError for a folder with notes of another checkpoint or of other settings.
    """
    notes = Notes(output / STATE_FILE, protocol, models.t2s.fingerprint)
    speak = GuidedSpeaker(models, protocol)
    voices: dict[str, np.ndarray] = {}
    work = [(point, request) for point in points for request in notes.requests.values()]
    for done, (point, request) in enumerate(work):
        progress(done, len(work))
        if (request.id, point) in notes.heard:
            continue
        twin = notes.heard.get((request.id, Strengths(OFF, point.latent)))
        if request.emotion is None and twin is not None:  # the speaker's own emotion is not guided
            notes.add(point, twin)
            continue
        speech = speak(request, point)
        heard = listen(request, speech, listeners, None)
        if listeners.embed is not None:
            name = request.reference.id
            if name not in voices:
                voices[name] = listeners.embed(protocol.recording(request.reference))
            heard = replace(heard, same_speaker=similarity(listeners.embed(speech.waveform), voices[name]))
        notes.add(point, heard)
    progress(len(work), len(work))
    return notes


def curve(notes: Notes, protocol: Protocol) -> list[dict[str, Any]]:
    """Figures of every pair of strengths that was heard in full, weakest first."""
    recordings = probe_features(protocol)
    rows = []
    for point in sorted({strengths for _, strengths in notes.heard}, key=lambda one: (one.emotion, one.latent)):
        heard = notes.of(point)
        if heard is None:
            continue
        figures = emotion_figures(heard, recordings)
        cosines = [item.same_speaker for item in heard if item.same_speaker is not None]
        rows.append(
            {
                "emotion_guidance": point.emotion,
                "latent_guidance": point.latent,
                "judged": sum(item.request.emotion is not None for item in heard),
                "probe_own": figures.get("probe_own"),
                "probe_transfer": figures.get("probe_transfer"),
                "word_error_rate": figures.get("word_error_rate"),
                "similarity_same": round(float(np.mean(cosines)), 4) if cosines else None,
                "seconds": round(sum(item.seconds for item in heard), 2),
            }
        )
    return rows


def points_of(emotion: Sequence[float], latent: Sequence[float]) -> list[Strengths]:
    """Every pair, those without guidance first: what is compared with is known from the start."""
    ordered = (sorted(set(values) | {OFF}, key=lambda value: (value != OFF, value)) for values in (emotion, latent))
    return [Strengths(*pair) for pair in product(*ordered)]


def write_curve(output: Path, name: str, protocol: Protocol, rows: Sequence[dict[str, Any]]) -> None:
    """Write guidance.json, guidance.md and guidance.png."""
    content = {"name": name, "settings": asdict(protocol.settings), "points": list(rows)}
    write_text(output / "guidance.json", json.dumps(content, indent=1) + "\n")
    write_text(output / "guidance.md", markdown(name, protocol, rows))
    save_figure(draw_guidance(rows), output / "guidance.png")


def markdown(name: str, protocol: Protocol, rows: Sequence[dict[str, Any]]) -> str:
    """The curve as a table."""
    shown = {
        f"{row['emotion_guidance']:g} / {row['latent_guidance']:g}": {
            key: value for key, value in row.items() if key not in ("emotion_guidance", "latent_guidance")
        }
        for row in rows
    }
    judged = rows[0]["judged"] if rows else 0
    noise = 100.0 * (0.25 * 0.75 / judged) ** 0.5 if judged else 0.0
    return "\n".join(
        [
            f"# Emotion guidance and latent guidance of {name}",
            "",
            f"{protocol.settings.emotion} texts, each neutral and with the eight emotions. Both probes tell which "
            "emotion was asked for, by chance 12.5 %: the own one from other texts of the same strengths, transfer "
            f"from corpus recordings. {judged} utterances are judged, so that one standard deviation of an accuracy "
            f"of a quarter is {noise:.1f} points. Words are those of the Moonshine tiny English recogniser, similarity "
            "is the cosine of Resemblyzer embeddings to the reference.",
            "",
            *table("emotion / latent guidance", shown),
            "",
        ]
    )
