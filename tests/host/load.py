"""Loads the pack as ComfyUI does: by file location, under a name made of its path, in a folder with a hyphen."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SURFACE = Path(__file__).parent / "surface"
FOLDER_NAME = "comfyui-indextts2-main"


@dataclass(frozen=True)
class Pack:
    """The pack as loaded: its module, its nodes by id, and its sub-modules by name."""

    module: ModuleType
    nodes: dict[str, Any]

    def __getattr__(self, name: str) -> ModuleType:
        """A sub-module: pack.contracts is the pack's own indextts2.contracts; names with a dot count from the root."""
        for inner in (f"indextts2.{name}", f"nodes.{name}"):
            try:
                return importlib.import_module(f"{self.module.__name__}.{inner}")
            except ModuleNotFoundError as error:
                if not str(error).endswith(f"{inner}'"):
                    raise
        raise AttributeError(name)

    def part(self, name: str) -> ModuleType:
        """A sub-module by its dotted name, such as "indextts2.stages.speak"."""
        return importlib.import_module(f"{self.module.__name__}.{name}")


def install_surface() -> None:
    """Make the stand-ins importable under the host's names; refuse to run beside a real host."""
    if str(SURFACE) not in sys.path:
        sys.path.insert(0, str(SURFACE))
    import comfy

    assert Path(comfy.__file__).parent.parent == SURFACE, "these tests need the stand-in, not a real ComfyUI"


def load_pack(custom_nodes: Path) -> Pack:
    """Load the pack from a link below `custom_nodes`."""
    install_surface()
    folder = custom_nodes / FOLDER_NAME
    if not folder.exists():
        custom_nodes.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(ROOT, target_is_directory=True)
    name = str(folder).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert not hasattr(module, "NODE_CLASS_MAPPINGS"), "the host would take the pack for the old kind"
    return Pack(module, asyncio.run(_nodes(module)))


async def _nodes(module: ModuleType) -> dict[str, Any]:
    from comfy_api.latest import ComfyExtension

    extension = await module.comfy_entrypoint()
    assert isinstance(extension, ComfyExtension)
    nodes = await extension.get_node_list()
    assert isinstance(nodes, list)
    found: dict[str, Any] = {}
    for node in nodes:
        schema = node.GET_SCHEMA()
        assert schema.node_id not in found, f"{schema.node_id} stands twice"
        found[schema.node_id] = node
        node.RELATIVE_PYTHON_MODULE = f"custom_nodes.{FOLDER_NAME}"
    return found
