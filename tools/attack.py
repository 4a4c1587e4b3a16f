"""Feeds damaged and hostile data to every reader of the library, and reports what is no error of its own.

    python -m tools.attack --minutes 60 --seed 1

Each target takes a generator of random numbers and an empty folder, makes one piece of data, and lets the library read
it. Reading may succeed, or raise one of the library's errors in one short sentence; anything else is a finding, printed
with the seed that repeats it. The tests run a few rounds of every target (`tests/attack/test_attack.py`).
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

Target = Callable[[random.Random, Path], object]
LONGEST_MESSAGE = 2_000
SIGNS = "[]{}()<>:;,.-&*!|'\"%@`#$\\/\n\r\t \x00\x85\u2028\ufeff\u202e\ud800éß½²٣１中😀9eE+=~^_?"
WORDS = """pause happy seconds null true 1e999 NaN --> 00:00:01,000 {{ ]]> &amp; $5.5bn Dr. IV 12/31/1999 http://a.b/c
<break_time='1s'/> Anna_[sad_.4]: !!float_x *a &a""".replace("\n", " ").split(" ")


def mutated(text: str, dice: random.Random) -> str:
    """A text with a few random cuts, insertions, doublings and swaps."""
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(text) + 1)
        piece = dice.choice([dice.choice(SIGNS), dice.choice(WORDS), text[at : at + dice.randrange(1, 40)]])
        text = text[:at] + piece * dice.choice((1, 1, 1, 2, 5, 300)) + text[at + dice.randrange(6) :]
    return text[:20_000]


def mutated_bytes(data: bytes, dice: random.Random) -> bytes:
    """Bytes with a few of them changed, cut away or doubled."""
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(changed) + 1)
        kind = dice.randrange(4)
        if kind == 0 and changed:
            changed[at % len(changed)] = dice.randrange(256)
        elif kind == 1:
            changed[at:at] = dice.randbytes(dice.randrange(1, 9))
        elif kind == 2:
            del changed[at : at + dice.randrange(1, 64)]
        else:
            changed[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f"))
    return bytes(changed)


# ---- targets --------------------------------------------------------------------------------------------------------

SCRIPTS = {
    "dialogue": "Anna [happy .6; seed 5]: Hello there. <pause 0.4s>\n\n[calm .3]: Good night.\n# a remark\n",
    "srt": "1\n00:00:00,500 --> 00:00:02,600\nAnna: Good day.\n\n2\n00:00:03,000 --> 00:00:05,400\n[sighs] So.\n",
    "vtt": "WEBVTT\n\n00:00.500 --> 00:02.600 line:1\n<v Anna>Good <b>day</b>.\n\nNOTE x\n\n00:03.000 --> 00:04.000\nA",
    "ass": "[Events]\nFormat: Layer, Start, End, Name, Text\nDialogue: 0,0:00:00.50,0:00:02.60,Anna,{\\i1}Good.\n",
    "csv": 'speaker,start,end,text,seed\nAnna,0.5,2.6,Good morning.,5\nBen,3,5.4,"I, too.",\n',
    "tsv": "start\tend\ttext\n500\t2600\tGood morning.\n3000\t5400\tI know.\n",
    "json": '{"lines": [{"speaker": "Anna", "text": "Hi.", "start": 0.5, "end": 2.6, "emotion": "happy .6"}]}',
    "lrc": "[ar:x]\n[00:00.50]Good morning.\n[00:03.00][00:09.00]I know.\n",
    "sbv": "0:00:00.500,0:00:02.600\nGood morning.\n\n0:00:03.000,0:00:05.400\nI know.\n",
    "ttml": '<tt xmlns="http://www.w3.org/ns/ttml"><body><p begin="0.5s" end="2.6s">Hi <br/>you</p></body></tt>',
}
TEXTS = (
    "Dr. Smith paid $1,234.50 (5%-10% more) at 7.30pm on May 3rd-5th, 1999; call 555.123.4567 or see www.a.co.uk/x.",
    "It was 20-25 min, 6' tall, 1/2 tsp, 10°-15°C. [happy .5] John F. Kennedy: <pause 0.3s> 'Rocky II' v2.0.1! (#1)",
    "I <3 you & *really* mean it... CHAPTER ONE\n\n- bullet, 16:9, H2O, 3.5k, TL;DR, 1h 30m, <word|W ER1 D>.",
)
CONFIGURATION = "a: {b: [1, 2.5, x], c: 'd'}\ne: |\n  text\nf: true\n"


def attack_yaml(dice: random.Random, folder: Path) -> object:
    from indextts2.foreign import parse_yaml

    return parse_yaml(mutated(CONFIGURATION, dice))


def attack_json(dice: random.Random, folder: Path) -> object:
    from indextts2.foreign import parse_json

    return parse_json(mutated(SCRIPTS["json"], dice))


def attack_config(dice: random.Random, folder: Path) -> object:
    from indextts2.config import Config
    from indextts2.loading.config_file import dump_config, parse_config

    return parse_config(mutated(dump_config(Config(), {}), dice))


def attack_recipe(dice: random.Random, folder: Path) -> object:
    from indextts2.training.loop.recipe import load_recipe
    from indextts2.training.s2m.train import S2MRecipe

    source = Path(__file__).parent.parent / "recipes" / "s2m.yaml"
    (folder / "recipe.yaml").write_bytes(mutated_bytes(source.read_bytes(), dice))
    return load_recipe(folder / "recipe.yaml", S2MRecipe)


def attack_cast(dice: random.Random, folder: Path) -> object:
    from indextts2.loading.find import built_in_references
    from indextts2.script.cast import read_cast

    text = "Anna: {built_in: bella, emotion: 'happy .6'}\nothers: [bella, michael]\nBen: missing.wav\n"
    return read_cast(mutated(text, dice), built_in_references(), folder)


def attack_script(dice: random.Random, folder: Path) -> object:
    from indextts2.script.read import read_script

    kind = dice.choice(list(SCRIPTS))
    return read_script(mutated(SCRIPTS[kind], dice), dice.choice((kind, "auto")), strict=dice.random() < 0.3)


@lru_cache(maxsize=1)
def english() -> Any:
    from indextts2.loading.checkpoint import load_front_end, open_checkpoint

    return load_front_end(open_checkpoint("mini"))


def attack_text(dice: random.Random, folder: Path) -> object:
    from indextts2.stages.prepare_text import prepare_text

    return prepare_text(english(), mutated(dice.choice(TEXTS), dice))


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


def attack_names(dice: random.Random, folder: Path) -> object:
    from indextts2.foreign import safe_relative_path

    name = mutated("hf_cache/w2v-bert-2.0/model.safetensors", dice)[:400]
    path = (folder / safe_relative_path(name)).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RuntimeError(f"{name!r} leads out of its folder")
    return path


TARGETS: dict[str, Target] = {
    "YAML": attack_yaml,
    "JSON": attack_json,
    "configuration": attack_config,
    "recipe": attack_recipe,
    "cast": attack_cast,
    "script": attack_script,
    "text": attack_text,
    "saved value": attack_saved_value,
    "weights": attack_weights,
    "audio": attack_audio,
    "LoRA settings": attack_lora_settings,
    "names": attack_names,
}
"""Targets of the attack; a new reader is a new row."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: what was attacked, with which seed, and what happened."""

    target: str
    seed: int
    report: str


def attack(target: str, seed: int) -> Finding | None:
    """One round of a target; the fault it found, if any."""
    from indextts2.errors import IndexTTS2Error

    with tempfile.TemporaryDirectory() as folder:
        try:
            TARGETS[target](random.Random(seed), Path(folder))
        except IndexTTS2Error as error:
            message = str(error)
            if len(message) > LONGEST_MESSAGE:
                return Finding(target, seed, f"a message of {len(message)} characters: {message[:200]}")
        except Exception:  # noqa: BLE001 - whatever it is, it is the finding
            return Finding(target, seed, traceback.format_exc())
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to attack")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each round takes the next one")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="attack this alone; may be repeated")
    options = parser.parse_args()
    targets = options.target or list(TARGETS)
    end, seed, rounds, findings = time.monotonic() + 60 * options.minutes, options.seed, 0, 0
    while time.monotonic() < end:
        for target in targets:
            found = attack(target, seed)
            rounds += 1
            if found is not None:
                findings += 1
                sys.stdout.write(f"--- {found.target}, seed {found.seed}\n{found.report}\n")
        seed += 1
    sys.stdout.write(f"{rounds} rounds, seeds {options.seed} to {seed - 1}: {findings} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
