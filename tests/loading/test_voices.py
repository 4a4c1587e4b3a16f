"""The voice library: built-in voices, recordings and saved speakers by name."""

from __future__ import annotations

import pytest
import torch

from indextts2.audio.io import write_wav
from indextts2.cli.main import main
from indextts2.contracts import Waveform
from indextts2.errors import InputError
from indextts2.loading.find import built_in_references
from indextts2.loading.voices import VOICES_VARIABLE, voice_library, voice_named
from indextts2.values.files import save_value
from tests.stages.speaking import tiny_speaker


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "narrators").mkdir()
    noise = 0.1 * torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(0))
    for name in ("anna.wav", "narrators/ben.flac", ".hidden.wav"):
        write_wav(tmp_path / name.replace(".flac", ".wav"), Waveform(noise, 24_000))
    (tmp_path / "notes.txt").write_text("not a voice", encoding="utf-8")
    (tmp_path / "carl.safetensors").write_bytes(b"")
    return tmp_path


def test_voices_are_named_by_their_path_and_built_in_ones_come_first(folder):
    library = voice_library([folder, folder / "missing"])
    built_in = list(built_in_references())
    assert list(library) == [*built_in, "anna.wav", "carl.safetensors", "narrators/ben.wav"]
    assert voice_named("anna", library) == folder / "anna.wav"
    assert voice_named("narrators/ben", library) == folder / "narrators" / "ben.wav"


def test_an_unknown_or_ambiguous_name_lists_what_there_is(folder):
    write_wav(folder / "carl.wav", Waveform(torch.zeros(1, 1, 10), 8_000))
    library = voice_library([folder])
    with pytest.raises(InputError, match=r"no speaker 'dora'; there are: .*anna\.wav"):
        voice_named("dora", library)
    with pytest.raises(InputError, match="Several speakers are called 'carl'"):
        voice_named("carl", library)
    assert voice_named("carl.wav", library) == folder / "carl.wav"


def spoken(folder, checkpoint, monkeypatch, *arguments):
    monkeypatch.setenv(VOICES_VARIABLE, str(folder))
    given = ["speak", "Hello there.", "--checkpoint", str(checkpoint), "-o", str(folder / "out.wav"), "--steps", "1"]
    return main([*given, "--tokens", "12", "--no-cache", "--device", "cpu", *arguments])


def test_speak_takes_recordings_parts_of_them_and_saved_speakers_by_name(folder, tiny_checkpoint, monkeypatch, capsys):
    from dataclasses import replace

    speaker = replace(tiny_speaker(), fingerprint="", encoder_fingerprint="")
    save_value(folder / "dora.safetensors", speaker)
    assert spoken(folder, tiny_checkpoint, monkeypatch, "--voice", "anna", "--reference-start", "0.2") == 0
    assert "5 to 15 s serve best" in capsys.readouterr().out
    assert spoken(folder, tiny_checkpoint, monkeypatch, "--voice", "dora") == 0
    assert spoken(folder, tiny_checkpoint, monkeypatch, "--voice", "dora", "--reference-start", "1") == 2
    assert "saved speaker" in capsys.readouterr().err
    assert spoken(folder, tiny_checkpoint, monkeypatch, "--voice", "anna", "--reference-start", "2") == 1
    assert "nothing is left" in capsys.readouterr().err


def test_speak_takes_an_emotion_preset_by_name(folder, tiny_checkpoint, monkeypatch, capsys):
    for emotion in ("bittersweet", "bittersweet=.5,angry=.1"):
        assert spoken(folder, tiny_checkpoint, monkeypatch, "--voice", "anna", "--emotion", emotion) == 0
    assert spoken(folder, tiny_checkpoint, monkeypatch, "--emotion", "bitterswete") == 2
    assert "bittersweet" in capsys.readouterr().err
