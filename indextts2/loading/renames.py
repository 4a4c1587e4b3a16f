"""Names of the official files made ours.

Models already carry the published names, so only dead tensors are to be left out: present, known, and without effect
(`Part.dead_keys`, docs/spec/files.md#dead-tensors). They are dropped before names are checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from ..config import Config
from .parts import part_of
from .stream import out_first_sources
from .weight_norm import folding


def live_sources(part: str, tensors: Mapping[str, Tensor], config: Config) -> dict[str, Callable[[], Tensor]]:
    """Makers of the tensors of an official file under our names: dead ones dropped, weight norm folded."""
    dead = [re.compile(pattern) for pattern in part_of(part, config).dead_keys(config)]
    live = {key: value for key, value in tensors.items() if not any(pattern.fullmatch(key) for pattern in dead)}
    return out_first_sources(folding(live))
