"""The host's own nodes that graphs of this pack use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
import torch
from comfy_api.latest import io, ui


def node(name: str, inputs: list[Any], outputs: list[Any], *, shows: bool = False) -> Any:
    """A decorator: a function of the inputs becomes a node of that name."""

    def made(function: Any) -> Any:
        def define_schema(cls: Any) -> io.Schema:
            return io.Schema(node_id=name, category="host", inputs=inputs, outputs=outputs, is_output_node=shows)

        members = {"define_schema": classmethod(define_schema), "execute": staticmethod(function)}
        return type(name, (io.ComfyNode,), members)

    return made


def files() -> list[str]:
    folder = Path(folder_paths.get_input_directory() or ".")
    return sorted(path.name for path in folder.iterdir() if path.is_file()) or [""] if folder.is_dir() else [""]


class LoadAudio(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [io.Combo.Input("audio", options=files(), upload=io.UploadType.audio)]
        return io.Schema(node_id="LoadAudio", category="audio", inputs=inputs, outputs=[io.Audio.Output()])

    @classmethod
    def execute(cls, audio: str) -> io.NodeOutput:
        import soundfile

        samples, rate = soundfile.read(folder_paths.get_annotated_filepath(audio), dtype="float32", always_2d=True)
        return io.NodeOutput({"waveform": torch.from_numpy(samples.T.copy())[None], "sample_rate": rate})


@node("TestAudio", [io.Float.Input("seconds", default=1.0, min=0.0, max=60.0, step=0.1),
                    io.Int.Input("seed", optional=True, default=0, min=0, max=99, step=1),
                    io.Int.Input("rate", optional=True, default=24_000, min=8_000, max=96_000, step=1),
                    io.Int.Input("channels", optional=True, default=1, min=1, max=8, step=1)], [io.Audio.Output()])  # fmt: skip  # noqa: E501
def TestAudio(seconds: float, seed: int = 0, rate: int = 24_000, channels: int = 1) -> io.NodeOutput:
    """Noise instead of a recording."""
    noise = torch.randn(1, channels, round(seconds * rate), generator=torch.Generator().manual_seed(seed))
    return io.NodeOutput({"waveform": (0.1 * noise).clamp(-1, 1), "sample_rate": rate})


@node("PreviewAny", [io.AnyType.Input("source")], [], shows=True)
def PreviewAny(source: Any) -> io.NodeOutput:
    return io.NodeOutput(ui={"text": (str(source),)})


@node("PreviewAudio", [io.Audio.Input("audio")], [], shows=True)
def PreviewAudio(audio: Any) -> io.NodeOutput:
    return io.NodeOutput(ui=ui.PreviewAudio(audio))


@node(
    "SaveAudio", [io.Audio.Input("audio"), io.String.Input("filename_prefix", default="audio/ComfyUI")], [], shows=True
)
def SaveAudio(audio: Any, filename_prefix: str) -> io.NodeOutput:
    import soundfile

    ui.check_audio(audio)
    output = folder_paths.get_output_directory()
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(filename_prefix, output)
    saved = []
    for row, samples in enumerate(audio["waveform"]):
        file = f"{name}_{counter + row:05}_.flac"
        soundfile.write(Path(folder) / file, samples.cpu().T.numpy(), audio["sample_rate"])
        saved.append(ui.SavedResult(file, subfolder, io.FolderType.output))
    return io.NodeOutput(ui=ui.SavedAudios(saved))


@node("PreviewImage", [io.Image.Input("images")], [], shows=True)
def PreviewImage(images: Any) -> io.NodeOutput:
    return io.NodeOutput(ui=ui.PreviewImage(images))


HOST_NODES: dict[str, Any] = {
    made.GET_SCHEMA().node_id: made for made in (TestAudio, PreviewAny, PreviewAudio, SaveAudio, PreviewImage)
}
HOST_NODES["LoadAudio"] = LoadAudio
