"""Targets that are files and folders: weights, saved values, audio, checkpoints, adapters, what a job left behind."""

from __future__ import annotations

import atexit
import io
import json
import os
import random
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .mutations import NAMES, mutated, mutated_bytes, mutated_tree
from .texts import damaged_json


@lru_cache(maxsize=1)
def saved_speaker() -> bytes:
    import torch

    from indextts2.contracts import Emotion, Keyframe
    from indextts2.values.files import save_value

    vector = torch.ones(1, 4)
    emotion = Emotion(vector, (Keyframe(0.0, vector), Keyframe(0.5, 2 * vector)), vector, "linear", "x")
    with tempfile.TemporaryDirectory() as folder:
        return save_value(Path(folder) / "emotion.safetensors", emotion).read_bytes()


def attack_saved_value(dice: random.Random, folder: Path) -> object:
    from indextts2.values.files import file_info, load_value

    path = folder / "value.safetensors"
    path.write_bytes(mutated_bytes(saved_speaker(), dice))
    file_info(path)
    return load_value(path, "emotion")


def attack_weights(dice: random.Random, folder: Path) -> object:
    import torch
    from safetensors.torch import save

    from indextts2.loading.tensors import read_section

    tensors = {"a.weight": torch.ones(3, 2), "b": torch.zeros(4)}
    if dice.random() < 0.5:
        data, name = save(tensors, {"format": "pt"}), "w.safetensors"
    else:
        stream = io.BytesIO()
        torch.save({"model": tensors, "step": 3}, stream, _use_new_zipfile_serialization=dice.random() < 0.5)
        data, name = stream.getvalue(), "w.pth"
    (folder / name).write_bytes(mutated_bytes(data, dice))
    return read_section(folder / name, ("model",))


def attack_audio(dice: random.Random, folder: Path) -> object:
    import soundfile

    from indextts2.audio.io import read_audio

    kind = dice.choice(("WAV", "FLAC", "OGG", "AIFF", "MP3"))
    samples = np.sin(np.arange(4_000) * dice.random()).astype(np.float32) * 0.5
    stream = io.BytesIO()
    soundfile.write(stream, samples, 24_000, format=kind)
    (folder / "a.audio").write_bytes(mutated_bytes(stream.getvalue(), dice))
    return read_audio(folder / "a.audio")


def attack_lora_settings(dice: random.Random, folder: Path) -> object:
    import torch
    from safetensors.torch import save_file

    from indextts2.loading.lora import read_lora

    save_file(
        {"0.lora_A.weight": torch.ones(2, 3), "0.lora_B.weight": torch.ones(4, 2)}, folder / "adapter_model.safetensors"
    )
    text = json.dumps({"lora_alpha": 8, "r": 2, "use_rslora": False, "alpha_pattern": {"0": 4}})
    (folder / "adapter_config.json").write_text(mutated(text, dice), encoding="utf-8", errors="surrogatepass")
    return read_lora(folder, torch.nn.Sequential(torch.nn.Linear(3, 4)))


# ---- what lies beside a checkpoint ----------------------------------------------------------------------------------


