"""Recipes name a configuration: a checkpoint in the official layout and another language, from recipes alone."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from indextts2.errors import ConfigError, TrainingError
from indextts2.loading.checkpoint import open_checkpoint
from indextts2.loading.config_file import dump_config
from indextts2.training.__main__ import main
from indextts2.training.configuration import config_of
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.loop.curves import read_log
from indextts2.training.loop.state import export_weights
from indextts2.training.mini import MINI
from indextts2.training.t2s.data import NO_GUIDE
from indextts2.training.t2s.train import EMOTION_BRANCH, MODEL, T2SPart, T2SRecipe
from tests.conftest import TINY, TINY_V25
from tests.loading.official_writer import write_official
from tests.training.toy_features import write_toy_features

LOOP = {"max_steps": 12, "learning_rate": 3e-3, "evaluate_steps": 0, "log_steps": 2, "cpu": True}
DATA = {"batch_size": 4, "prompt_tokens": 16, "min_prompt_tokens": 6}
QUIET = {"dropout": 0.0, "corruption": 0.0, "length_dropout": 0.0}
GERMAN = (
    "Guten Morgen, liebe Leute.", "Das Wetter ist heute schön.", "Wir gehen morgen in die Stadt.",
    "Kannst du mir bitte helfen?", "Der Hund läuft über die Straße.",
)  # fmt: skip
PIECES = 60


def train(folder: Path, part: str, **recipe: object) -> Path:
    """Run `train PART` with a recipe of these keys; the run's folder."""
    path = folder / f"{part}.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    assert main([part, str(path), str(folder / part)]) == 0
    return folder / part


def write_corpus(folder: Path, texts: Sequence[str]) -> Path:
    """A corpus in German of one speaker who hums; nobody has timed it."""
    folder.mkdir()
    samples = (8_000 * torch.sin(torch.arange(22_050) * 0.05)).to(torch.int16).numpy().tobytes()
    lines = []
    for index, text in enumerate(texts):
        name = f"g{index}"
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 22_050, 0, "NONE", ""))
            file.writeframes(samples)
        line = {
            "id": name, "path": f"{name}.wav", "split": "train", "speaker": "s", "language": "de", "text": text,
            "phonemes": "", "seconds": 1.0, "sample_rate": 22_050, "bandwidth_hz": 8_000,
        }  # fmt: skip
        lines.append(json.dumps(line) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def losses(run: Path) -> list[float]:
    return [float(row["semantic"]) for row in read_log(run / "log.csv")]


@pytest.fixture(scope="module")
def official(tmp_path_factory, tiny_parts, tiny_tokenizer):
    return write_official(tmp_path_factory.mktemp("official") / "IndexTTS-2", TINY, tiny_parts, tiny_tokenizer)


@pytest.fixture
def features(tmp_path):
    write_toy_features(tmp_path / "features")
    return tmp_path / "features"


def test_mini_is_the_configuration_of_recipes_that_name_none():
    assert config_of(T2SRecipe(loop=None).config) is MINI


def test_a_configuration_is_a_file_or_a_checkpoint(official, tmp_path):
    assert config_of(str(official)) == config_of(str(official / "config.yaml")) == TINY
    with pytest.raises(ConfigError, match=r"mini, a config\.yaml or a checkpoint, but got '.*nowhere'"):
        config_of(str(tmp_path / "nowhere"))


def test_t2s_of_a_checkpoint_in_the_official_layout_is_fine_tuned(official, features, tmp_path):
    run = train(
        tmp_path, "t2s", config=str(official), start_from=str(official), features=str(features), data=DATA, loop=LOOP,
        guide_heads=[[0, 0]], **QUIET,
    )  # fmt: skip
    assert losses(run)[-1] < losses(run)[0]
    before, after = open_checkpoint(official).read("t2s"), export_weights(run, MODEL)
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert "mel_head.weight" in changed
    assert not [key for key in changed if key.startswith(EMOTION_BRANCH)]


def test_t2s_learns_another_language_with_a_tokenizer_of_its_own(official, features, tmp_path):
    corpus = write_corpus(tmp_path / "german", GERMAN * 2)
    made = train(tmp_path, "tokenizer", kind="official", corpora=[str(corpus)], vocabulary_size=PIECES)

    index = features / "index.jsonl"  # the toy recordings, as if these texts were spoken there, without timing
    entries = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    for number, entry in enumerate(entries):
        entry |= {"text": GERMAN[number % len(GERMAN)], "language": "de", "phonemes": "", "phoneme_durations": []}
    index.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")

    text = replace(TINY.text, kind="official", tokenizer="tokenizer.model")
    config = replace(TINY, t2s=replace(TINY.t2s, text_tokens=PIECES), text=text)
    (tmp_path / "german.yaml").write_text(dump_config(config, {}).replace("checkpoint: {}\n", ""), encoding="utf-8")
    recipe = {
        "config": str(tmp_path / "german.yaml"), "tokenizer": str(made / "tokenizer.model"), "data": DATA, "loop": LOOP,
        "start_from": str(official), "features": str(features), **QUIET,
    }  # fmt: skip
    run = train(tmp_path, "t2s", fresh_text=True, **recipe)
    assert losses(run)[-1] < losses(run)[0]
    assert export_weights(run, MODEL)["text_embedding.weight"].shape[0] == PIECES + 1  # and the row of padding

    keys = {"data": T2SRecipe(loop=None).data, "loop": None}
    with pytest.raises(TrainingError, match=r"set fresh_text, which begins the rows of the text anew"):
        T2SPart(T2SRecipe(**{**recipe, **keys, "data": replace(keys["data"], **DATA)})).build()


def test_texts_without_timing_guide_no_attention_and_cannot_be_cut(official, features):
    official_text = replace(TINY, text=replace(TINY.text, kind="plain"))
    recipe = T2SRecipe(
        loop=None, config=str(official), features=str(features), data=replace(T2SRecipe(loop=None).data, **DATA)
    )
    part = T2SPart(recipe, official_text)
    batch = part.batch(0, torch.Generator().manual_seed(0))
    assert part.guide_heads == () and bool((batch.guide == NO_GUIDE).all())
    with pytest.raises(TrainingError, match="cut_probability needs to know when a word begins"):
        T2SPart(replace(recipe, data=replace(recipe.data, cut_probability=0.5)), official_text)


def test_a_model_that_takes_its_speaker_from_the_style_is_refused_by_name(features):
    with pytest.raises(TrainingError, match=r"'IndexTTS-2\.5' takes its speaker from the style"):
        T2SPart(T2SRecipe(loop=None, features=str(features)), TINY_V25)


def test_features_are_made_by_the_encoders_of_a_checkpoint(official, tmp_path):
    corpus = write_corpus(tmp_path / "corpus", GERMAN[:1])
    store = FeatureStore(train(tmp_path, "features", config=str(official), corpora=[str(corpus)]))
    entry = next(iter(store))
    assert entry.language == "de" and entry.text == GERMAN[0]
    assert len(store.tensor(entry, "tokens")) == entry.token_count > 0
