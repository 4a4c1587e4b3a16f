"""Makers of single parts: a module from a configuration, or tensors from the official files where those hold others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Config
from ..errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn

VARIANCE_FLOOR = 0.0
TOKENIZER_SUFFIX = ".model"  # of SentencePiece


def semantic_encoder(config: Config) -> nn.Module:
    """Semantic encoder of a configuration."""
    from ..models.semantic_encoder import SemanticEncoder

    return SemanticEncoder(config.semantic_encoder)


def codec(config: Config) -> nn.Module:
    """Semantic codec of a configuration."""
    from ..models.resampling_codec import codec_of

    return codec_of(config.codec)


def style_encoder(config: Config) -> nn.Module:
    """Style encoder of a configuration."""
    from ..models.style_encoder import StyleEncoder

    return StyleEncoder(config.style_encoder)


def t2s(config: Config) -> nn.Module:
    """Text-to-semantic of a configuration."""
    from ..models.t2s import TextToSemantic

    return TextToSemantic(config.t2s)


def s2m(config: Config) -> nn.Module:
    """Semantic-to-mel of a configuration."""
    from ..models.s2m import SemanticToMel

    return SemanticToMel(config.s2m)


def vocoder(config: Config) -> nn.Module:
    """Vocoder of a configuration."""
    from ..models.vocoder import Vocoder

    return Vocoder(config.vocoder)


def only_tokenizer(folder: Path) -> Path | None:
    """The tokenizer of a folder whatever it is called: the only file of its kind; None for none or several."""
    found = sorted(path for path in folder.glob("*") if path.suffix == TOKENIZER_SUFFIX and path.is_file())
    return found[0] if len(found) == 1 else None


def read_statistics(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Mean and standard deviation of the semantic features, from a file of means and variances. Raises CheckpointError.

    mean, std: (dim,) float32.
    """
    from .tensors import read_section

    path = files[0]
    found = read_section(path)
    if not {"mean", "var"} <= set(found):
        raise CheckpointError(f"{path} should hold 'mean' and 'var' of the semantic features. Get the file again.")
    if not bool((found["var"] > VARIANCE_FLOOR).all()):
        raise CheckpointError(f"{path} holds a variance that is not positive. Get the file again.")
    return {"mean": found["mean"].float(), "std": found["var"].float().sqrt()}


def read_bank(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Rows of the emotion bank, from a file of style vectors and one of emotion vectors. Raises CheckpointError.

    style_rows: (rows, style dim), emotion_rows: (rows, dim).
    """
    from .tensors import read_single

    return {"style_rows": read_single(files[0]), "emotion_rows": read_single(files[1])}
