"""List parts, sizes, precision, licence and what is missing of a checkpoint, or of all that are found."""

from __future__ import annotations

import argparse
from typing import Any

from .common import add_output_options, model_folders, write_result

HELP = "list a checkpoint, or all that are found"
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("checkpoint", nargs="?", help="folder or name of a checkpoint (default: all that are found)")
    parser.add_argument(
        "--verify", action="store_true", help="also compare the checksums of all files, and look for NaN"
    )
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.checkpoint is None:
        _list_all(options)
        return
    from ..loading.checkpoint import open_checkpoint
    from ..loading.describe import describe

    result = describe(open_checkpoint(options.checkpoint, model_folders()), verify=options.verify)
    write_result(options, result, _in_words(result))


def _list_all(options: argparse.Namespace) -> None:
    from ..loading.describe import summary
    from ..loading.find import find_checkpoints, machine_caches

    known = find_checkpoints(model_folders(), machine_caches())
    found = [{"name": one.name, **summary(one.folder)} for one in known]
    lines = [_line(one) for one in found]
    write_result(options, {"checkpoints": found}, "\n".join(lines) or "No checkpoint was found.")


def _line(one: dict[str, Any]) -> str:
    """A checkpoint of the list in one line."""
    from ..loading.download.message import with_files

    if one["error"]:
        return f"{one['name']}: {one['folder']}: cannot be used: {one['error']}"
    state = "complete" if one["complete"] else f"lacks {', '.join(with_files(one['missing'], one['missing_files']))}"
    facts = [
        f"version {one['version']}",
        f"{one['layout']} layout",
        one["precision"] or "",
        _bytes(one["bytes"]),
        state,
    ]
    return f"{one['name']}: {one['folder']}: {', '.join(filter(None, facts))}; licence: {one['licence'] or 'unknown'}"


def _in_words(result: dict[str, Any]) -> str:
    from ..loading.download.message import with_files

    lines = [
        f"{result['folder']}: {result['what']}",
        f"licence: {result['licence'] or 'unknown'}",
    ]
    if result["provenance"]:
        lines.append(f"provenance: {result['provenance']}")
    for part in result["parts"]:
        count = f", {part['parameters'] / 1e6:.2f} M numbers" if part["parameters"] else ""
        kind = f", {part['precision']}" if part["precision"] else ""
        lines.append(f"  {part['name']:<18}{_bytes(part['bytes']):>10}{count}{kind}")
    if result["missing"]:
        lines.append(f"missing: {', '.join(with_files(result['missing'], result['missing_files']))}")
    lines.append(f"to get them: {result['get']}" if result["get"] else "" if result["missing"] else "complete")
    lines += [f"damaged: {name}" for name in result["damaged"]]
    return "\n".join(filter(None, lines))


def _bytes(count: int) -> str:
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"
