"""Stand-in for comfy_api.latest.io, with the signatures of ComfyUI 0.3.64: unknown fields raise, as they do there.

Stricter than the host where that catches mistakes: defaults lie within min and max and on the list of a combo, numbers
have all of default, min, max and step, ids are plain names, and a node's functions take what its schema declares.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

ID = re.compile(r"[a-z][a-z0-9_]*")


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


class UploadType(str, Enum):
    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


class NumberDisplay(str, Enum):
    number = "number"
    slider = "slider"


def pruned(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


class _Port:
    io_type = ""

    def get_io_type(self) -> str:
        return self.io_type


class Input(_Port):
    def __init__(self, id, display_name=None, optional=False, tooltip=None, lazy=None, extra_dict=None):
        self.id, self.display_name, self.optional = id, display_name, optional
        self.tooltip, self.lazy, self.extra_dict = tooltip, lazy, extra_dict or {}

    def as_dict(self) -> dict[str, Any]:
        own = {"display_name": self.display_name, "tooltip": self.tooltip, "lazy": self.lazy}
        return pruned(own | self.extra_dict)

    def problems(self) -> list[str]:
        return [] if isinstance(self.id, str) and ID.fullmatch(self.id) else [f"'{self.id}' is no plain id"]


class WidgetInput(Input):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, lazy=None, default=None, socketless=None,
        widget_type=None, force_input=None, extra_dict=None,
    ):  # fmt: skip
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict)
        self.default, self.socketless = default, socketless
        self.widget_type, self.force_input = widget_type, force_input

    def get_io_type(self) -> str:
        return self.widget_type or super().get_io_type()

    def as_dict(self) -> dict[str, Any]:
        own = {"default": self.default, "socketless": self.socketless, "widgetType": self.widget_type}
        return super().as_dict() | pruned(own | {"forceInput": self.force_input})


class Output(_Port):
    def __init__(self, id=None, display_name=None, tooltip=None, is_output_list=False):
        self.id, self.display_name, self.tooltip, self.is_output_list = id, display_name, tooltip, is_output_list


def comfytype(io_type: str, input_class: type[Input] = Input, output_class: type[Output] = Output, name: str = ""):
    """A type with its Input and Output classes."""
    made = type(name or io_type, (), {"io_type": io_type})
    made.Input = type("Input", (input_class,), {"io_type": io_type, "Parent": made})
    made.Output = type("Output", (output_class,), {"io_type": io_type, "Parent": made})
    return made


def Custom(io_type: str) -> Any:
    assert io_type == io_type.upper() and "," not in io_type
    return comfytype(io_type)


class _BooleanInput(WidgetInput):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, lazy=None, default=None, label_on=None,
        label_off=None, socketless=None, force_input=None,
    ):  # fmt: skip
        super().__init__(id, display_name, optional, tooltip, lazy, default, socketless, None, force_input)
        self.label_on, self.label_off = label_on, label_off

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | pruned({"label_on": self.label_on, "label_off": self.label_off})

    def problems(self) -> list[str]:
        wrong = [] if isinstance(self.default, bool) else [f"{self.id}: a switch needs a default"]
        return super().problems() + wrong


class _NumberInput(WidgetInput):
    kind: type = int

    def problems(self) -> list[str]:
        wrong = super().problems()
        if self.force_input:  # a socket without a widget
            return wrong
        for name in ("default", "min", "max", "step"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float) if self.kind is float else int):
                wrong.append(f"{self.id}: {name} should be {self.kind.__name__}, but is {value!r}")
        if not wrong and not self.min <= self.default <= self.max:
            wrong.append(f"{self.id}: the default {self.default} lies outside {self.min}..{self.max}")
        if not wrong and self.step <= 0:
            wrong.append(f"{self.id}: the step should be positive")
        return wrong


class _IntInput(_NumberInput):
    kind = int

    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, lazy=None, default=None, min=None, max=None,
        step=None, control_after_generate=None, display_mode=None, socketless=None, force_input=None,
    ):  # fmt: skip
        super().__init__(id, display_name, optional, tooltip, lazy, default, socketless, None, force_input)
        self.min, self.max, self.step = min, max, step
        self.control_after_generate, self.display_mode = control_after_generate, display_mode

    def as_dict(self) -> dict[str, Any]:
        own = {"min": self.min, "max": self.max, "step": self.step}
        display = self.display_mode.value if self.display_mode else None
        return super().as_dict() | pruned(
            own | {"control_after_generate": self.control_after_generate, "display": display}
        )


class _FloatInput(_NumberInput):
    kind = float

    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, lazy=None, default=None, min=None, max=None,
        step=None, round=None, display_mode=None, socketless=None, force_input=None,
    ):  # fmt: skip
        super().__init__(id, display_name, optional, tooltip, lazy, default, socketless, None, force_input)
        self.min, self.max, self.step, self.round, self.display_mode = min, max, step, round, display_mode

    def as_dict(self) -> dict[str, Any]:
        own = {"min": self.min, "max": self.max, "step": self.step, "round": self.round, "display": self.display_mode}
        return super().as_dict() | pruned(own)


class _StringInput(WidgetInput):
    def __init__(
        self, id, display_name=None, optional=False, tooltip=None, lazy=None, multiline=False, placeholder=None,
        default=None, dynamic_prompts=None, socketless=None, force_input=None,
    ):  # fmt: skip
        super().__init__(id, display_name, optional, tooltip, lazy, default, socketless, None, force_input)
        self.multiline, self.placeholder, self.dynamic_prompts = multiline, placeholder, dynamic_prompts

    def as_dict(self) -> dict[str, Any]:
        own = {"multiline": self.multiline, "placeholder": self.placeholder, "dynamicPrompts": self.dynamic_prompts}
        return super().as_dict() | pruned(own)

    def problems(self) -> list[str]:
        needs = self.default is None and not self.force_input
        return super().problems() + ([f"{self.id}: a text widget needs a default"] if needs else [])


class _ComboInput(WidgetInput):
    def __init__(
        self, id, options=None, display_name=None, optional=False, tooltip=None, lazy=None, default=None,
        control_after_generate=None, upload=None, image_folder=None, remote=None, socketless=None,
    ):  # fmt: skip
        if isinstance(options, type) and issubclass(options, Enum):
            options = [entry.value for entry in options]
        default = default.value if isinstance(default, Enum) else default
        super().__init__(id, display_name, optional, tooltip, lazy, default, socketless)
        self.options, self.control_after_generate, self.remote = options, control_after_generate, remote
        self.upload, self.image_folder = upload, image_folder

    def as_dict(self) -> dict[str, Any]:
        own = {"multiselect": False, "options": self.options, "control_after_generate": self.control_after_generate}
        folder = {"image_folder": self.image_folder.value if self.image_folder else None}
        return super().as_dict() | pruned(own | folder | ({self.upload.value: True} if self.upload else {}))

    def problems(self) -> list[str]:
        wrong = super().problems()
        if not isinstance(self.options, list) or not self.options:
            wrong.append(f"{self.id}: a combo needs a list of options")
        elif self.default is not None and self.default not in self.options:
            wrong.append(f"{self.id}: the default '{self.default}' is not on its list")
        elif len(set(self.options)) != len(self.options):
            wrong.append(f"{self.id}: an option stands twice on its list")
        return wrong


class _MultiTypeInput(Input):
    def __init__(self, id, types, display_name=None, optional=False, tooltip=None, lazy=None, extra_dict=None):
        self.override = id if isinstance(id, WidgetInput) else None
        if self.override is not None:
            display_name, optional = self.override.display_name or display_name, self.override.optional or optional
            tooltip, id = self.override.tooltip or tooltip, self.override.id
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict)
        self.io_types = types

    def get_io_type(self) -> str:
        own = [self.override.get_io_type()] if self.override else []
        return ",".join(dict.fromkeys(own + [kind.io_type for kind in self.io_types]))

    def as_dict(self) -> dict[str, Any]:
        return (self.override.as_dict() if self.override else {}) | super().as_dict()


Boolean = comfytype("BOOLEAN", _BooleanInput)
Int = comfytype("INT", _IntInput)
Float = comfytype("FLOAT", _FloatInput)
String = comfytype("STRING", _StringInput)
Combo = comfytype("COMBO", _ComboInput)
Image = comfytype("IMAGE")
Mask = comfytype("MASK")
Latent = comfytype("LATENT")
Conditioning = comfytype("CONDITIONING")
Audio = comfytype("AUDIO")
Video = comfytype("VIDEO")
AnyType = comfytype("*")
MultiType = comfytype("COMFY_MULTITYPED_V3", _MultiTypeInput)


class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"
    api_key_comfy_org = "API_KEY_COMFY_ORG"


class HiddenHolder:
    def __init__(self, **values: Any):
        self.__dict__.update(values)

    def __getattr__(self, key: str) -> None:
        return None


@dataclass
class Schema:
    """The fields of 0.3.64, no more; `validate` is the host's, `check` is ours."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Any] | None = None
    outputs: list[Any] | None = None
    hidden: list[Hidden] | None = None
    description: str = ""
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False

    def finalize(self) -> None:
        if self.is_output_node:
            self.hidden = list(dict.fromkeys([*(self.hidden or []), Hidden.prompt, Hidden.extra_pnginfo]))
        for index, output in enumerate(self.outputs or []):
            output.id = output.id or f"_{index}_{output.io_type}_"

    def validate(self) -> None:
        ids = [[port.id for port in ports or []] for ports in (self.inputs, self.outputs)]
        twice = [name for group in ids for name, count in Counter(group).items() if count > 1]
        both = set(ids[0]) & set(ids[1])
        if twice or both:
            raise ValueError(f"{self.node_id}: ids stand twice: {twice or sorted(both)}")

    def check(self) -> None:
        wrong = [problem for port in self.inputs or [] for problem in port.problems()]
        for port in self.inputs or []:
            if not isinstance(port, Input):
                wrong.append(f"{port} is no input")
        for port in self.outputs or []:
            if not isinstance(port, Output):
                wrong.append(f"{port} is no output")
        if wrong:
            raise ValueError(f"{self.node_id}: " + "; ".join(wrong))

    def input(self, name: str) -> Any:
        return next((port for port in self.inputs or [] if port.id == name), None)


