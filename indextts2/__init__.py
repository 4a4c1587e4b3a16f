"""IndexTTS2 as a plain PyTorch library: zero-shot, emotional, duration-controlled text-to-speech.

Importing this package loads nothing else: a name of `EXPORTS` is imported when it is first used (PEP 562), so that a
program pays for torch where it speaks and not where it starts. Every stage by itself lies in `indextts2.stages`.
"""

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than this package
if TYPE_CHECKING:
    from typing import Any

    from .audio.io import read_audio, write_wav
    from .contracts import Duration, EmotionWeights, Waveform
    from .errors import IndexTTS2Error
    from .loading.checkpoint import load_speech, open_checkpoint
    from .stages.speak import EmotionRequest, SpeakSettings, speak
    from .stages.speak_stream import speak_stream

__version__ = "0.1.0"

EXPORTS = {
    "speak": "stages.speak",
    "speak_stream": "stages.speak_stream",
    "EmotionRequest": "stages.speak",
    "SpeakSettings": "stages.speak",
    "open_checkpoint": "loading.checkpoint",
    "load_speech": "loading.checkpoint",
    "Duration": "contracts",
    "EmotionWeights": "contracts",
    "Waveform": "contracts",
    "IndexTTS2Error": "errors",
    "read_audio": "audio.io",
    "write_wav": "audio.io",
}
"""Name -> the module that defines it."""

__all__ = [
    "Duration",
    "EmotionRequest",
    "EmotionWeights",
    "IndexTTS2Error",
    "SpeakSettings",
    "Waveform",
    "load_speech",
    "open_checkpoint",
    "read_audio",
    "speak",
    "speak_stream",
    "write_wav",
]


def __getattr__(name: str) -> "Any":
    """A name of `EXPORTS`. Raises AttributeError for any other."""
    if name not in EXPORTS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'; it exports {', '.join(EXPORTS)}.")
    from importlib import import_module

    value = getattr(import_module(f".{EXPORTS[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *EXPORTS})
