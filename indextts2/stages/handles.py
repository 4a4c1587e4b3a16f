"""Loaded models with what their stage needs beside them. Made by `loading/checkpoint.py`, taken by every stage.

A handle never changes after loading. `fingerprint` names the part that made a value: encoder, T2S, S2M and vocoder of
one folder have one each. `encoder_fingerprint` names the encoder whose features and tokens a part was trained on. So a
stage compares `Reference.fingerprint`, `Speaker.encoder_fingerprint` and `SemanticSpeech.encoder_fingerprint` with the
`encoder_fingerprint` of the T2S or S2M it feeds, and `Speaker.fingerprint` and `Emotion.fingerprint` with the
`fingerprint` of the T2S. S2M never asks which T2S spoke: a fine-tuned T2S may run beside an official S2M.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from torch import Tensor, nn

from ..checks import check_shape
from ..config import EMOTIONS, Config, MelConfig
from ..contracts import Reference, Waveform
from ..errors import InputError
from ..text.profiles import AUTO
from .placed import Placed

if TYPE_CHECKING:
    from ..models.codec import SemanticCodec
    from ..models.resampling_codec import ResamplingCodec
    from ..models.s2m import SemanticToMel
    from ..models.semantic_encoder import SemanticEncoder
    from ..models.style_encoder import StyleEncoder
    from ..models.t2s import TextToSemantic
    from ..models.vocoder import Vocoder
    from ..text.front_end import FrontEnd
    from ..text.pace import Pace
    from .emotion.from_text import TextToEmotionModel


@dataclass(frozen=True, slots=True)
class EmotionBank:
    """Stored emotion vectors and the styles they are chosen by (docs/spec/emotion.md#emotion-bank).

    style_rows: (rows, style_dim); emotion_rows: (rows, dim). group_sizes: rows per emotion, in the order of EMOTIONS.
    """

    style_rows: Tensor
    emotion_rows: Tensor
    group_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        rows = sum(self.group_sizes)
        if len(self.group_sizes) != len(EMOTIONS):
            raise InputError(f"An emotion bank has {len(EMOTIONS)} groups, but got {len(self.group_sizes)} sizes.")
        check_shape("EmotionBank.style_rows", self.style_rows, rows, None)
        check_shape("EmotionBank.emotion_rows", self.emotion_rows, rows, None)


@dataclass(frozen=True, slots=True)
class EncoderModels(Placed):
    """Modules that turn a recording into a Reference. mean, std: (dim,), statistics of the semantic features."""

    semantic_encoder: SemanticEncoder
    codec: SemanticCodec | ResamplingCodec
    style_encoder: StyleEncoder
    mean: Tensor
    std: Tensor
    config: Config
    fingerprint: str = ""

    @property
    def main(self) -> nn.Module:
        return self.semantic_encoder


@dataclass(frozen=True, slots=True)
class T2SModels(Placed):
    """Text-to-semantic with its text front end and emotion bank. encoder_fingerprint: the encoder it was trained on."""

    model: TextToSemantic
    front_end: FrontEnd
    bank: EmotionBank | None
    config: Config
    fingerprint: str = ""
    encoder_fingerprint: str = ""
    pace: Pace | None = None  # how fast it speaks; None: lengths that are asked are not compared with natural ones


@dataclass(frozen=True, slots=True)
class S2MModels(Placed):
    """Semantic-to-mel. Of the codec only `embed` is used, so it may lack its encoder.

    watch: shown every mel, (bands, frames), while it grows.
    """

    model: SemanticToMel
    codec: SemanticCodec | ResamplingCodec
    config: Config
    fingerprint: str = ""
    encoder_fingerprint: str = ""
    watch: Callable[[Tensor], None] | None = None


@dataclass(frozen=True, slots=True)
class VocoderModels(Placed):
    """The vocoder and the mel domain it was trained on."""

    model: Vocoder
    config: Config
    mel: MelConfig
    fingerprint: str = ""


Placement = Callable[[str], AbstractContextManager[Any]]
"""Called with the name of a part: inside the context its modules lie where they compute."""


def where_loaded(part: str) -> AbstractContextManager[None]:
    """The placement of models that stay where they were loaded."""
    return nullcontext()


class References(Protocol):
    """A store of encoded recordings."""

    def encode(self, encoder: EncoderModels, waveform: Waveform) -> Reference:
        """The encoding of a recording, made or kept."""
        ...


@dataclass(frozen=True, slots=True)
class SpeechModels:
    """All models that speaking needs. Stages take a part from `with models.ready("t2s") as t2s:`.

    text_to_emotion: None where no emotion is read from text. placement: brings a part to its device and lets it go,
    for callers with little memory. references: keeps encodings of recordings (`runtime.reference_cache`); None encodes
    them every time.
    """

    encoder: EncoderModels
    t2s: T2SModels
    s2m: S2MModels
    vocoder: VocoderModels
    text_to_emotion: TextToEmotionModel | None = None
    placement: Placement = where_loaded
    references: References | None = None

    def with_text_profile(self, profile: str) -> SpeechModels:
        """The same models, which read text in a profile of `text.profiles`. Raises InputError."""
        from ..text.front_end import with_profile

        if profile == AUTO:
            return self
        return replace(self, t2s=replace(self.t2s, front_end=with_profile(self.t2s.front_end, profile)))

    def with_watch(self, watch: Callable[[Tensor], None]) -> SpeechModels:
        """The same models, which show every mel while it grows."""
        return replace(self, s2m=replace(self.s2m, watch=watch))

    @overload
    def ready(self, part: Literal["encoder"]) -> AbstractContextManager[EncoderModels]: ...
    @overload
    def ready(self, part: Literal["t2s"]) -> AbstractContextManager[T2SModels]: ...
    @overload
    def ready(self, part: Literal["s2m"]) -> AbstractContextManager[S2MModels]: ...
    @overload
    def ready(self, part: Literal["vocoder"]) -> AbstractContextManager[VocoderModels]: ...
    @overload
    def ready(self, part: Literal["text_to_emotion"]) -> AbstractContextManager[TextToEmotionModel]: ...

    def ready(self, part: str) -> AbstractContextManager[Any]:
        """The handle of a part, on its device for as long as the block runs. Raises InputError for one that is not
        loaded.
        """
        return self._ready(part)

    @contextmanager
    def _ready(self, part: str) -> Iterator[Any]:
        handle = getattr(self, part) if part in PARTS else None
        if handle is None:
            loaded = ", ".join(modules_of(self))
            raise InputError(f"A loaded part was expected ({loaded}), but got '{part}'. Load that model first.")
        with self.placement(part):
            yield handle


PARTS = ("encoder", "text_to_emotion", "t2s", "s2m", "vocoder")
"""Names of the parts, in the order in which speaking needs them."""


def modules_of(models: SpeechModels) -> dict[str, list[nn.Module]]:
    """The modules of each part, by the names that `SpeechModels.ready` takes."""
    modules: dict[str, list[nn.Module]] = {
        "encoder": [models.encoder.semantic_encoder, models.encoder.codec, models.encoder.style_encoder],
        "t2s": [models.t2s.model],
        "s2m": [models.s2m.model, models.s2m.codec],
        "vocoder": [models.vocoder.model],
    }
    if models.text_to_emotion is not None:
        modules["text_to_emotion"] = [models.text_to_emotion.model]
    return modules