class _UIOutput(ABC):
    @abstractmethod
    def as_dict(self) -> dict[str, Any]: ...


class NodeOutput:
    def __init__(self, *args: Any, ui: Any = None, expand: Any = None, block_execution: str | None = None):
        self.args, self.ui, self.expand, self.block_execution = args, ui, expand, block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        return self.args or None


class ComfyNode:
    """Base of nodes. Everything is a classmethod; instances carry nothing."""

    hidden: HiddenHolder | None = None
    SCHEMA: Schema | None = None
    RELATIVE_PYTHON_MODULE: str | None = None

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def execute(cls, **kwargs: Any) -> NodeOutput:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        schema = cls.define_schema()
        schema.finalize()
        schema.validate()
        schema.check()
        cls._check_functions(schema)
        cls.SCHEMA = schema
        return schema

    @classmethod
    def GET_NODE_INFO_V1(cls) -> dict[str, Any]:
        schema = cls.GET_SCHEMA()
        inputs: dict[str, Any] = {"required": {}}
        for port in schema.inputs or []:
            own = inputs.setdefault("optional" if port.optional else "required", {})
            own[port.id] = (port.get_io_type(), port.as_dict())
        if schema.hidden:
            inputs["hidden"] = {entry.name: (entry.value,) for entry in schema.hidden}
        outputs = schema.outputs or []
        return {
            "input": inputs,
            "input_order": {key: list(value) for key, value in inputs.items()},
            "output": [port.io_type for port in outputs],
            "output_is_list": [port.is_output_list for port in outputs],
            "output_name": [port.display_name or port.io_type for port in outputs],
            "output_tooltips": [port.tooltip for port in outputs],
            "name": schema.node_id,
            "display_name": schema.display_name,
            "description": schema.description,
            "python_module": cls.RELATIVE_PYTHON_MODULE or "nodes",
            "category": schema.category,
            "output_node": schema.is_output_node,
            "deprecated": schema.is_deprecated,
            "experimental": schema.is_experimental,
            "api_node": schema.is_api_node,
        }

    @classmethod
    def _check_functions(cls, schema: Schema) -> None:
        required = {port.id for port in schema.inputs or [] if not port.optional}
        known = {port.id for port in schema.inputs or []}
        parameters = inspect.signature(cls.execute).parameters
        open_ended = any(entry.kind is entry.VAR_KEYWORD for entry in parameters.values())
        named = {name for name, entry in parameters.items() if entry.kind is not entry.VAR_KEYWORD}
        must = {name for name in named if parameters[name].default is inspect.Parameter.empty}
        if must - required:
            raise ValueError(f"{schema.node_id}: execute needs {sorted(must - required)}, which may be missing")
        if (named - known) or (known - named and not open_ended):
            raise ValueError(f"{schema.node_id}: execute takes {sorted(named)}, the schema has {sorted(known)}")
