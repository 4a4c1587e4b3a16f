"""Peak memory of a stage: the sizes of all tensors that are alive at its highest moment, counted.

Large products may be left out while counting: their results have the right shape and all the same number, so that the
released sizes are counted in seconds on any machine. What a library needs inside a single operation is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from ..checks import check_fields
from ..contracts import Duration, PreparedText, Waveform
from ..loading.parts import GROUPS
from ..stages.conditions import condition_speaker
from ..stages.handles import SpeechModels, modules_of
from ..stages.mel_to_audio import mel_to_audio
from ..stages.prepare_text import prepare_text
from ..stages.reference import encode_reference
from ..stages.semantic_to_mel import FlowSettings, semantic_to_mel
from ..stages.t2s.text_to_semantic import text_to_semantic

FILL = 0.01  # what products that are left out come to; zero would be divided by in norms
_ATEN = torch.ops.aten
PRODUCTS = {
    getattr(_ATEN, name)
    for name in (
        "mm",
        "addmm",
        "bmm",
        "baddbmm",
        "matmul",
        "linear",
        "convolution",
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
    )
}
"""Operations whose results are left out when only sizes are wanted, beside the unpacking of eight-bit weights."""


class TensorPeak(TorchDispatchMode):
    """Counts the bytes of the tensors made inside it, and how many were alive at most (`peak`).

    known: modules whose weights were there before and do not count. leave_out_products: see the top of the file.
    """

    def __init__(self, known: Iterable[nn.Module] = (), *, leave_out_products: bool = False) -> None:
        super().__init__()
        weights = (value for module in known for value in module.state_dict().values())
        self._seen: dict[int, Any] = {value.untyped_storage()._cdata: None for value in weights}
        self._leave_out = leave_out_products
        self._shapes: dict[Any, Any] = {}
        self.alive = self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        leave_out = self._leave_out and (func.overloadpacket in PRODUCTS or _unpacks(func, args))
        result = _filled(func, args, kwargs, self._shapes) if leave_out else func(*args, **kwargs)
        for value in tree_leaves(result):
            if isinstance(value, Tensor) and value.device.type != "meta":
                self._count(value)
        return result

    def _count(self, value: Tensor) -> None:
        storage = value.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self.alive += size
        self.peak = max(self.peak, self.alive)

        def forget(_: object) -> None:
            self._seen.pop(key, None)
            self.alive -= size

        self._seen[key] = weakref.ref(storage, forget)


def _unpacks(func: Any, args: tuple[Any, ...]) -> bool:
    return func.overloadpacket is _ATEN._to_copy and args[0].dtype is torch.int8


def _filled(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], known: dict[Any, Any]) -> Any:
    """The result of an operation, with FILL for every number. known: shapes found before, by what was asked."""
    leaves = tree_leaves((args, kwargs))
    device = next(value.device for value in leaves if isinstance(value, Tensor))
    asked = (func, *(_kind(value) for value in leaves))

    def without_numbers(value: Any) -> Any:
        return value.to("meta") if isinstance(value, Tensor) else value

    def fill(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        count = value.untyped_storage().nbytes() // max(value.element_size(), 1)
        flat = torch.full((count,), FILL, dtype=value.dtype, device=device)
        return flat.as_strided(value.shape, value.stride())

    if asked not in known:
        known[asked] = func(*tree_map(without_numbers, args), **tree_map(without_numbers, dict(kwargs)))
    return tree_map(fill, known[asked])


def _kind(value: Any) -> Any:
    return (value.shape, value.stride(), value.dtype) if isinstance(value, Tensor) else repr(value)


@dataclass(frozen=True, slots=True)
class MemoryCase:
    """The speech that memory is counted for: one segment, from a reference of the longest length that is used."""

    text: str = "The quick brown fox jumps over the lazy dog, and nobody in the quiet garden seems to mind."
    reference_seconds: float = 15.0
    seconds: float = 10.0
    sample_rate: int = 24_000

    def __post_init__(self) -> None:
        check_fields(self, reference_seconds=(0.1, 3_600), seconds=(0.1, 3_600), sample_rate=(1_000, 384_000))


@dataclass(frozen=True, slots=True)
class PartMemory:
    """Bytes of a part's weights, and the most that its stage holds beside them."""

    part: str
    weights: int
    work: int

    @property
    def total(self) -> int:
        """Bytes a device needs while this part alone is on it."""
        return self.weights + self.work


def weight_bytes(models: SpeechModels) -> dict[str, int]:
    """Bytes of the tensors of each loaded model."""
    return {name: sum(map(bytes_of, group)) for name, group in modules_of(models).items()}


def bytes_of(module: nn.Module) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(value.nbytes for value in module.state_dict().values())


def memory_of(models: SpeechModels, case: MemoryCase | None = None) -> tuple[PartMemory, ...]:
    """Weights and work of every part, in the order they run. Products are left out; what comes out is no speech."""
    case = case or MemoryCase()
    known = [module for group in modules_of(models).values() for module in group]
    work: dict[str, int] = dict.fromkeys(GROUPS, 0)

    def counted(part: str, job: Callable[[], Any]) -> Any:
        with torch.no_grad(), TensorPeak(known, leave_out_products=True) as peak:
            result = job()
        work[part] = max(work[part], peak.peak)
        return result

    samples = torch.zeros(1, 1, round(case.reference_seconds * case.sample_rate))
    samples[..., ::2] = 0.1  # silence would be refused
    text: PreparedText = prepare_text(models.t2s.front_end, case.text)
    text = replace(text, segments=text.segments[:1])
    duration = Duration("seconds", case.seconds, method="forced")
    t2s = replace(models.t2s, pace=None)  # of the size that is asked, however unnatural
    flow = FlowSettings(steps=1)  # every step works in the same memory
    reference = counted("encoder", lambda: encode_reference(models.encoder, Waveform(samples, case.sample_rate)))
    speaker = counted("t2s", lambda: condition_speaker(models.t2s, reference))
    semantic = counted("t2s", lambda: text_to_semantic(t2s, text, speaker, duration=duration))
    mel = counted("s2m", lambda: semantic_to_mel(models.s2m, semantic, speaker, flow=flow))
    counted("vocoder", lambda: mel_to_audio(models.vocoder, mel))
    weights = weight_bytes(models)
    return tuple(PartMemory(part, weights[part], work[part]) for part in GROUPS)
