"""Targets that are texts: readers of scripts, subtitles, tables, configurations and of what is spoken."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from .mutations import mutated, mutated_bytes, mutated_tree

RECIPES = Path(__file__).parent.parent.parent / "recipes"

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

    source = dice.choice(sorted(RECIPES.glob("*.yaml")))
    (folder / "recipe.yaml").write_bytes(mutated_bytes(source.read_bytes(), dice))
    return load_recipe(folder / "recipe.yaml", recipe_of(source.stem))


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


def attack_names(dice: random.Random, folder: Path) -> object:
    from indextts2.foreign import safe_relative_path

    name = mutated("hf_cache/w2v-bert-2.0/model.safetensors", dice)[:400]
    path = (folder / safe_relative_path(name)).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RuntimeError(f"{name!r} leads out of its folder")
    return path


def recipe_of(name: str) -> Any:
    """The settings that a recipe of the repository is read into."""
    from indextts2.training.fine_tune.train import FineTuneRecipe
    from indextts2.training.s2m.few_step import FewStepRecipe
    from indextts2.training.s2m.train import S2MRecipe
    from indextts2.training.t2s.train import T2SRecipe
    from indextts2.training.vocoder.train import VocoderRecipe

    kinds = {"s2m_few": FewStepRecipe, "fine_tune": FineTuneRecipe, "vocoder": VocoderRecipe, "s2m": S2MRecipe}
    return kinds.get(name, T2SRecipe)


# ---- words in time --------------------------------------------------------------------------------------------------

TIMED = {
    "srt": "1\n00:00:00,500 --> 00:00:01,000\nGood\n\n2\n00:00:01,000 --> 00:00:01,400\nmorning.\n",
    "vtt": "WEBVTT\n\n00:00.500 --> 00:02.600\n<v Anna>Good <00:01.200>day <00:01.900>you &amp; me.\n",
    "json": '{"words": [{"text": "Good", "start": 0.5, "end": 1.0}, {"word": "day.", "start": 1.2, "end": 1.9}]}',
    "more": '{"segments": [{"words": [{"word": "I", "start": 0, "end": 1}, {"word": "so", "start": 2, "end": 3}]}]}',
}
CAPTIONS = {
    "sample_rate": 22_050,
    "seconds": 3.0,
    "captions": [],
    "words": [
        {"text": "Good", "start": 0.5, "end": 1.0, "speaker": "Anna", "group": 0},
        {"text": "day.", "start": 1.2, "end": 1.9, "speaker": "", "group": 1},
    ],
}
TAGGED = (
    "<at 0.5s> Good day <by 1.2s> <pause 0.3s> to [happy .5] you <at 2400ms> and [seconds 2] me. [speed 1.2] Well?",
    "[tokens 30] One <at 1s> two <at 1.1s> three. <by 2s> <by 1s> [frames 100] Four, 5% <pause 60s> five [neutral]!",
)


def damaged_json(tree: Any, dice: random.Random) -> str:
    """A JSON text with values in it that do not belong there, or with damaged characters."""
    if dice.random() < 0.3:
        return mutated(json.dumps(tree), dice)
    return json.dumps(mutated_tree(tree, dice), ensure_ascii=dice.random() < 0.8)[:200_000]


def attack_word_timings(dice: random.Random, folder: Path) -> object:
    from indextts2.script.timed_words import timed_text
    from indextts2.script.word_timings import read_word_timings
    from indextts2.stages.prepare_text import prepare_text

    kind = dice.choice(list(TIMED))
    text = damaged_json(json.loads(TIMED[kind]), dice) if TIMED[kind][0] == "{" else mutated(TIMED[kind], dice)
    timings = read_word_timings(text)
    said = mutated("Good morning day you and me.", dice) if dice.random() < 0.5 else ""
    return prepare_text(english(), timed_text(timings, said, anchored=dice.choice(("phrases", "words"))))


def attack_words_in_time(dice: random.Random, folder: Path) -> object:
    from indextts2.script.caption_files import read_words

    path = folder / "words.json"
    path.write_text(damaged_json(CAPTIONS, dice), encoding="utf-8", errors="surrogatepass")
    return written_captions(read_words(path), dice)


def written_captions(words: Any, dice: random.Random) -> object:
    """Captions of every kind, each read again by the readers of scripts and of words."""
    from indextts2.errors import InputError
    from indextts2.script.caption_cues import CaptionSettings
    from indextts2.script.caption_files import CAPTION_KINDS, write_captions
    from indextts2.script.read import read_script
    from indextts2.script.word_timings import read_word_timings

    settings = CaptionSettings(
        dice.choice((8, 20, 42, 500)), dice.randint(1, 6), dice.choice((1e-3, 1.0, 20.0, 1e9)),
        shortest=dice.choice((1e-3, 1.0)), speakers=dice.random() < 0.5, word_times=dice.random() < 0.5,
    )  # fmt: skip
    for kind in CAPTION_KINDS:
        text = write_captions(words, kind, settings)
        for read in (read_word_timings, lambda text: read_script(text)):
            try:
                read(text)
            except InputError:
                continue
    return words


def attack_captions(dice: random.Random, folder: Path) -> object:
    from indextts2.contracts import SpokenWord, SpokenWords

    at, words = 0, []
    for _ in range(dice.randrange(1, 12)):
        at += dice.choice((0, 0, 1, 100, 22_050, 10**9))
        end = at + dice.choice((0, 1, 50, 9_000, 10**10))
        text = mutated(dice.choice(("Good", "day.", "中文。", "a" * 200)), dice)[:300]
        words.append(SpokenWord(text, at, end, dice.randrange(3), mutated("Anna", dice)[:50]))
        at = dice.choice((at, end))
    return written_captions(SpokenWords(tuple(words), dice.choice((1, 8_000, 22_050, 192_000)), at), dice)


def attack_tagged_text(dice: random.Random, folder: Path) -> object:
    from indextts2.stages.prepare_text import prepare_text, report
    from indextts2.text.glossary import parse_glossary

    readings = "M.2 = M dot two\n# x\nday [en] = D EY1\nGood = good"
    glossary = parse_glossary(mutated(readings, dice)) if dice.random() < 0.3 else None
    return report(prepare_text(english(), mutated(dice.choice(TAGGED), dice), glossary=glossary))


def attack_cue_edits(dice: random.Random, folder: Path) -> object:
    from indextts2.script.edit_cues import CueSettings, edited
    from indextts2.script.read import READERS, read_script, write_script

    settings = CueSettings(
        dice.choice((None, 0.0, 1.0, 1e9)), dice.choice((1, 84, 10**9)), dice.choice((0, 1, 2, 20, 10**9)),
        dice.choice((0.0, 0.001, -0.4, 3.0, 1e5, -1e9, 1e300)), dice.choice((0.0, 1e-3, 1.0, 23.976, 25.0, 1000.0)),
    )  # fmt: skip
    script = edited(read_script(mutated(SCRIPTS[dice.choice(("srt", "vtt", "csv", "dialogue"))], dice)), settings)
    kind = dice.choice([kind for kind in READERS if kind not in ("sami", "microdvd")])
    return read_script(write_script(script, kind), kind) if kind in ("srt", "dialogue", "json") else script


def attack_accepted(dice: random.Random, folder: Path) -> object:
    from indextts2.script.accepted import accepted_seeds, line_numbers
    from indextts2.script.model import Line

    line_numbers(mutated("1,4-6, 9", dice), 9) if dice.random() < 0.3 else None
    return accepted_seeds(mutated("17: 1,4-6\n9: 2; 3： 7", dice), [Line("Hello.")] * 9)


def attack_reply(dice: random.Random, folder: Path) -> object:
    from indextts2.stages.emotion.reply import UnreadableReply, parse_reply

    try:
        return parse_reply(damaged_json({"高兴": 0.5, "悲伤": "0.2", "emotion": "happy"}, dice), "gloomy")
    except UnreadableReply:
        return None
