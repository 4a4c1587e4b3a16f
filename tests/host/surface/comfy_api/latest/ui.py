"""Stand-in for comfy_api.latest.ui: what a node may show. Files are written to the host's folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
import torch

from .io import FolderType, _UIOutput


class SavedResult(dict):
    def __init__(self, filename: str, subfolder: str, type: FolderType):
        super().__init__(filename=filename, subfolder=subfolder, type=type.value)


class SavedImages(_UIOutput):
    def __init__(self, results: list[SavedResult], is_animated: bool = False):
        self.results, self.is_animated = results, is_animated

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.results} | ({"animated": (True,)} if self.is_animated else {})


class SavedAudios(_UIOutput):
    def __init__(self, results: list[SavedResult]):
        self.results = results

    def as_dict(self) -> dict[str, Any]:
        return {"audio": self.results}


def check_image(image: Any) -> None:
    assert isinstance(image, torch.Tensor) and image.dim() == 4, "IMAGE is a tensor (batch, height, width, channels)"
    assert image.dtype == torch.float32 and image.shape[-1] in (3, 4), "IMAGE is float32 with 3 or 4 channels"
    assert image.min() >= 0.0 and image.max() <= 1.0, "IMAGE lies in 0..1"


def check_audio(audio: Any) -> None:
    assert set(audio) >= {"waveform", "sample_rate"}, "AUDIO has waveform and sample_rate"
    waveform = audio["waveform"]
    assert isinstance(waveform, torch.Tensor) and waveform.dim() == 3 and waveform.dtype == torch.float32
    assert isinstance(audio["sample_rate"], int) and bool(torch.isfinite(waveform).all())


class PreviewImage(_UIOutput):
    def __init__(self, image: torch.Tensor, animated: bool = False, cls: Any = None, **kwargs: Any):
        from PIL import Image

        check_image(image)
        folder = Path(folder_paths.get_temp_directory())
        folder.mkdir(parents=True, exist_ok=True)
        self.values = []
        for row in image:
            name = f"ComfyUI_temp_{len(list(folder.iterdir())):05}_.png"
            Image.fromarray((255.0 * row.cpu()).clamp(0, 255).to(torch.uint8).numpy()).save(folder / name)
            self.values.append(SavedResult(name, "", FolderType.temp))
        self.animated = animated

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (self.animated,)}


class PreviewAudio(_UIOutput):
    def __init__(self, audio: dict[str, Any], cls: Any = None, **kwargs: Any):
        import soundfile

        check_audio(audio)
        folder = Path(folder_paths.get_temp_directory())
        folder.mkdir(parents=True, exist_ok=True)
        self.values = []
        for row in audio["waveform"]:
            name = f"ComfyUI_temp_{len(list(folder.iterdir())):05}_.flac"
            soundfile.write(folder / name, row.cpu().T.numpy(), audio["sample_rate"])
            self.values.append(SavedResult(name, "", FolderType.temp))

    def as_dict(self) -> dict[str, Any]:
        return {"audio": self.values}


class PreviewText(_UIOutput):
    def __init__(self, value: str, **kwargs: Any):
        assert isinstance(value, str)
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        return {"text": (self.value,)}
