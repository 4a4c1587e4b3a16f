"""Objective figures of a checkpoint: words, speaker similarity, predicted quality, duration and emotion control."""

from .evaluate import Evaluation, evaluate, run
from .listeners import Listeners, dnsmos, open_listeners, speaker_similarity, transcribe
from .probe import StyleProbe, cross_validated_accuracy, fit_probe
from .prosody import ProsodyFeatures, prosody_features
from .protocol import Protocol, ProtocolSettings, SpeechRequest, build_protocol, recordings_of
from .resynthesis import ResynthesisReport, resynthesis_error
from .words import error_rates, scoring_words, word_error_rate

__all__ = [
    "Evaluation",
    "Listeners",
    "ProsodyFeatures",
    "Protocol",
    "ProtocolSettings",
    "ResynthesisReport",
    "SpeechRequest",
    "StyleProbe",
    "build_protocol",
    "cross_validated_accuracy",
    "dnsmos",
    "error_rates",
    "evaluate",
    "fit_probe",
    "open_listeners",
    "prosody_features",
    "recordings_of",
    "resynthesis_error",
    "run",
    "scoring_words",
    "speaker_similarity",
    "transcribe",
    "word_error_rate",
]
