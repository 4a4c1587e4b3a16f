"""A small host: validates API graphs as ComfyUI does, runs them under inference_mode, caches, cancels, frees.

A test makes a `Machine` over a temporary folder and calls `run(graph)` with a graph in API form. It raises `Refused`
for
graphs the host would not start, and what a node raised otherwise. `executed` lists the nodes that really ran.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch

from .load import Pack, install_surface

install_surface()

import folder_paths  # noqa: E402
from comfy import model_management, utils  # noqa: E402
from comfy_api.latest import io  # noqa: E402

from .host_nodes import HOST_NODES  # noqa: E402

Graph = Mapping[str, Mapping[str, Any]]
CONVERT = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


class Refused(AssertionError):
    """The host would not start this graph."""


class Locked(type):
    """The kind of a node's class while it runs: like the host, it refuses to be changed."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise AttributeError(f"Cannot modify class attribute '{name}' on locked class '{cls.__name__}'")


class Mutated(AssertionError):
    """A node changed a value that belongs to another node's cached output."""


class Machine:
    """One running host. check_combos: newer hosts refuse values that are not on a combo's list, 0.3.64 does not."""

    def __init__(self, base: Path, pack: Pack, *, check_combos: bool = True):
        folder_paths.reset(str(base))
        model_management.reset()
        utils.bars.clear()
        self.base, self.pack, self.check_combos = base, pack, check_combos
        pack.part("nodes.host.folders").register_folders()
        self.nodes = {**HOST_NODES, **pack.nodes}
        self.cache: dict[Any, list[Any]] = {}
        self.objects: dict[str, Any] = {}
        """One object per node of the graph, as long as it is there: hosts make them, and drop them all with Free."""
        self.executed: list[str] = []
        self.shown: dict[str, Any] = {}

    def run(self, graph: Graph) -> dict[str, list[Any]]:
        """Run a graph; the outputs of every node by its id, each output as the host's list of values."""
        self.validate(graph)
        self.executed, self.shown = [], {}
        self._signatures: dict[str, Any] = {}
        wanted = {self.signature(graph, node) for node in self.needed(graph)}
        self.cache = {key: value for key, value in self.cache.items() if key in wanted}
        self.objects = {node: made for node, made in self.objects.items() if node in graph}
        results: dict[str, list[Any]] = {}
        with torch.inference_mode():
            for node in self.needed(graph):
                results[node] = self._result(graph, node, results)
        return results

    def free(self) -> None:
        """The host's Free: forget every output and unload every model."""
        self.cache.clear()
        self.objects.clear()
        model_management.unload_all_models()
        model_management.soft_empty_cache()
        gc.collect()

    def cancel_after(self, looks: int) -> None:
        """Cancel as soon as the flag has been looked at so many times more."""
        model_management.interrupt.restart(looks)

    @property
    def looks(self) -> int:
        """How often the cancel flag was looked at since the last restart."""
        return model_management.interrupt.looks

    # validation

    def validate(self, graph: Graph) -> None:
        """Raises Refused with every reason."""
        reasons = [f"{node}: {reason}" for node in graph for reason in self._problems(graph, node)]
        if not any(
            self._schema(graph, node).is_output_node for node in graph if graph[node]["class_type"] in self.nodes
        ):
            reasons.append("the graph has no output node")
        if reasons:
            raise Refused("; ".join(reasons))

    def _schema(self, graph: Graph, node: str) -> io.Schema:
        return self.nodes[graph[node]["class_type"]].GET_SCHEMA()

    def _problems(self, graph: Graph, node: str) -> Iterator[str]:
        if graph[node]["class_type"] not in self.nodes:
            yield f"there is no node {graph[node]['class_type']}"
            return
        schema, inputs = self._schema(graph, node), graph[node]["inputs"]
        own, named = own_check(self.nodes[graph[node]["class_type"]])
        for name in sorted(set(inputs) - {port.id for port in schema.inputs or []}):
            yield f"it has no input {name}"
        for port in schema.inputs or []:
            if port.id not in inputs:
                if not port.optional:
                    yield f"required input {port.id} is missing"
            elif is_link(inputs[port.id]):
                yield from self._link_problems(graph, port, *inputs[port.id])
            else:
                yield from self._value_problems(
                    port, inputs[port.id], ranges=named is not None and port.id not in named
                )
        if own is not None:
            yield from self._own_problems(schema, own, named, inputs)

    def _own_problems(self, schema: io.Schema, own: Any, named: set[str] | None, inputs: Any) -> Iterator[str]:
        """What the node's validate_inputs says; of linked inputs it sees None, because nothing has run yet."""
        given = {
            port.id: None if is_link(inputs[port.id]) else self._converted(schema, port.id, inputs[port.id])
            for port in schema.inputs or []
            if port.id in inputs and (named is None or port.id in named)
        }
        found = own(**given)
        if not isinstance(found, bool | str):
            raise TypeError(f"{schema.node_id}.validate_inputs returned {type(found)}")
        if found is not True:
            yield from (f"{name} - {found or 'refused'}" for name in given)

    def _link_problems(self, graph: Graph, port: Any, source: str, slot: int) -> Iterator[str]:
        if source not in graph or graph[source]["class_type"] not in self.nodes:
            yield f"{port.id} is linked to a missing node {source}"
            return
        outputs = self._schema(graph, source).outputs or []
        if not 0 <= slot < len(outputs):
            yield f"{port.id} is linked to output {slot} of {source}, which has {len(outputs)}"
            return
        sent, taken = outputs[slot].io_type, port.get_io_type()
        if "*" not in (sent, taken) and not set(sent.split(",")) & set(taken.split(",")):
            yield f"{port.id} takes {taken}, but {sent} comes"

    def _value_problems(self, port: Any, value: Any, *, ranges: bool) -> Iterator[str]:
        """ranges: False for inputs that the node checks itself; the host then leaves range and list to it."""
        kind = port.get_io_type()
        if not isinstance(port, io.WidgetInput):
            yield f"{port.id} takes {kind} from a link, not {value!r}"
            return
        try:
            value = CONVERT.get(kind, lambda same: same)(value)
        except (TypeError, ValueError) as error:
            yield f"{port.id}: {value!r} is no {kind} ({error})"
            return
        if not ranges:
            return
        lowest, highest = getattr(port, "min", None), getattr(port, "max", None)
        if lowest is not None and value < lowest:  # so not a number passes, as in the host
            yield f"{port.id}: {value} is smaller than {lowest}"
        if highest is not None and value > highest:
            yield f"{port.id}: {value} is bigger than {highest}"
        options = getattr(port, "options", None)
        if self.check_combos and options is not None and value not in options:
            yield f"{port.id}: '{value}' is not in {options}"

    # order and signatures

    def needed(self, graph: Graph) -> list[str]:
        """The nodes that outputs depend on, each after those it reads."""
        order: list[str] = []

        def visit(node: str) -> None:
            if node not in order:
                for value in graph[node]["inputs"].values():
                    if is_link(value):
                        visit(value[0])
                order.append(node)

        for node in graph:
            if self._schema(graph, node).is_output_node:
                visit(node)
        return order

    def signature(self, graph: Graph, node: str) -> Any:
        """What a result depends on: class, widget values, fingerprint, and the same of everything upstream."""
        if node not in self._signatures:
            node_class, inputs = self.nodes[graph[node]["class_type"]], graph[node]["inputs"]
            own = [
                (name, (self.signature(graph, value[0]), value[1]) if is_link(value) else ("value", repr(value)))
                for name, value in sorted(inputs.items())
            ]
            mark = None
            if hasattr(node_class, "fingerprint_inputs"):
                plain = {name: None if is_link(value) else value for name, value in inputs.items()}
                mark = node_class.fingerprint_inputs(**plain)
            unique = node if node_class.GET_SCHEMA().not_idempotent else None
            self._signatures[node] = (graph[node]["class_type"], tuple(own), mark, unique)
        return self._signatures[node]

    # running

    def _result(self, graph: Graph, node: str, results: Mapping[str, list[Any]]) -> list[Any]:
        key = self.signature(graph, node)
        if key not in self.cache:
            self.cache[key] = self._execute(graph, node, results)
        return self.cache[key]

    def _execute(self, graph: Graph, node: str, results: Mapping[str, list[Any]]) -> list[Any]:
        model_management.throw_exception_if_processing_interrupted()
        node_class = self.nodes[graph[node]["class_type"]]
        schema = node_class.GET_SCHEMA()
        if type(self.objects.get(node)) is not node_class:
            self.objects[node] = node_class()
        given = {
            name: results[value[0]][value[1]] if is_link(value) else [self._converted(schema, name, value)]
            for name, value in graph[node]["inputs"].items()
        }
        self.executed.append(node)
        if schema.is_input_list:
            calls = [given]
        else:
            count = max((len(values) for values in given.values()), default=1)
            calls = [{name: values[min(at, len(values) - 1)] for name, values in given.items()} for at in range(count)]
        outputs: list[list[Any]] = [[] for _ in schema.outputs or []]
        for arguments in calls:
            for place, value in enumerate(self._call(node, node_class, schema, arguments)):
                many = (schema.outputs or [])[place].is_output_list
                outputs[place] += list(value) if many else [value]
        return outputs

    def _call(self, node: str, node_class: Any, schema: io.Schema, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
        before = {name: digest(value) for name, value in arguments.items()}
        hidden = io.HiddenHolder(unique_id=node, prompt={}, extra_pnginfo={})
        clone = Locked(node_class.__name__, (node_class,), {"hidden": hidden})
        returned = clone.execute(**arguments)
        changed = [name for name, value in arguments.items() if digest(value) != before[name]]
        if changed:
            raise Mutated(f"{schema.node_id} changed its input {', '.join(changed)}")
        if inspect.isawaitable(returned) or not isinstance(returned, io.NodeOutput | tuple | None):
            raise TypeError(f"{schema.node_id} returned {type(returned)}")
        returned = io.NodeOutput(*returned) if isinstance(returned, tuple) else returned or io.NodeOutput()
        if returned.ui is not None:
            self.shown[node] = returned.ui if isinstance(returned.ui, dict) else returned.ui.as_dict()
        values = returned.args
        assert len(values) == len(schema.outputs or []), f"{schema.node_id} returned {len(values)} outputs"
        for port, value in zip(schema.outputs or [], values, strict=True):
            for one in value if port.is_output_list else [value]:
                check_output(f"{schema.node_id}.{port.display_name or port.id}", port.io_type, one)
        return values

    def _converted(self, schema: io.Schema, name: str, value: Any) -> Any:
        return CONVERT.get(schema.input(name).get_io_type(), lambda same: same)(value)


def own_check(node_class: Any) -> tuple[Any, set[str] | None]:
    """A node's validate_inputs and the inputs it names, None for all of them; (None, empty) without one."""
    if not hasattr(node_class, "validate_inputs"):
        return None, set()
    found = inspect.getfullargspec(node_class.validate_inputs)
    return node_class.validate_inputs, None if found.varkw else set(found.args) - {"cls"}


def is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def tensors_of(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor of a port value. Model handles keep their own."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_of(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_of(part)
    elif is_dataclass(value) and not hasattr(value, "patcher"):
        for field in fields(value):
            yield from tensors_of(getattr(value, field.name))


def digest(value: Any) -> str:
    """Changes when any tensor inside a value does, or its plain parts do."""
    found = hashlib.sha256()
    for tensor in tensors_of(value):
        found.update(f"{tensor.shape}{tensor.dtype}".encode())
        found.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    if isinstance(value, dict):
        found.update(repr(sorted(map(str, value))).encode())
    return found.hexdigest()


def check_output(name: str, kind: str, value: Any) -> None:
    """What the host and other packs expect of an output."""
    from comfy_api.latest import ui

    plain = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
    if kind in plain:
        assert type(value) is plain[kind], f"{name} should be {kind}, but is {type(value).__name__}"
    if kind == "AUDIO":
        ui.check_audio(value)
    if kind == "IMAGE":
        ui.check_image(value)
    for tensor in tensors_of(value):
        assert tensor.device == model_management.intermediate_device(), f"{name} lies on {tensor.device}"
        assert not tensor.requires_grad, f"{name} keeps a graph of gradients"
        assert not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()), f"{name} is not finite"
