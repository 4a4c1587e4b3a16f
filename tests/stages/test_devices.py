"""Every stage's models run where their weights lie and in their type: tensors that only claim an accelerator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from indextts2.stages.t2s.prefix import Phase, build_prefix, prefill
from tests.conftest import TINY, tiny_modules
from tests.stages.test_graphs import CLAIMED, on_an_accelerator, placed

DTYPES = [torch.float32, torch.float16, torch.bfloat16]

Work = Callable[[nn.Module, Callable[..., Tensor]], Tensor]
"""(model, maker of an input of a shape) -> the result."""


def semantic_features(encoder, given):
    return encoder(given(1, 20, TINY.semantic_encoder.input_dim), given(1, 20, dtype=torch.bool))


def quantised(codec, given):
    book = codec.codebook  # `quantize` without its check of the ids, which looks at the numbers
    tokens = book.search(book.project(codec.encode(given(1, 9, TINY.codec.dim))))
    assert tokens.device.type == CLAIMED.type and tokens.dtype is torch.int64
    return book.expand(book.codebook(tokens))


def style(encoder, given):
    return encoder(given(1, 60, TINY.style_encoder.bands))


def speaker_condition(t2s, given):
    return t2s.speaker_condition(given(1, 20, TINY.t2s.speaker.input_dim), given(1, 20, dtype=torch.bool))


def emotion_vector(t2s, given):
    return t2s.emotion_vector(given(1, 20, TINY.t2s.emotion.input_dim), given(1, 20, dtype=torch.bool))


def prefilled(t2s, given):
    condition = given(1, TINY.t2s.speaker.latents, TINY.t2s.dim)
    phases = (Phase(0, given(1, TINY.t2s.dim)),)
    return prefill(t2s, build_prefix(t2s, condition, phases, t2s.duration_slots(None), (5, 6, 7))).state


def flow(s2m, given):
    content, bands = TINY.s2m.semantic_dim, TINY.s2m.flow.bands
    features = s2m.project_latent(given(1, 6, TINY.s2m.latent_dim)) + given(1, 6, content)
    condition = s2m.regulate(features, [20])
    context = s2m.context(given(1, bands, 20), given(1, TINY.s2m.flow.style_dim), condition, guided=True)
    times = s2m.time_conditions(given(3))
    return s2m.velocity(given(1, bands, 20), times.at(1), context, guidance=0.7)


def sound(vocoder, given):
    return vocoder(given(1, TINY.vocoder.bands, 8))


WORKS: dict[str, tuple[str, Work]] = {
    "semantic features": ("semantic_encoder", semantic_features),
    "semantic tokens": ("codec", quantised),
    "style": ("style_encoder", style),
    "speaker condition": ("t2s", speaker_condition),
    "emotion vector": ("t2s", emotion_vector),
    "prefill": ("t2s", prefilled),
    "flow": ("s2m", flow),
    "vocoder": ("vocoder", sound),
}
"""A step of the chain -> the model and what is done with it."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WORKS)
def test_a_stage_mixes_neither_devices_nor_types(name, dtype):
    part, work = WORKS[name]
    model = tiny_modules()[part].eval()
    with FakeTensorMode() as fake, torch.no_grad():
        placed(fake, model, dtype)

        def given(*shape: int, dtype: torch.dtype = dtype) -> Tensor:
            return on_an_accelerator(fake, torch.empty(shape, dtype=dtype, device="meta"), dtype)

        result = work(model, given)
    assert result.device.type == CLAIMED.type and result.dtype is dtype
