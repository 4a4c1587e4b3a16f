"""Nodes that hand a graph ready-made values, so that tests of arithmetic need no models."""

from __future__ import annotations

from typing import Any

from tests.host.host_nodes import node


def constant(machine: Any, name: str, port: Any, value: Any) -> dict[str, Any]:
    """A node of a running host that outputs a value, in API form."""
    made = node(f"Test{name}", [], [port.Output()])(lambda: _output(value))
    machine.nodes[f"Test{name}"] = made
    made.GET_SCHEMA()
    return {"class_type": f"Test{name}", "inputs": {}}


def _output(value: Any) -> Any:
    from comfy_api.latest import io

    return io.NodeOutput(value)
