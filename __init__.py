"""IndexTTS2 for ComfyUI: every stage a node, every tensor a port."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .nodes import all_nodes
from .nodes.host.folders import register_folders

WEB_DIRECTORY = "./web"  # the help pages; there is no script in it


class IndexTTS2Extension(ComfyExtension):
    """Hands the nodes to the host."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return all_nodes()


async def comfy_entrypoint() -> IndexTTS2Extension:
    register_folders()
    return IndexTTS2Extension()
