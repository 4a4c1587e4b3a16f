"""Nodes that take a length from the host's pictures: a VIDEO, or a batch of IMAGEs."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.errors import InputError
from . import ports
from .duration import GROUP, method_input, target
from .ports import node_schema
from .widgets import number


def outputs() -> list[Any]:
    return [
        ports.Duration.Output(display_name="duration", tooltip="For Text to Semantic or Speak."),
        io.Float.Output(display_name="seconds", tooltip="The length asked for, in seconds."),
    ]


def fps_input() -> Any:
    return number("fps", 24.0, 0.1, 1000.0, 0.001, "Video frames per second.")


class DurationFromVideo(io.ComfyNode):
    """The length of a video -> duration."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "DurationFromVideo",
            "Duration from Video",
            GROUP,
            "Ask for the length of a video, such as that of Load Video. Its video frames are not decoded.",
            inputs=[io.Video.Input("video", tooltip="The video whose length is used."), method_input()],
            outputs=outputs(),
            aliases=["video length", "match video", "dubbing", "lip sync"],
        )

    @classmethod
    def execute(cls, video: Any, method: str) -> io.NodeOutput:
        seconds = float(video.get_duration())
        if not seconds > 0.0:
            raise InputError("The video has no length. Check that it holds pictures.")
        return io.NodeOutput(target("seconds", seconds, method), seconds)


class DurationFromImages(io.ComfyNode):
    """A batch of pictures and their rate -> duration."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "DurationFromImages",
            "Duration from Images",
            GROUP,
            "Ask for the length of an image batch shown as a video: the number of images divided by the frame rate.",
            inputs=[io.Image.Input("images", tooltip="The images of the video."), fps_input(), method_input()],
            outputs=outputs(),
            aliases=["image batch length", "frames to seconds", "match video"],
        )

    @classmethod
    def execute(cls, images: Any, fps: float, method: str) -> io.NodeOutput:
        seconds = images.shape[0] / fps
        return io.NodeOutput(target("seconds", seconds, method), float(seconds))


NODES = (DurationFromVideo, DurationFromImages)
