"""Settings given from Python: every dataclass of settings names a value of the wrong kind where it is given."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from pathlib import Path

import numpy as np
import pytest
import torch

import indextts2
from indextts2.checks import check_fields, check_whole
from indextts2.contracts import Duration, Emotion, EmotionWeights, Keyframe, MelSpectrogram, SemanticSpeech, Waveform
from indextts2.errors import IndexTTS2Error, InputError

ROOT = Path(indextts2.__file__).parent
ENDINGS = ("Settings", "Policy", "MemoryCase", "EmotionRequest", "Duration", "EmotionWeights")
NAN, INFINITE = float("nan"), float("inf")
HOSTILE = {
    int: (
        NAN,
        INFINITE,
        True,
        2**70,
        -(2**70),
        1.5,
        "5",
        None,
        [1],
        torch.tensor(1),
        np.bool_(True),
        np.float64("nan"),
    ),
    float: (NAN, INFINITE, -INFINITE, True, 2**70, 10**400, "5", None, [1.0], torch.tensor(1.0), np.float32("nan"), 1j),
    bool: (0, 1, "yes", None, 1.0, [], torch.tensor(True)),
    str: (5, None, True, b"beam", ["beam"], object()),
}


def settings_classes() -> dict[str, type]:
    """Every dataclass of settings in the library, by its name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "class " not in (text := path.read_text(encoding="utf-8")) or not any(name in text for name in ENDINGS):
            continue
        module = importlib.import_module(".".join(("indextts2", *path.relative_to(ROOT).with_suffix("").parts)))
        for name, kind in vars(module).items():
            if name.endswith(ENDINGS) and dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__:
                found[name] = kind
    return found


NEEDED = {"LoopSettings": {"max_steps": 1}, "EmotionWeights": {"values": (0.0,) * 8}, "Duration": {}}
CASES = [
    (name, field, hint, value)
    for name, kind in settings_classes().items()
    for field, hint in typing.get_type_hints(kind).items()
    for value in HOSTILE.get(hint, ())
]


def test_the_walk_finds_the_settings_of_every_part():
    assert {"SamplingSettings", "FlowSettings", "CleanSettings", "JobSettings", "LoopSettings"} <= set(
        settings_classes()
    )


@pytest.mark.parametrize("name", settings_classes())
def test_settings_refuse_values_of_another_kind_by_their_name(name):
    kind = settings_classes()[name]
    kind(**NEEDED.get(name, {}))
    tried = [(field, hint, value) for owner, field, hint, value in CASES if owner == name]
    for field, hint, value in tried:
        if isinstance(value, np.bool_) and hint is bool:
            continue
        with pytest.raises(IndexTTS2Error) as caught:
            kind(**{**NEEDED.get(name, {}), field: value})
        assert field in str(caught.value) and len(str(caught.value)) < 300, (field, value, str(caught.value))
    for field, hint in typing.get_type_hints(kind).items():
        for value in (NAN, "x", b"x", object()):
            if typing.get_origin(hint) is tuple or dataclasses.is_dataclass(hint):
                with pytest.raises(IndexTTS2Error):
                    kind(**{**NEEDED.get(name, {}), field: value})


def test_scalars_of_numpy_become_numbers_of_python():
    from indextts2.sampling import SamplingSettings

    made = SamplingSettings(beams=np.int64(2), temperature=np.float32(0.5), official_logits=np.bool_(True))
    assert [type(value) for value in (made.beams, made.temperature, made.official_logits)] == [int, float, bool]
    assert made == SamplingSettings(beams=2, temperature=0.5, official_logits=True)
    assert [type(value) for value in EmotionWeights.of(happy=np.float32(0.5)).values] == [float] * 8
    assert Duration("tokens", np.int64(5)) == Duration("tokens", 5)
    assert type(check_whole("seed", np.uint8(3))) is int


def test_a_number_is_kept_as_it_was_given():
    assert type(Duration("seconds", 2).value) is int and type(Duration("seconds", 2.0).value) is float


def test_tuples_and_mappings_are_checked_inside():
    @dataclasses.dataclass(frozen=True)
    class Example:
        pair: tuple[float, float] = (0.0, 1.0)
        names: tuple[str, ...] = ()
        seeds: typing.Mapping[str, int] = dataclasses.field(default_factory=dict)
        perhaps: float | None = None

    hints = typing.get_type_hints(Example, localns=locals())
    assert set(hints) == {"pair", "names", "seeds", "perhaps"}
    from indextts2.checks import _hints

    _hints.cache_clear()
    for values in (
        {"pair": (1.0,)}, {"pair": (1.0, NAN)}, {"pair": [0.0, 1.0]}, {"names": ("a", 5)}, {"names": "abc"},
        {"seeds": {"a": 1.5}}, {"seeds": [("a", 1)]}, {"perhaps": "x"}, {"perhaps": INFINITE},
    ):  # fmt: skip
        made = Example(**values)
        with pytest.raises(InputError, match=next(iter(values))):
            _check_local(made, hints)
    _check_local(Example((0, 1), ("a",), {"a": 1}, 2.0), hints)


def _check_local(made, hints):
    """`check_fields` for a class inside a function, whose hints cannot be looked up by name."""
    from indextts2 import checks

    original = checks._hints
    checks._hints = lambda kind: hints
    try:
        check_fields(made)
    finally:
        checks._hints = original


@pytest.mark.parametrize("seed", [NAN, True, 2**70, "5", 1.0, None, torch.tensor(1)])
def test_a_seed_is_a_whole_number(seed):
    from indextts2.sampling import row_seed
    from indextts2.stages.ode import row_noise

    with pytest.raises(InputError, match="seed should be a whole number"):
        row_seed(seed, 0, 0)
    with pytest.raises(InputError, match="seed should be a whole number"):
        row_noise(seed, 0, 4, 2)


@pytest.mark.parametrize("given", [torch.tensor(0.5), 0.5, None, "x", np.zeros((1, 1, 5))], ids=str)
def test_contracts_refuse_what_is_no_tensor_of_their_shape(given):
    vector, whole = torch.zeros(1, 4), torch.ones(1, dtype=torch.int64)
    makers = [
        lambda: Waveform(given, 24_000),
        lambda: Keyframe(given, vector) if given is not None and not isinstance(given, float) else Keyframe(0.0, given),
        lambda: Emotion(given),
        lambda: SemanticSpeech(given, whole, None, whole, whole, (0.0,)),
        lambda: SemanticSpeech(torch.ones(1, 1, dtype=torch.int64), given, None, whole, whole, (0.0,)),
        lambda: MelSpectrogram(given, whole, whole, (0.0,), 24_000, 256),
        lambda: MelSpectrogram(torch.zeros(1, 2, 3), given, whole, (0.0,), 24_000, 256),
    ]
    for make in makers:
        with pytest.raises(InputError):
            make()


@pytest.mark.parametrize("rate", [0, -1, NAN, "24000", True, 2**70, 24_000.5])
def test_a_sample_rate_is_a_positive_whole_number(rate):
    with pytest.raises(InputError, match="rate"):
        Waveform(torch.zeros(1, 1, 5), rate)
