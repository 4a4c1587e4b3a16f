"""Carry T2S weights over to the tokens of another encoder or codec.

A better encoder or codec numbers its tokens anew, and a trained T2S would have to start again. The same recordings read
by both say which old tokens a new one stands for; its embedding and its row of the head are the means of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...errors import TrainingError
from ..data.feature_store import FeatureStore

EMBEDDING = "mel_embedding.weight"
HEAD, HEAD_BIAS = "mel_head.weight", "mel_head.bias"


def token_pairs(former: FeatureStore, present: FeatureStore, codebook_size: int) -> Tensor:
    """(codebook, codebook) counts: how often a token (row) stands where `former` has another (column).

    Raises TrainingError when the two have no utterance in common, or disagree about the length of one.
    """
    counts = torch.zeros(codebook_size * codebook_size)
    before = {entry.id: entry for entry in former}
    common = [entry for entry in present if entry.id in before]
    if not common:
        raise TrainingError(
            f"{former.folder} and {present.folder} have no utterance in common; both must come from one corpus."
        )
    for entry in common:
        old, new = former.tensor(before[entry.id], "tokens"), present.tensor(entry, "tokens")
        if old.shape != new.shape:
            raise TrainingError(
                f"'{entry.id}' has {len(old)} tokens in {former.folder} and {len(new)} in {present.folder}; tokens can "
                "be translated between encoders of one rate only."
            )
        counts += torch.bincount(new * codebook_size + old, minlength=len(counts))
    return counts.view(codebook_size, codebook_size)


def translated(weights: Mapping[str, Tensor], pairs: Tensor) -> dict[str, Tensor]:
    """T2S weights for the new tokens. pairs: as `token_pairs` gives them; a token never seen becomes the mean one.

    The bias keeps the frequencies: the log of a new token's count stands in for the mean log counts of its old ones.
    """
    size = len(pairs)
    shares = (pairs + pairs.sum(dim=0, keepdim=True) / pairs.sum() / size).to(torch.float32)
    shares = shares / shares.sum(dim=1, keepdim=True)
    result = {name: value.clone() for name, value in weights.items()}
    for name in (EMBEDDING, HEAD, HEAD_BIAS):
        result[name][:size] = shares @ weights[name][:size].float()
    frequency_new = pairs.sum(dim=1).clamp(min=1).log()
    frequency_old = pairs.sum(dim=0).clamp(min=1).log()
    result[HEAD_BIAS][:size] += (frequency_new - shares @ frequency_old).to(result[HEAD_BIAS])
    return result


def translate_from(weights: Mapping[str, Tensor], former: Path, present: Path, codebook_size: int) -> dict[str, Tensor]:
    """T2S weights trained on the features in `former`, for the tokens of those in `present`."""
    return translated(weights, token_pairs(FeatureStore(former), FeatureStore(present), codebook_size))
