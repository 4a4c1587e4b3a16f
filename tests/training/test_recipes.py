"""The recipes of the mini: one for every part, each read into its dataclass, none tied to a machine."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

from indextts2.training.__main__ import PARTS, main
from indextts2.training.loop.recipe import load_recipe
from indextts2.training.t2s.train import T2SRecipe

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
KINDS = {
    "tokenizer": ("data.tokenizer", "TokenizerRecipe"),
    "semantic_encoder": ("encoders.semantic_encoder", "EncoderRecipe"),
    "codec": ("encoders.codec", "CodecRecipe"),
    "style_encoder": ("encoders.style_encoder", "StyleRecipe"),
    "features": ("data.features", "FeatureRecipe"),
    "t2s": ("t2s.train", "T2SRecipe"),
    "latents": ("t2s.latents", "LatentRecipe"),
    "s2m": ("s2m.train", "S2MRecipe"),
    "s2m_few": ("s2m.few_step", "FewStepRecipe"),
    "aligned_mels": ("s2m.aligned_mels", "AlignedMelRecipe"),
    "vocoder": ("vocoder.train", "VocoderRecipe"),
    "emotion_bank": ("emotion.bank", "BankRecipe"),
    "text_to_emotion": ("emotion.text_to_emotion", "TextToEmotionRecipe"),
    "fine_tune": ("fine_tune.train", "FineTuneRecipe"),
}
SLOW_EMOTION_STEP = 0.7  # seconds
STAGES = ("t2s_stage1", "t2s_stage2", "t2s_stage3")
CORPORA = ("corpus", "corpus_held_out")
FOR_A_CHECKPOINT = "fine_tune.yaml"  # teaches one that is there, so it is no step to a new one
NOT_MADE_BY_A_ROW = ("teacher", "wordnet", "cache")  # unpacked before the first row, or kept by the rows themselves


def part_of(path):
    if path.stem in CORPORA:
        return "corpus"
    return "t2s" if path.stem in STAGES else path.stem


def test_every_part_has_a_recipe_and_every_recipe_a_part():
    assert {part_of(path) for path in RECIPES} == set(PARTS)
    assert {*STAGES, *CORPORA} < {path.stem for path in RECIPES}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_read_into_its_dataclass(path):
    if path.stem in CORPORA:  # written before the others; it has a reader of its own
        from indextts2.training.corpus import read_recipe

        assert read_recipe(path).utterances > 0
        return
    module, name = KINDS[part_of(path)]
    kind = getattr(importlib.import_module(f"indextts2.training.{module}"), name)
    recipe = load_recipe(path, kind)
    if path.stem in STAGES:
        assert recipe.stage == int(path.stem[-1])


def strings(value):
    """Every string among the values of a recipe."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_explains_itself_and_names_relative_paths(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert not [found for found in strings(yaml.safe_load(text)) if found.startswith(("/", "~"))]


def table_rows():
    """(recipe file, output folder, minutes) of every row of the table in docs/training.md."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    return re.findall(r"^\| .+ \| `\w+ recipes/(\S+) (\S+)` \| (.+) \|$", text, re.MULTILINE)


def test_the_recipes_can_be_followed_in_the_order_of_the_table():
    made = ["indextts2/mini", *(f".train/{name}" for name in NOT_MADE_BY_A_ROW)]
    for name, output, _ in table_rows():
        recipe = yaml.safe_load((ROOT / "recipes" / name).read_text(encoding="utf-8"))
        read = [*recipe.get("corpora", ()), *(text for text in strings(recipe) if "/" in text)]
        folders = {"/".join(path.split("/")[:2]) for path in read}
        assert folders <= set(made), f"{name} reads {folders - set(made)}, which no earlier row makes"
        made.append(output)
    assert {name for name, *_ in table_rows()} == {path.name for path in RECIPES} - {FOR_A_CHECKPOINT}


def test_the_table_tells_the_minutes_of_a_recipe_that_follows_them():
    for name, _, minutes in table_rows():
        loop = yaml.safe_load((ROOT / "recipes" / name).read_text(encoding="utf-8")).get("loop", {})
        if "horizon_minutes" in loop:
            assert float(minutes) == loop["horizon_minutes"], name


def test_stage_2_has_time_left_when_the_emotion_branch_is_done_on_a_slow_machine():
    recipe = load_recipe(ROOT / "recipes" / "t2s_stage2.yaml", T2SRecipe)
    assert recipe.emotion_steps * SLOW_EMOTION_STEP / 60 < 0.6 * recipe.loop.horizon_minutes
    assert recipe.ramp == 0.0  # a ramp within the emotion steps would never be heard


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_its_function(part):
    module, function = PARTS[part]
    assert callable(getattr(importlib.import_module(f"indextts2.training.{module}"), function))


def test_the_tokenizer_is_written_by_its_recipe(tmp_path):
    assert main(["tokenizer", str(ROOT / "recipes" / "tokenizer.yaml"), str(tmp_path / "tokenizer")]) == 0
    assert (tmp_path / "tokenizer" / "tokenizer.model").stat().st_size > 0


def test_a_learned_tokenizer_needs_texts(tmp_path, caplog):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("kind: official\n", encoding="utf-8")
    assert main(["tokenizer", str(recipe), str(tmp_path / "tokenizer")]) == 1
    assert "name corpora" in caplog.text


def test_features_without_trained_encoders_say_what_to_do(tmp_path, caplog):
    recipe = tmp_path / "recipe.yaml"
    runs = {name: str(tmp_path / name) for name in ("semantic_encoder", "codec", "style_encoder")}
    recipe.write_text(yaml.safe_dump({"corpora": [str(tmp_path)], **runs}), encoding="utf-8")
    assert main(["features", str(recipe), str(tmp_path / "features")]) == 1
    assert "Train this part first" in caplog.text


def test_the_mark_of_an_encoder_changes_with_its_weights(tiny_config):
    import torch

    from indextts2.stages.handles import EncoderModels
    from indextts2.training.data.features import weights_mark
    from tests.conftest import tiny_modules

    modules = tiny_modules(tiny_config)
    zeros, ones = torch.zeros(24), torch.ones(24)
    parts = (modules["semantic_encoder"], modules["codec"], modules["style_encoder"], zeros, ones, tiny_config)
    before = weights_mark(EncoderModels(*parts))
    assert before == weights_mark(EncoderModels(*parts))
    with torch.no_grad():
        next(modules["codec"].parameters()).add_(1.0)
    assert before != weights_mark(EncoderModels(*parts))
