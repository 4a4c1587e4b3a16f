"""What lies in the published files beside the weights that matter, part by part, and how names become ours.

Models already carry the published names, so the table holds only the dead tensors: present, known, and without effect
(docs/spec/files.md#dead-tensors). They are dropped before names are checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from ..config import Config
from .weight_norm import folding

PARTS = (
    "semantic_encoder",
    "codec",
    "style_encoder",
    "statistics",
    "t2s",
    "emotion_bank",
    "tokenizer",
    "s2m",
    "vocoder",
)
"""Everything a complete checkpoint has. The text-to-emotion model is a folder of its own and optional."""

MODEL_PARTS = ("semantic_encoder", "codec", "style_encoder", "t2s", "s2m", "vocoder")

ENCODER_PARTS = ("semantic_encoder", "codec", "style_encoder", "statistics")
T2S_PARTS = ("t2s", "emotion_bank", "tokenizer")
S2M_PARTS = ("s2m", "codec")
VOCODER_PARTS = ("vocoder",)

DEAD: dict[str, tuple[str, ...]] = {
    "semantic_encoder": (r"masked_spec_embed", r"adapter\..*"),
    "codec": (),
    "style_encoder": (r".*\.num_batches_tracked",),
    "t2s": (
        r".*\.pos_enc\.pe",
        r"gpt\.h\.\d+\.attn\.(bias|masked_bias)",
        r"inference_model\..*",
        r"gpt\.wte\..*",
        r"gpt\.wpe\..*",
    ),
    "s2m": (
        r"cfm\.estimator\.input_pos",
        r"cfm\.estimator\.x_embedder\..*",
        r"cfm\.estimator\.cond_embedder\.weight",
        r"cfm\.estimator\.content_mask_embedder\.weight",
        r"length_regulator\.embedding\.weight",
        r"length_regulator\.mask_token",
    ),
    "vocoder": (),
}

DEAD_BY_CONTENT: dict[str, dict[str, tuple[str, ...]]] = {
    "latent": {"codec": (r"decoder\..*",)},
    "decoder": {"s2m": (r"gpt_layer\..*",), "t2s": (r"conditioning_encoder\..*", r"perceiver_encoder\..*")},
}
"""The same by kind of S2M's content (`S2MConfig.content`)."""

LENIENT = frozenset({"semantic_encoder", "t2s", "s2m"})
"""Parts that the official code loads by name, ignoring the rest; unknown tensors there are reported, not refused."""


def is_dead(part: str, key: str, config: Config) -> bool:
    """Whether a tensor of a published file has no effect for this configuration."""
    patterns = (*DEAD[part], *DEAD_BY_CONTENT[config.s2m.content].get(part, ()))
    if any(re.fullmatch(pattern, key) for pattern in patterns):
        return True
    if part == "semantic_encoder":
        layer = re.match(r"encoder\.layers\.(\d+)\.", key)
        return layer is not None and int(layer[1]) >= config.semantic_encoder.layers
    if part == "s2m":
        skip = re.match(r"cfm\.estimator\.transformer\.layers\.(\d+)\.skip_in_linear\.", key)
        return skip is not None and int(skip[1]) <= config.s2m.flow.depth // 2  # only the upper half takes skips
    return False


def live_tensors(part: str, tensors: Mapping[str, Tensor], config: Config) -> dict[str, Tensor]:
    """The tensors of a published file under our names: dead ones dropped, weight norm folded."""
    return {key: make() for key, make in live_sources(part, tensors, config).items()}


def live_sources(part: str, tensors: Mapping[str, Tensor], config: Config) -> dict[str, Callable[[], Tensor]]:
    """The same, each tensor to be made when it is needed."""
    return folding({key: value for key, value in tensors.items() if not is_dead(part, key, config)})
