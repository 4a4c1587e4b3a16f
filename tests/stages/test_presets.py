"""Named mixtures of emotions: the library's, and one's own in JSON files."""

from __future__ import annotations

import json
import logging
import math

import pytest

from indextts2.contracts import EmotionWeights
from indextts2.errors import InputError
from indextts2.plots.emotion import draw_weights
from indextts2.runtime.presets import FOLDER, emotion_presets
from indextts2.stages.emotion.bank import SLIDER_CAP
from indextts2.stages.emotion.presets import (
    PRESETS,
    nearest_preset,
    preset_named,
    read_presets,
    with_preset,
)


@pytest.fixture
def models(tmp_path):
    (tmp_path / FOLDER).mkdir()
    return tmp_path


def write(models, name, content):
    text = content if isinstance(content, str) else json.dumps(content)
    (models / FOLDER / name).write_text(text, encoding="utf-8")


def test_every_preset_mixes_several_emotions_and_sums_to_what_sounds_natural():
    assert {"bittersweet", "awe", "contempt", "tender"} <= set(PRESETS) and len(PRESETS) >= 12
    for weights in PRESETS.values():
        assert sum(value > 0.0 for value in weights.values) >= 2
        assert 0.3 <= math.fsum(weights.values) <= SLIDER_CAP + 1e-9


def test_no_two_presets_mix_the_same_and_each_is_recognised_at_any_strength():
    for name, weights in PRESETS.items():
        assert nearest_preset(weights) == name
        assert nearest_preset(EmotionWeights(tuple(0.4 * value for value in weights.values))) == name
    assert nearest_preset(EmotionWeights.of()) is None and nearest_preset(EmotionWeights.of(happy=1.0)) is None


def test_a_preset_is_added_to_weights_with_a_strength():
    mixed = with_preset(EmotionWeights.of(happy=0.1), "bittersweet", 0.5)
    assert mixed == EmotionWeights.of(happy=0.1 + 0.5 * 0.35, melancholic=0.5 * 0.35)
    with pytest.raises(InputError, match="there are anxious, awe"):
        preset_named("bitterswete")


def test_the_plot_names_the_preset():
    mixture = PRESETS["bittersweet"]
    other = EmotionWeights.of(happy=0.35, melancholic=0.1)
    named, plain = draw_weights(mixture, width=512), draw_weights(other, width=512)
    assert (named[:40] != plain[:40]).any(), "the title tells them apart"


def test_own_presets_are_read_from_the_models_folder_and_go_before_the_library_s(models):
    write(models, "mine.json", {"giddy": {"happy": 0.5, "surprised": 0.2}, "awe": {"calm": 0.4}})
    presets = emotion_presets([models])
    assert presets["giddy"] == EmotionWeights.of(happy=0.5, surprised=0.2)
    assert presets["awe"] == EmotionWeights.of(calm=0.4) and presets["tender"] == PRESETS["tender"]
    assert emotion_presets([models / "missing"]) == dict(PRESETS)


@pytest.mark.parametrize(
    "content",
    [
        "not JSON", "[1, 2]", '{"a": 3}', '{"a": {}}', '{"a": {"joy": 0.3}}', '{"a": {"happy": "x"}}',
        '{"a": {"happy": true}}',
        '{"a": {"happy": -1}}', '{"a": {"happy": NaN}}', '{"a": {"happy": 1e999}}', '{"": {"happy": 0.3}}',
        '{"happy": {"sad": 0.3}}', '{"none": {"sad": 0.3}}', '{"a=b": {"sad": 0.3}}',
        '{"a": {"sad": 0.3}, "a": {"sad": 0.4}}',
        '{"a\\nb": {"sad": 0.3}}', json.dumps({"x" * 100: {"sad": 0.3}}), "[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_a_warning_that_names_it_and_the_others_are_read(models, content, caplog):
    write(models, "broken.json", content)
    write(models, "good.json", {"giddy": {"happy": 0.5}})
    with caplog.at_level(logging.WARNING):
        presets = emotion_presets([models])
    assert "giddy" in presets and set(presets) == {*PRESETS, "giddy"}
    assert "broken.json" in caplog.text and len(caplog.text) < 1_000


def test_presets_are_a_mapping():
    with pytest.raises(InputError, match="Presets are written as"):
        read_presets(["bittersweet"])
