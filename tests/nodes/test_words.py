"""Captions and lip sync in the host."""

from __future__ import annotations

import pytest

from tests.nodes import graphs

LAYOUT = {"width": 42, "rows": 2, "reading_speed": 20.0, "speakers": True, "word_times": False}
VIDEO = {"frame_rate": 25.0, "frame_step": 8, "sample_rate": 44_100, "stereo": True, "room_tone": -65.0, "seed": 0}


@pytest.fixture
def graph(machine):
    """Speak, its captions and its tracks for a video model."""
    chain = graphs.speak()
    return chain | {
        "captions": graphs.node("SaveCaptions", words=["speak", 2], kind="srt", filename_prefix="captions/a", **LAYOUT),
        "lips": graphs.node("PrepareLipSync", audio=["speak", 0], words=["speak", 2], **VIDEO),
        "track": graphs.host("SaveAudio", audio=["lips", 0], filename_prefix="audio/track"),
    }


def test_speech_gets_captions_in_the_output_folder_and_tracks_of_whole_frames(machine, graph):
    results = machine.run(graph)
    text, name, report = (values[0] for values in results["captions"])
    assert text.startswith("1\n00:00:0") and report.startswith("1 caption")
    path = machine.base / "output" / name.removesuffix(" [output]")
    assert path.suffix == ".srt" and path.read_text(encoding="utf-8") == text
    track, clean, frames, mouth = results["lips"]
    assert frames[0] % 8 == 1 and len(mouth) == frames[0]
    assert track[0]["waveform"].shape == clean[0]["waveform"].shape == (1, 2, frames[0] * 1764)


def test_the_chain_of_single_nodes_says_its_words_as_they_are_heard(machine):
    graph = graphs.change(graphs.chain(text="<at 0.3s> Hello there."), "t2s", duration=None)
    results = machine.run(graphs.change(graph, "vocoder", words=["t2s", 2]))
    (words,), (sound,) = results["vocoder"][2], results["vocoder"][0]
    assert [word.text for word in words.words] == ["Hello", "there."]
    assert words.words[0].asked == round(0.3 * words.sample_rate) <= words.words[0].start
    assert words.sample_count == sound["waveform"].shape[-1]
    assert machine.run(graph)["vocoder"][2] == [None]
