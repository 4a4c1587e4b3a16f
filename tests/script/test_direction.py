"""Direction by context: windows within a scene, smoothing, given emotions that stay, and a plot."""

from __future__ import annotations

import json

import pytest
import torch

from indextts2.cli.main import main
from indextts2.config import EMOTIONS
from indextts2.contracts import EmotionWeights
from indextts2.errors import InputError
from indextts2.plots.direction import draw_direction
from indextts2.script.direction import (
    DirectionSettings,
    describe_direction,
    direct,
    read_overrides,
    scenes_of,
    smoothed,
)
from indextts2.script.model import Line, Script
from indextts2.script.read import read_script_file

HAPPY, SAD, CALM = (EmotionWeights.of(**{name: 1.0}) for name in ("happy", "sad", "calm"))
PLAIN = DirectionSettings(context=0.0, smoothing=0.0, strength=1.0)


def reader(asked=None):
    """Happy where a text says so, else sad where it says so, else calm."""

    def read(text: str) -> EmotionWeights:
        if asked is not None:
            asked.append(text)
        return HAPPY if "happy" in text else SAD if "sad" in text else CALM

    return read


def script(*texts) -> Script:
    return Script(tuple(Line(text) for text in texts))


def test_without_context_every_line_is_read_by_itself():
    assert direct(script("so happy", "well", "so sad"), reader(), PLAIN).weights == (HAPPY, CALM, SAD)


def test_the_window_colours_a_line_and_ends_with_its_scene():
    asked = []
    lines = (Line("so sad", start_ms=0, end_ms=1000), Line("well", start_ms=1500, end_ms=2000),
             Line("hm", start_ms=60_000, end_ms=61_000))  # fmt: skip
    settings = DirectionSettings(before=2, after=1, context=0.5, smoothing=0.0, strength=0.8)
    found = direct(Script(lines), reader(asked), settings)
    assert found.scenes == (0, 0, 1) == scenes_of(lines, 8.0)
    assert found.weights[1] == EmotionWeights.of(sad=0.4, calm=0.4) and found.weights[2] == EmotionWeights.of(calm=0.8)
    assert "so sad well" in asked and "well hm" not in asked
    assert len(asked) == len(set(asked)), "a text is read once"


def test_tags_are_not_read():
    asked = []
    direct(script("I <pause 0.4s> am [happy .5] here"), reader(asked), PLAIN)
    assert asked[0] == "I am here"


def test_smoothing_weighs_neighbours_by_their_distance_within_a_scene():
    first, second, other = smoothed([HAPPY, SAD, CALM], [0, 0, 1], 0.5)
    assert first.values[EMOTIONS.index("happy")] == pytest.approx(2 / 3)
    assert first.values[EMOTIONS.index("sad")] == pytest.approx(1 / 3)
    assert second.values[EMOTIONS.index("sad")] == pytest.approx(2 / 3) and other == CALM
    assert smoothed([HAPPY, SAD], [0, 0], 0.0) == [HAPPY, SAD]


def test_given_emotions_stay_and_colour_their_neighbours():
    given = EmotionWeights.of(angry=0.5)
    lines = (Line("well"), Line("so sad", emotion=given))
    found = direct(Script(lines), reader(), DirectionSettings(context=0.0, smoothing=0.5, strength=1.0))
    assert found.weights[1] == given and found.own == (False, True)
    assert found.weights[0].values[EMOTIONS.index("angry")] > 0.1
    again = direct(Script(lines), reader(), PLAIN, {1: HAPPY, 0: SAD})
    assert again.weights == (SAD, HAPPY) and again.own == (True, True)
    assert "angry 0.50, given" in describe_direction(found)


def test_overrides_are_rows_of_a_line_and_an_emotion():
    assert read_overrides("2: happy .6 sad .2\n\n1: calm 1", 2) == {
        1: EmotionWeights.of(happy=0.6, sad=0.2), 0: EmotionWeights.of(calm=1.0),
    }  # fmt: skip
    for wrong in ("3: happy 1", "happy 1", "1: seed 4", "1: joyful .4"):
        with pytest.raises(InputError):
            read_overrides(wrong, 2)


@pytest.mark.parametrize("bad", [{"before": -1}, {"context": 1.5}, {"smoothing": -0.1}, {"strength": float("nan")}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(InputError):
        DirectionSettings(**bad)


def test_the_plot_shows_every_line_and_marks_what_was_given():
    plain = draw_direction(direct(script("so happy", "well"), reader(), PLAIN), width=512)
    given = draw_direction(direct(script("so happy", "well"), reader(), PLAIN, {1: CALM}), width=512)
    other = draw_direction(direct(script("so sad", "well"), reader(), PLAIN), width=512)
    assert plain.shape[1:] == (512, 3) and plain.dtype == torch.float32
    assert not torch.equal(plain, given) and not torch.equal(plain, other)


def test_the_command_directs_with_the_minis_own_reader(tmp_path, capsys):
    (tmp_path / "in.txt").write_text("Anna: We won! I am so happy.\nBen [sad .7]: Good for you.\n", encoding="utf-8")
    arguments = ["direct", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.txt"), "--checkpoint", "mini", "--json"]
    assert main([*arguments, "--plot", str(tmp_path / "plot.png"), "--override", "1: happy .9"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert [line["given"] for line in lines] == [True, True]
    written = read_script_file(tmp_path / "out.txt").lines
    assert [line.emotion for line in written] == [EmotionWeights.of(happy=0.9), EmotionWeights.of(sad=0.7)]
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert main([*arguments, "--override", "9: happy .9"]) == 2