def attack_presets(dice: random.Random, folder: Path) -> object:
    from indextts2.runtime.presets import emotion_presets
    from indextts2.stages.emotion.presets import PRESETS, nearest_preset, read_presets, with_preset

    tree = {"mine": {"happy": 0.3, "sad": 0.2}, "awe": {"calm": 1}}
    text = damaged_json(tree, dice)
    (folder / "emotions").mkdir()
    (folder / "emotions" / "own.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    found = emotion_presets([folder])
    if not set(PRESETS) <= set(found):
        raise RuntimeError("a preset of the library is gone")
    for weights in found.values():
        nearest_preset(weights, found)
    if dice.random() < 0.5:
        found = read_presets(mutated_tree(tree, dice))
    return [with_preset(PRESETS["awe"], name, dice.random(), found) for name in found]


def attack_pace(dice: random.Random, folder: Path) -> object:
    from indextts2.loading.pace import read_pace
    from indextts2.text.pace import RATES

    tree = {"seconds": dict.fromkeys(RATES, 0.1), "median_error": 0.05, "measured": {"texts": 4}}
    (folder / "pace.json").write_text(damaged_json(tree, dice), encoding="utf-8", errors="surrogatepass")
    return read_pace(folder / "pace.json").describe()


@lru_cache(maxsize=1)
def tiny_folders() -> tuple[Path, Path]:
    """Tiny checkpoints in the layouts of both releases, kept while the process lives."""
    from tools.tiny_checkpoint import write

    root = Path(tempfile.mkdtemp(prefix="attack"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for kind in ("2.0", "2.5"):
        write(root / kind, kind)
    return root / "2.0", root / "2.5"


def attack_checkpoint(dice: random.Random, folder: Path) -> object:
    """One file of a checkpoint is damaged, called otherwise, or gone; the others are links."""
    from indextts2.loading.checkpoint import load_front_end, load_t2s, open_checkpoint
    from indextts2.loading.describe import describe

    source = dice.choice(tiny_folders())
    place = folder / "checkpoint"
    shutil.copytree(source, place, symlinks=True, copy_function=os.symlink)
    path = dice.choice(sorted(path for path in place.rglob("*") if path.is_file()))
    content = path.read_bytes()
    path.unlink()
    if path.suffix == ".yaml":
        path.write_text(mutated(content.decode("utf-8"), dice), encoding="utf-8", errors="surrogatepass")
    elif dice.random() < 0.8:
        start = content[:4096] if dice.random() < 0.5 else content[-4096:]  # where headers and directories stand
        changed = mutated_bytes(start, dice)
        path.write_bytes(changed + content[4096:] if start == content[:4096] else content[:-4096] + changed)
    checkpoint = open_checkpoint(place)
    describe(checkpoint)
    return dice.choice((load_front_end, load_t2s))(checkpoint)


def attack_lora_weights(dice: random.Random, folder: Path) -> object:
    import torch
    from safetensors.torch import save

    from indextts2.loading.lora import read_lora

    shapes = {"0.lora_A.weight": (2, 3), "0.lora_B.weight": (4, 2)}
    dtypes = (torch.float32, torch.float16, torch.int64, torch.bool, torch.complex64, torch.float64)
    tensors = {}
    for name, shape in shapes.items():
        key = dice.choice((name, "base_model.model." + name, name.upper(), "1" + name[1:], "x" * 300))
        size = dice.choice((shape, shape, shape[::-1], (), (0, 3), shape + (1,)))
        tensors[key] = torch.full(size, dice.choice((1, 0)), dtype=dice.choice(dtypes))
    content = save(tensors, {"lora_alpha": dice.choice(("8", "nan", "", "9" * 400)), "rank": "²"})
    (folder / "lora.safetensors").write_bytes(content if dice.random() < 0.5 else mutated_bytes(content, dice))
    model = torch.nn.Sequential(torch.nn.Linear(3, 4))
    return read_lora(folder / "lora.safetensors", model)


# ---- what a job left behind -----------------------------------------------------------------------------------------


def damaged_metadata(content: bytes, name: str, dice: random.Random) -> bytes:
    """A safetensors file whose JSON in the metadata, or whose bytes, are damaged."""
    from safetensors import safe_open
    from safetensors.torch import load, save

    if dice.random() < 0.4:
        return mutated_bytes(content, dice)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        path.write_bytes(content)
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata())
    metadata[name] = damaged_json(json.loads(metadata[name]), dice).encode("utf-8", "backslashreplace").decode("utf-8")
    tensors = load(content)
    if dice.random() < 0.3:
        key = dice.choice(list(tensors))
        value = tensors.pop(key)
        changed = (value[..., :-1], value[None], value.double(), value.new_zeros(()), value + float("nan"), value.int())
        tensors[key if dice.random() < 0.8 else "other"] = dice.choice(changed)
    return save({key: value.contiguous() for key, value in tensors.items()}, metadata)


def attack_finished_line(dice: random.Random, folder: Path) -> object:
    """What is read back is whole: it can be mixed, reported and written."""
    import torch

    from indextts2.contracts import SpokenWord
    from indextts2.script.line import LineReport, SpokenLine
    from indextts2.script.mix import MixSettings, mix
    from indextts2.script.model import Line, Script
    from indextts2.script.report import describe, script_report
    from indextts2.script.store import LineStore
    from indextts2.script.take_scores import TakeScore
    from indextts2.script.words import timeline_words

    score, words = TakeScore(0, 5, 9, True, 0.0, 0.1), (SpokenWord("Hello.", 10, 400),)
    report = LineReport("spoken", "free", None, 500, 22_050, takes=(score,), words=words)
    store = LineStore(folder)
    store.put("key", SpokenLine(torch.rand(500) - 0.5, torch.ones(9, dtype=torch.int64), report))
    path = folder / "key.safetensors"
    path.write_bytes(damaged_metadata(path.read_bytes(), "report", dice))
    found = store.get("key")
    if found is None:
        return None
    script = Script((Line("Hello."),))
    timeline = mix(script, [found], 22_050, MixSettings())
    json.dumps(script_report(script, [found], timeline), allow_nan=False)
    return describe(script, [found], timeline), timeline_words(script, [found], timeline)


def attack_takes_file(dice: random.Random, folder: Path) -> object:
    from indextts2.script.accepted import TakesFile
    from indextts2.script.model import Line
    from indextts2.script.store import LineStore

    one = {
        "line": 1,
        "speaker": "Anna",
        "text": "Hello.",
        "before": 0,
        "retakes": 1,
        "accepted": "a" * 64,
        "pending": True,
    }
    path, lines = folder / "out" / "takes.json", [Line("Hello.", speaker="Anna"), Line("So.")]
    path.parent.mkdir()
    tree = {"format": 1, "lines": [one, {**one, "text": "So.", "speaker": "", "accepted": dice.choice(NAMES)}]}
    path.write_text(damaged_json(tree, dice), encoding="utf-8", errors="surrogatepass")
    decided = TakesFile.open(path, lines)
    store = LineStore(folder / "out" / "finished")
    for state in decided.states:
        if state.accepted and not store._path(state.accepted).resolve().is_relative_to(folder.resolve() / "out"):
            raise RuntimeError(f"{state.accepted!r} leads out of the folder")
    decided.kept(store)
    decided.retake(decided.numbers(dice.choice(("1", "rest", "1-2"))))
    seeds = decided.seeds(dice.randrange(2**64))
    decided.save()
    return seeds


@lru_cache(maxsize=1)
def tiny_t2s() -> Any:
    from indextts2.loading.checkpoint import load_t2s, open_checkpoint

    return load_t2s(open_checkpoint(tiny_folders()[0]))


@lru_cache(maxsize=1)
def cached_reference() -> tuple[Any, Any, str, bytes]:
    """An encoder, a recording, and the cache's entry of it."""
    import torch

    from indextts2.contracts import Waveform
    from indextts2.loading.checkpoint import load_encoder, open_checkpoint
    from indextts2.runtime.reference_cache import ReferenceCache

    encoder = load_encoder(open_checkpoint(tiny_folders()[0]))
    noise = 0.1 * torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(0))
    waveform = Waveform(noise.clamp(-1, 1), 24_000)
    with tempfile.TemporaryDirectory() as folder:
        ReferenceCache(Path(folder)).encode(encoder, waveform)
        (path,) = Path(folder).iterdir()
        return encoder, waveform, path.name, path.read_bytes()


def attack_reference_cache(dice: random.Random, folder: Path) -> object:
    """Whatever lies in the cache, the encoding is a whole one of finite numbers."""
    import dataclasses

    import torch

    from indextts2.runtime.reference_cache import ReferenceCache
    from indextts2.stages.conditions import condition_speaker

    encoder, waveform, name, content = cached_reference()
    (folder / name).write_bytes(damaged_metadata(content, "fields", dice))
    found = ReferenceCache(folder).encode(encoder, waveform)
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if isinstance(value, torch.Tensor) and not bool(torch.isfinite(value).all()):
            raise RuntimeError(f"{field.name} of a cached reference is not finite")
    return condition_speaker(tiny_t2s(), found)
