"""Folders of models of a ComfyUI that this pack is installed in, for the command line: the host itself is not asked."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..foreign import ForeignDataError, read_yaml
from .config_file import CONFIG_NAME
from .releases import OFFICIAL_KIND, RELEASES

logger = logging.getLogger(__name__)

FOLDER = "indextts2"
LORA_FOLDER = "loras"
"""Folder of LoRAs below a folder of models."""

OTHER_FOLDERS = ("IndexTTS-2", "TTS/IndexTTS-2", "IndexTTS-2.5", "TTS/IndexTTS-2.5")
"""Folders in which other packs keep the released models below a folder of models; read, never written."""

CUSTOM_NODES = "custom_nodes"
EXTRA_PATHS = "extra_model_paths.yaml"


def host_root(package: Path | None = None) -> Path | None:
    """The ComfyUI folder above `package`, this library's own by default; None where it is not installed in one."""
    place = package or Path(__file__).resolve().parent.parent
    parents = list(place.parents)
    for child, parent in zip(parents, parents[1:], strict=False):
        if child.name == CUSTOM_NODES and (parent / "models").is_dir():
            return parent
    return None


def host_model_folders(root: Path | None) -> list[Path]:
    """The pack's folders of a ComfyUI, those of its extra_model_paths.yaml, and those of other packs that exist."""
    if root is None:
        return []
    own = [root / "models" / FOLDER, *_extra_folders(root / EXTRA_PATHS)]
    others = [place for name in OTHER_FOLDERS if (place := root / "models" / name).is_dir()]
    return own + others + inside_packs(root)


def inside_packs(root: Path) -> list[Path]:
    """Released checkpoints that other packs keep inside their own folders."""
    places = sorted((root / CUSTOM_NODES).glob("*/checkpoints"))
    return [place for place in places if all(os.path.isfile(place / name) for name in (CONFIG_NAME, "gpt.pth"))]


def download_folder(named: Iterable[Path], root: Path | None = None, kind: str = OFFICIAL_KIND) -> Path | None:
    """Folder for the released files where none is named: the first folder that is named, or ComfyUI's, or None."""
    places = [*named, *host_model_folders(root or host_root())[:1]]
    return places[0] / RELEASES[kind].rpartition("/")[2] if places else None


def _extra_folders(path: Path) -> list[Path]:
    """Folders under the key `indextts2` of any section; a file that cannot be read is reported and left."""
    if not path.is_file():
        return []
    try:
        tree = read_yaml(path)
    except ForeignDataError as error:
        logger.warning("%s cannot be read: %s", path, error)
        return []
    sections = tree.values() if isinstance(tree, dict) else ()
    return [place for section in sections if isinstance(section, dict) for place in _of_section(section, path.parent)]


def _of_section(section: dict[str, Any], beside: Path) -> list[Path]:
    base = os.path.expanduser(str(section.get("base_path") or ""))
    lines = str(section.get(FOLDER) or "").splitlines()
    return [beside / base / line.strip() for line in lines if line.strip()]
