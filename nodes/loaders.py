"""Nodes that load models. They read files only; the host moves the models when another node runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..indextts2.errors import CheckpointError
from ..indextts2.loading.find import MINI
from . import ports
from .bundle import ModelBundle, bundle_output
from .checkpoints import checkpoint_input, checkpoint_state, chosen, files_state, load_models
from .host import folders, services
from .ports import node_schema
from .widgets import choice, number

GROUP = "load"
NO_LORA = "none"


class LoadCheckpoint(io.ComfyNode):
    """Folder -> encoder, T2S, S2M, vocoder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "LoadCheckpoint",
            "Load Checkpoint",
            GROUP,
            "Load the four models of a checkpoint. 'mini' is built in and always works; put each other checkpoint "
            "in its own folder below models/indextts2. Nothing is downloaded.",
            inputs=[
                checkpoint_input(
                    "Checkpoint to load: 'mini' (built in, small, English), 'IndexTTS-2' or 'IndexTTS-2.5' (the "
                    "official ones; if one is missing, the node says how to get it), or a folder in models/indextts2."
                ),
                choice(
                    "precision",
                    services.PRECISIONS,
                    "Number format of the text-to-semantic model. auto: fp32, or fp16 on GPUs with less than "
                    "10 GB. The other models always compute in fp32.",
                    default="auto",
                ),
            ],
            outputs=[
                ports.Encoder.Output(display_name="encoder", tooltip="Turns recordings into references."),
                ports.T2S.Output(
                    display_name="t2s", tooltip="Text-to-semantic: decides the words, the delivery and the length."
                ),
                ports.S2M.Output(display_name="s2m", tooltip="Semantic-to-mel: gives the tokens the speaker's sound."),
                ports.Vocoder.Output(display_name="vocoder", tooltip="Turns mel spectrograms into audio."),
                io.String.Output(display_name="info", tooltip="What was loaded: name, layout, licence, missing parts."),
                bundle_output(),
            ],
            aliases=["tts", "text to speech", "index-tts", "load tts model"],
        )

    @classmethod
    def execute(cls, checkpoint: str, precision: str) -> io.NodeOutput:
        parts, opened = load_models(checkpoint, precision)
        return io.NodeOutput(*parts.values(), _info(opened), ModelBundle(**parts))

    @classmethod
    def fingerprint_inputs(cls, checkpoint: str, precision: str) -> str:
        return checkpoint_state(checkpoint)


class LoadTextToEmotion(io.ComfyNode):
    """Folder -> text-to-emotion model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "LoadTextToEmotion",
            "Load Text-to-Emotion",
            GROUP,
            "Load the small language model that reads an emotion from text: the one of a checkpoint, or a folder "
            "of its own below models/indextts2.",
            inputs=[
                choice(
                    "model",
                    list(text_to_emotion_folders()),
                    "Model to load: 'mini' (built in, English), the one inside a checkpoint, or a folder in "
                    "models/indextts2.",
                    default=MINI,
                ),
                choice(
                    "precision",
                    services.PRECISIONS,
                    "Number format of the model. auto: fp32, or fp16 on GPUs with less than 10 GB.",
                    default="auto",
                ),
            ],
            outputs=[ports.T2E.Output(display_name="t2e", tooltip="Reads eight emotion weights from text.")],
            aliases=["qwen emotion", "emotion from text", "tts emotion"],
        )

    @classmethod
    def execute(cls, model: str, precision: str) -> io.NodeOutput:
        from ..indextts2.loading.text_to_emotion import load_text_to_emotion

        folder = text_to_emotion_folder(model)
        loaded = load_text_to_emotion(folder, services.offload_device(), services.precision(precision))
        return io.NodeOutput(services.loaded_of(loaded, "text-to-emotion"))

    @classmethod
    def fingerprint_inputs(cls, model: str, precision: str) -> str:
        return files_state(text_to_emotion_folders(), model)


class LoadLora(io.ComfyNode):
    """T2S + LoRA file -> T2S."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "LoadLora",
            "Load LoRA",
            GROUP,
            "Apply a LoRA in peft's format, from models/indextts2/loras, to the text-to-semantic model. The input "
            "model is left unchanged; several LoRAs can be chained.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model to change."),
                choice(
                    "lora",
                    [NO_LORA, *folders.lora_files()],
                    "A file or peft folder of models/indextts2/loras; 'none' changes nothing.",
                    default=NO_LORA,
                ),
                number(
                    "strength",
                    1.0,
                    -2.0,
                    2.0,
                    0.05,
                    "Strength of the LoRA: 0 is none, 1 is as trained; below 0 it is subtracted.",
                ),
            ],
            outputs=[ports.T2S.Output(display_name="t2s", id="changed", tooltip="The changed text-to-semantic model.")],
            aliases=["tts lora", "fine-tune", "adapter"],
        )

    @classmethod
    def execute(cls, t2s: Any, lora: str, strength: float) -> io.NodeOutput:
        if lora == NO_LORA or strength == 0.0:
            return io.NodeOutput(t2s)
        return io.NodeOutput(with_lora(t2s, chosen(folders.lora_files(), lora, "LoRA"), strength))

    @classmethod
    def fingerprint_inputs(cls, lora: str, **unused: Any) -> str:
        return files_state(folders.lora_files(), lora)


def with_lora(t2s: services.Loaded[Any] | None, path: Path, strength: float) -> services.Loaded[Any]:
    """A T2S handle with a LoRA."""
    from ..indextts2.loading.lora import marked, read_lora

    handle = services.required(t2s)
    lora = read_lora(path, handle.models.model)
    return services.patched(handle, marked(handle.models, lora, strength), "model", lora.pairs, strength)


def text_to_emotion_folders() -> dict[str, Path | None]:
    """Name -> folder of every text-to-emotion model that can be chosen; the built-in one comes first."""
    from ..indextts2.loading.text_to_emotion import find_text_to_emotion

    candidates = {name: folder for name, folder in folders.checkpoints().items() if folder is not None}
    for root in folders.model_roots():
        candidates.update((place.name, place) for place in sorted(root.glob("*/")) if place not in candidates.values())
    found: dict[str, Path | None] = {MINI: None}
    for name, folder in candidates.items():
        try:
            found[name] = find_text_to_emotion(folder)
        except CheckpointError:
            continue
    return found


def text_to_emotion_folder(name: str) -> Path:
    """The folder of a text-to-emotion model chosen by name. Raises CheckpointError for a name that is not offered."""
    from ..indextts2.loading.find import mini_folder

    return chosen(text_to_emotion_folders(), name, "text-to-emotion model") or mini_folder()


def _info(opened: Any) -> str:
    """Report of a loaded checkpoint, in a few lines."""
    from ..indextts2.loading.download.message import with_files

    lines = {
        "checkpoint": f"{opened.config.name} {opened.config.version} ({opened.layout} layout)",
        "licence": opened.licence,
        "from the base": f"{', '.join(opened.from_base)}: {opened.base.folder}" if opened.base else "",
        "missing": ", ".join(with_files(opened.missing, opened.missing_files)),
        "fingerprints": json.dumps(
            {name: getattr(opened.fingerprints, name) for name in opened.fingerprints.__slots__}
        ),
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value)


NODES = (LoadCheckpoint, LoadTextToEmotion, LoadLora)
