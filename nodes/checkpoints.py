"""Checkpoints by the name in a dropdown: where they lie, their four models, and those a node loads by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from ..indextts2.errors import CheckpointError
from ..indextts2.foreign import shown
from ..indextts2.loading.find import MINI
from .host import folders, services
from .widgets import choice

OWN_PRECISION = "auto"


def checkpoint_input(tooltip: str, **more: Any) -> Any:
    """The dropdown of checkpoints."""
    return choice("checkpoint", list(folders.checkpoints()), tooltip, default=MINI, **more)


def chosen(offered: Mapping[str, Any], name: str, kind: str) -> Any:
    """What stands behind a name. Raises CheckpointError for one that is not offered."""
    if name not in offered:
        known = ", ".join(offered) or "none is installed"
        raise CheckpointError(f"There is no {kind} {shown(name)} here; there are: {known}. Choose one of them.")
    return offered[name]


def files_state(offered: Mapping[str, Path | None], name: str) -> str:
    """Changes when the files behind a name do; empty for what is built in or not there, which execute will say."""
    folder = offered.get(name)
    return "" if folder is None else folders.state_of(folder)


def checkpoint_state(name: str) -> str:
    """Changes when the files of a checkpoint do."""
    return files_state(folders.checkpoints(), name)


def load_models(checkpoint: str, precision: str) -> tuple[dict[str, services.Loaded[Any] | None], Any]:
    """The four models of a checkpoint by name, None for one that it lacks, and the opened checkpoint.

    Raises CheckpointError when it has none of them.
    """
    from ..indextts2.loading import checkpoint as loading
    from ..indextts2.loading.find import mini_folder
    from ..indextts2.loading.parts import parts_needed

    folder = chosen(folders.checkpoints(), checkpoint, "checkpoint") or mini_folder()
    opened = loading.open_checkpoint(folder, folders.model_roots())
    device = services.offload_device()
    jobs: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("encoder", loading.load_encoder, {}),
        ("t2s", loading.load_t2s, {"dtype": services.precision(precision)}),
        ("s2m", loading.load_s2m, {}),
        ("vocoder", loading.load_vocoder, {}),
    )
    report = services.progress()
    parts: dict[str, services.Loaded[Any] | None] = {}
    for done, (name, load, options) in enumerate(jobs):
        report(done, len(jobs))
        absent = set(parts_needed([name])) & set(opened.missing)
        parts[name] = None if absent else services.loaded_of(load(opened, device, **options), name)
    if not any(parts.values()):
        opened.require(opened.missing)
    report(len(jobs), len(jobs))
    return parts, opened


class _Kept:
    """Models that a node loaded by itself."""

    def __init__(self, parts: dict[str, services.Loaded[Any] | None]) -> None:
        self.parts = parts


_keepers: WeakSet[Any] = WeakSet()
_known: WeakValueDictionary[tuple[str, str], _Kept] = WeakValueDictionary()


def keep_models_for(node: Any) -> None:
    """Let a node object of the host keep the models that nodes of its kind load by themselves.

    The host makes one object per node and drops it with the node, and all of them with Free: so do the models go.
    """
    node.kept_models = None
    _keepers.add(node)


def own_models(checkpoint: str) -> dict[str, services.Loaded[Any] | None]:
    """The models of a node with nothing connected: loaded once, the last checkpoint is kept from run to run."""
    key = (checkpoint, checkpoint_state(checkpoint))
    kept = _known.get(key)
    if kept is None:
        for node in list(_keepers):
            node.kept_models = None  # the memory of the last one, before the next is loaded
        kept = _known[key] = _Kept(load_models(checkpoint, OWN_PRECISION)[0])
    for node in list(_keepers):
        node.kept_models = kept
    return kept.parts
