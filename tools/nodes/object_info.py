"""The pack's part of /object_info: as a running host tells it, and as the stand-in host sees it.

`python -m tools.nodes.object_info http://127.0.0.1:8188` rewrites the golden files from a running ComfyUI;
without an address, the pack's part is rewritten from the stand-in host.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent.parent / "tests"
GOLDEN = TESTS / "nodes" / "object_info.json"
HOST_GOLDEN = TESTS / "workflows" / "host_object_info.json"
PREFIX = "IndexTTS2_"
HOST_NODES = (
    "LoadAudio",
    "PreviewAudio",
    "PreviewAny",
    "PreviewImage",
    "AudioConcat",
    "EmptyImage",
    "GetImageSize",
    "PrimitiveFloat",
    "CreateVideo",
    "GetVideoComponents",
    "SaveVideo",
)
"""The host's own nodes that the example graphs use."""

INSTALLED = ("checkpoint", "model", "lora", "built_in_speaker", "selection_speaker", "file", "audio", "preset")
"""Combos whose values depend on the files of an installation; only the default is compared."""


def comparable(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without what depends on the installation, in plain JSON values."""
    entry = json.loads(json.dumps(entry))
    entry["python_module"] = entry["python_module"].split(".")[0]
    for inputs in entry["input"].values():
        for name, spec in inputs.items():
            if name in INSTALLED and isinstance(spec[0], list):
                spec[0] = []
            elif name in INSTALLED and spec[0] == "COMBO":
                default = None if name == "file" else spec[1].get("default")
                spec[1] |= {"default": default, "options": [] if default is None else [default]}
    return entry


def known_part(live: dict[str, Any], golden: dict[str, Any]) -> dict[str, Any]:
    """A host's entry without the keys that newer hosts add, to a node or to an input; its inputs are all kept."""
    live = {key: value for key, value in live.items() if key in golden}
    live["input"] = {
        kind: {name: _known_options(spec, golden["input"].get(kind, {}).get(name)) for name, spec in inputs.items()}
        for kind, inputs in live["input"].items()
    }
    return live


def _known_options(spec: list[Any], golden: list[Any] | None) -> list[Any]:
    if golden is None or len(spec) < 2 or len(golden) < 2:
        return spec
    return [spec[0], {key: value for key, value in spec[1].items() if key in golden[1]}]


def stand_in_view() -> dict[str, Any]:
    """The pack's entries as the stand-in host makes them."""
    from tests.host.load import install_surface, load_pack

    with tempfile.TemporaryDirectory() as folder:
        install_surface()
        import folder_paths

        folder_paths.reset(folder)
        pack = load_pack(Path(folder) / "custom_nodes")
        return {name: comparable(node.GET_NODE_INFO_V1()) for name, node in pack.nodes.items()}


def write(path: Path, entries: dict[str, Any]) -> None:
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", help="address of a running ComfyUI that has the pack")
    address = parser.parse_args().address
    if not address:
        write(GOLDEN, stand_in_view())
        return
    with urllib.request.urlopen(f"{address}/object_info") as reply:
        everything = json.load(reply)
    write(GOLDEN, {name: comparable(entry) for name, entry in everything.items() if name.startswith(PREFIX)})
    write(HOST_GOLDEN, {name: comparable(everything[name]) for name in HOST_NODES})


if __name__ == "__main__":
    sys.exit(main())
