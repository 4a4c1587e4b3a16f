"""The voice library of the nodes: one list of built-in voices, saved speakers and recordings of input/voices."""

from __future__ import annotations

import pytest
import torch

from indextts2.audio.io import write_wav
from indextts2.contracts import Waveform

from . import graphs
from .graphs import change, host, loader, node


def recording(machine, name="anna.wav", seconds=1.0, front=0.0):
    folder = machine.base / "input" / "voices"
    folder.mkdir(parents=True, exist_ok=True)
    noise = 0.1 * torch.randn(1, 1, round(seconds * 24_000), generator=torch.Generator().manual_seed(7)).clamp(-3, 3)
    samples = torch.cat([torch.zeros(1, 1, round(front * 24_000)), noise], dim=-1)
    write_wav(folder / name, Waveform(samples, 24_000))
    return f"voices/{name} [input]"


def encode(**inputs):
    usual = {"built_in_speaker": "first", "seconds_limit": 15.0}
    return {
        "load": loader(),
        "encode": node("EncodeReference", encoder=["load", 0], **{**usual, **inputs}),
        "show": host("PreviewAny", source=["encode", 1]),
    }


def test_a_recording_of_input_voices_speaks_in_every_node_that_takes_a_voice(machine):
    name = recording(machine)
    speak = change(graphs.speak(built_in_speaker=name), "speak", reference=None)
    machine.run(speak)
    report = machine.run(speak)["speak"][1][0]
    assert "5 to 15 s serve best" in report
    assert machine.run(encode(built_in_speaker=name))["encode"][1][0].startswith("1.0 s of speech in 1.0 s")


def test_a_changed_recording_is_read_again(machine):
    name = recording(machine)
    machine.run(encode(built_in_speaker=name))
    machine.run(encode(built_in_speaker=name))
    assert machine.executed == []
    recording(machine, seconds=1.5)
    machine.run(encode(built_in_speaker=name))
    assert "encode" in machine.executed


def test_encode_reference_takes_a_part_trims_silence_and_says_so(machine):
    name = recording(machine, seconds=2.0, front=3.0)
    trimmed = machine.run(encode(built_in_speaker=name))["encode"]
    assert trimmed[0][0].seconds == pytest.approx(2.15, abs=0.1) and "silence taken off: 2.8" in trimmed[1][0]
    whole = machine.run(encode(built_in_speaker=name, trim_silence=False))["encode"][0][0]
    assert whole.seconds == pytest.approx(5.0, abs=0.01)
    part = machine.run(encode(built_in_speaker=name, start_seconds=3.0, seconds=1.0))["encode"][0][0]
    assert part.seconds == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "name", ["voices/gone.wav [input]", "voices/../secret.wav [input]", "../x.wav [input]", "voices/a.wav [output]"]
)
def test_a_recording_outside_the_library_is_refused(machine, pack, name):
    (machine.base / "input" / "secret.wav").write_bytes(b"")
    with pytest.raises(pack.errors.InputError, match="There is no recording"):
        pack.voices.chosen_voice(None, name)


def test_the_list_holds_built_in_voices_recordings_and_saved_speakers_where_they_can_be_used(machine, pack, tmp_path):
    from dataclasses import replace

    from indextts2.values.files import save_value
    from tests.stages.speaking import tiny_speaker

    name = recording(machine)
    folder = machine.base / "output" / "indextts2"
    folder.mkdir(parents=True, exist_ok=True)
    save_value(folder / "dora.safetensors", replace(tiny_speaker(), fingerprint="", encoder_fingerprint=""))
    saved = "indextts2/dora.safetensors [output]"
    assert pack.voices.voice_input().options[-2:] == [saved, name]
    assert pack.voices.voice_input(saved=False).options[-1:] == [name]
    assert pack.voices.voice_input().options[:2] == ["first", "second"]
    machine.run(change(graphs.speak(built_in_speaker=saved), "speak", reference=None))
    with pytest.raises(pack.errors.InputError, match="is a saved speaker"):
        pack.voices.chosen_recording(None, saved)


def test_a_preset_is_added_in_emotion_weights_and_its_own_file_counts(machine):
    def weights(preset, **inputs):
        sliders = {**graphs.SLIDERS, "combine": "add", "scale": 1.0, "normalise_to": 0.0, "bias": False, "cap": False}
        graph = {
            "weights": node("EmotionWeights", **{**sliders, **inputs}, preset=preset),
            "show": host("PreviewAny", source=["weights", 1]),
        }
        return machine.run(graph)["weights"][0][0].named()

    assert dict(weights("bittersweet", angry=0.1)) == pytest.approx(
        {**graphs.SLIDERS, "happy": 0.35, "melancholic": 0.35, "angry": 0.1}
    )
    assert dict(weights("bittersweet", preset_strength=0.5))["happy"] == pytest.approx(0.175)
    assert not any(value for _, value in weights("none"))
    folder = machine.base / "models" / "indextts2" / "emotions"
    folder.mkdir(parents=True)
    (folder / "mine.json").write_text('{"giddy": {"happy": 0.5}}', encoding="utf-8")
    assert dict(weights("giddy"))["happy"] == 0.5
