"""Stand-ins for the host's picture, video and joining nodes, which only the example graphs use."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from tests.host.host_nodes import node


class Video(dict):
    """What travels on a VIDEO port."""

    def get_duration(self) -> float:
        return self["images"].shape[0] / self["fps"]


@node("EmptyImage", [io.Int.Input("width", default=512, min=1, max=16384, step=1),
                     io.Int.Input("height", default=512, min=1, max=16384, step=1),
                     io.Int.Input("batch_size", default=1, min=1, max=4096, step=1),
                     io.Int.Input("color", default=0, min=0, max=0xFFFFFF, step=1)], [io.Image.Output()])  # fmt: skip
def EmptyImage(width: int, height: int, batch_size: int, color: int) -> io.NodeOutput:
    channels = torch.tensor([color >> 16 & 255, color >> 8 & 255, color & 255]) / 255.0
    return io.NodeOutput(channels.expand(batch_size, height, width, 3).clone())


@node("GetImageSize", [io.Image.Input("image")], [io.Int.Output(), io.Int.Output(), io.Int.Output()])
def GetImageSize(image: Any) -> io.NodeOutput:
    return io.NodeOutput(int(image.shape[2]), int(image.shape[1]), int(image.shape[0]))


@node("PrimitiveFloat", [io.Float.Input("value", default=0.0, min=-1e9, max=1e9, step=0.1)], [io.Float.Output()])
def PrimitiveFloat(value: float) -> io.NodeOutput:
    return io.NodeOutput(float(value))


@node("CreateVideo", [io.Image.Input("images"), io.Float.Input("fps", default=30.0, min=1.0, max=120.0, step=1.0),
                      io.Audio.Input("audio", optional=True)], [io.Video.Output()])  # fmt: skip
def CreateVideo(images: Any, fps: float, audio: Any = None) -> io.NodeOutput:
    return io.NodeOutput(Video(images=images, fps=fps, audio=audio))


@node("GetVideoComponents", [io.Video.Input("video")], [io.Image.Output(), io.Audio.Output(), io.Float.Output()])
def GetVideoComponents(video: Any) -> io.NodeOutput:
    silence = {"waveform": torch.zeros(1, 1, 1), "sample_rate": 44_100}  # the host gives None here
    return io.NodeOutput(video["images"], video["audio"] or silence, float(video["fps"]))


@node("SaveVideo", [io.Video.Input("video"), io.String.Input("filename_prefix", default="video/ComfyUI"),
                    io.Combo.Input("format", options=["auto", "mp4"], default="auto"),
                    io.Combo.Input("codec", options=["auto", "h264"], default="auto")], [], shows=True)  # fmt: skip
def SaveVideo(video: Any, filename_prefix: str, format: str, codec: str) -> io.NodeOutput:
    return io.NodeOutput(ui={"video": (video,)})


@node("AudioConcat", [io.Audio.Input("audio1"), io.Audio.Input("audio2"),
                      io.Combo.Input("direction", options=["after", "before"], default="after")],
      [io.Audio.Output()])  # fmt: skip
def AudioConcat(audio1: Any, audio2: Any, direction: str) -> io.NodeOutput:
    parts = [audio1["waveform"], audio2["waveform"]]
    joined = torch.cat(parts if direction == "after" else parts[::-1], dim=-1)
    return io.NodeOutput({"waveform": joined, "sample_rate": audio1["sample_rate"]})


EXTRA = {
    made.GET_SCHEMA().node_id: made
    for made in (EmptyImage, GetImageSize, PrimitiveFloat, CreateVideo, GetVideoComponents, SaveVideo, AudioConcat)
}
