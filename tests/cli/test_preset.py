"""Flow settings by name on the command line."""

from __future__ import annotations

import pytest

from indextts2.cli.common import Usage, flow_of
from indextts2.cli.main import build_parser
from indextts2.stages.semantic_to_mel import PRESETS, FlowSettings


def given(command: str, *options: str):
    return build_parser().parse_args([command, "Hello.", *options])


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_its_settings_and_leaves_guidance_free(name):
    assert flow_of(given("speak", "--preset", name)) == PRESETS[name]
    assert flow_of(given("speak", "--preset", name, "--guidance", "0")).guidance == 0.0


def test_without_options_the_checkpoint_decides():
    assert flow_of(given("speak")) == FlowSettings()
    assert flow_of(given("speak", "--steps", "12")) == FlowSettings(steps=12)


def test_a_preset_beside_what_it_sets_is_wrong_usage():
    with pytest.raises(Usage, match="already sets --steps, --grid"):
        flow_of(given("speak", "--preset", "fast", "--steps", "8", "--grid", "sway"))


def test_scripts_take_presets_too(tmp_path):
    options = build_parser().parse_args(["script", "x.srt", "--preset", "fastest", "-o", "x.wav"])
    assert flow_of(options) == PRESETS["fastest"]
