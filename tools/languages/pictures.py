"""Draws the pictures of the help pages, from a scene spoken by the built-in checkpoint.

Write them with: python -m tools.languages.pictures
Run it again after a change of the drawing or of the checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.find import built_in_references, mini_folder
from indextts2.plots.script import draw_script
from indextts2.script.cast import default_cast
from indextts2.script.line import LineSettings
from indextts2.script.mix import MixSettings, mix
from indextts2.script.read import read_script
from indextts2.script.run import Job, JobSettings, SpokenScript, speak_script
from indextts2.script.take_scores import TakeSettings
from indextts2.stages.semantic_to_mel import FlowSettings

from . import pages

SCENE = """\
Anna [start 0.3; end 2.2]: Good morning. You are late.
Ben [afraid .4; start 2.6; end 5.2]: I know. The train stood still for an hour.
Anna [start 5.6; end 6.5]: Never mind.
Ben [start 6.7; end 7.2]: And then, just before the bridge, it stopped once more.
Anna [start 7.4; end 9.0; calm .4]: We have not started yet.
Ben [start 9.4; end 11.6]: Good. Then let us begin.
"""
WIDTH = 900
PICTURE = Path("IndexTTS2_PlotScript") / "timeline.png"
STEPS = 4  # enough to measure lengths


def main() -> None:
    torch.set_num_threads(1)
    models = load_speech(open_checkpoint(mini_folder()))
    script = read_script(SCENE)
    settings = LineSettings(takes=TakeSettings(retries=0, listen=1), flow=FlowSettings(steps=STEPS))
    voices = default_cast(built_in_references()).assigned(script.speakers)
    lines = speak_script(Job(script, voices, models.t2s.config, "", JobSettings(settings)), lambda: models)
    rate = models.vocoder.mel.sample_rate
    spoken = SpokenScript(script, tuple(lines), rate)
    picture = draw_script(spoken, mix(script, lines, rate, MixSettings()), width=WIDTH)
    pixels = (picture.numpy() * 255.0).round().astype(np.uint8)
    (pages.DOCS / PICTURE).parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).quantize(64).save(pages.DOCS / PICTURE, optimize=True)


if __name__ == "__main__":
    main()
