"""What nodes that speak show of themselves: a player, their words over time, and the mel while it grows."""

from __future__ import annotations

import time
from typing import Any

from comfy_api.latest import io, ui
from PIL import Image
from torch import Tensor

from ..indextts2.contracts import SpokenWords, Waveform
from .host import services

PLAYER = "AUDIO_UI"
"""The host's own widget that plays what a node shows as audio."""

PICTURE_WIDTH = 768
PREVIEW_SECONDS = 0.25  # between two pictures of a growing mel


def player_input() -> Any:
    """The host's player on a node. It carries no value; where a host does not know it, nothing is shown."""
    return io.Custom(PLAYER).Input("player", optional=True, tooltip="Plays the speech of the last run.")


def heard(node: Any, audio: dict[str, Any], picture: Tensor, progress: services.HostProgress) -> dict[str, Any]:
    """What the host shows on a node that spoke: audio for its player, and a picture (height, width, 3) in [0, 1].

    The picture is also the last one of the run, which is then forgotten: a host that shows a preview, here a mel,
    before what a node returns would never show it, and one that shows both would show it twice.
    """
    progress.show(Image.fromarray((255 * picture).round().byte().cpu().numpy()), max(picture.shape[:2]))
    progress.forget_shown()
    image = services.on_intermediate(picture[None])
    return {**ui.PreviewAudio(audio, cls=node).as_dict(), **ui.PreviewImage(image, cls=node).as_dict()}


def speech_picture(waveform: Waveform, words: SpokenWords | None = None) -> Tensor:
    """The waveform with its words below."""
    from ..indextts2.plots.speech import draw_speech

    places = [(word.text, word.start, word.end) for word in words.words] if words is not None else []
    return draw_speech(waveform, places, width=PICTURE_WIDTH)


class GrowingMel:
    """Shows the mel on the node while semantic-to-mel makes it, as often as a user can see."""

    def __init__(self, progress: services.HostProgress) -> None:
        self.progress, self.shown_at = progress, 0.0

    def __call__(self, mel: Tensor) -> None:
        """mel: (bands, frames), as far as it is solved."""
        now = time.monotonic()
        if now - self.shown_at < PREVIEW_SECONDS:
            return
        self.shown_at = now
        from ..indextts2.plots.mel import quick_mel

        self.progress.show(quick_mel(mel, width=PICTURE_WIDTH // 2))
