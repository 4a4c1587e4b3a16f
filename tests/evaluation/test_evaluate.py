"""The evaluation as a whole, with a tiny corpus of tones and judges that know the answers."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from indextts2.config import EMOTIONS, MelConfig
from indextts2.contracts import DurationReport, Speech, Waveform
from indextts2.errors import MissingDependency, TrainingError
from indextts2.evaluation import (
    Listeners,
    ProtocolSettings,
    build_protocol,
    evaluate,
    listeners,
    recordings_of,
    resynthesis_error,
)
from indextts2.evaluation.evaluate import Heard, duration_figures, emotion_figures, lengths_follow_factors, run
from indextts2.evaluation.prosody import FEATURE_NAMES, ProsodyFeatures
from indextts2.training.data.corpus_data import Corpus

RATE = 24_000
PITCH = {"anna": 200.0, "ben": 110.0}
SMALL = ProtocolSettings(free=3, duration=2, emotion=2, probe=2, minimum_reference_seconds=0.1)


def tone_samples(pitch, seconds):
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.2 * sum(np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in (1, 2, 3))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two speakers; each reads neutral training lines, one line per emotion, and two held-out texts."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for speaker, pitch in PITCH.items():
        styles = ["neutral", "neutral", *EMOTIONS, *EMOTIONS, "neutral", "neutral"]
        for number, style in enumerate(styles):
            split = "test_text" if number >= len(styles) - 2 else "train"
            name = f"{speaker}_{number:05d}"
            soundfile.write(folder / f"{name}.wav", tone_samples(pitch, 0.5), RATE)
            rows.append(
                {
                    "id": name, "path": f"{name}.wav", "split": split, "speaker": speaker, "language": "en",
                    "source": {"generator": "kokoro-82m"}, "style": style, "text": f"{speaker} reads line {number}",
                    "phonemes": "a", "phoneme_durations": [5, 10, 5], "seconds": 0.5, "sample_rate": RATE,
                    "bandwidth_hz": 12_000,
                }
            )  # fmt: skip
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def speech(request, *, tokens=20, asked=None, seconds=0.5):
    samples = torch.from_numpy(tone_samples(PITCH[request.speaker], seconds).astype(np.float32))[None, None]
    report = DurationReport("", "free", asked, tokens, sample_target=asked and 500, sample_count=None)
    return Speech(Waveform(samples, RATE), (report,))


def pitch_of(waveform):
    spectrum = np.abs(np.fft.rfft(waveform.samples[0, 0].numpy()))
    return np.eye(2)[int(spectrum.argmax() * waveform.sample_rate / waveform.samples.shape[-1] > 150.0)]


def judges():
    return Listeners(
        transcribe=lambda waveform: "reads line", embed=pitch_of, quality=lambda waveform: {"overall": 3.0, "p808": 3.5}
    )


def test_a_protocol_asks_held_out_texts_with_a_reference_of_the_same_speaker(corpus):
    protocol = build_protocol(corpus, SMALL)
    assert len(protocol.of_kind("free")) == 3
    seeds = {request.text: request.seed for request in protocol.of_kind("duration")}
    assert all(request.seed == seeds[request.text] for request in protocol.of_kind("duration"))
    assert len(protocol.of_kind("duration")) == 2 * 5 and len(protocol.of_kind("emotion")) == 2 * 9
    for request in protocol.requests:
        assert request.split == "test_text" and request.reference.speaker == request.speaker
        assert request.reference.text != request.text and request.reference.style == "neutral"


def test_the_same_seed_asks_the_same_and_every_request_has_its_own_id(corpus):
    first, second = build_protocol(corpus, SMALL), build_protocol(corpus, SMALL)
    assert first.requests == second.requests
    assert len({request.id for request in first.requests}) == len(first.requests)


def test_emotion_requests_carry_one_hot_weights_and_neutral_none(corpus):
    for request in build_protocol(corpus, SMALL).of_kind("emotion"):
        if request.style == "neutral":
            assert request.emotion is None
        else:
            assert request.emotion.values[EMOTIONS.index(request.style)] == 1.0 == sum(request.emotion.values)


def test_the_probe_learns_from_training_recordings_of_every_emotion_and_of_neutral(corpus):
    probe = build_protocol(corpus, SMALL).probe
    assert {item.split for item in probe} == {"train"}
    assert {item.style for item in probe} == {"neutral", *EMOTIONS}
    assert all(sum(item.style == name for item in probe) == 2 for name in EMOTIONS)


def test_a_corpus_without_held_out_texts_is_refused_by_name(corpus):
    with pytest.raises(TrainingError, match=rf"{corpus.name} has no English .* test_speaker.*corpus_held_out\.yaml"):
        build_protocol(corpus, ProtocolSettings(splits=("test_speaker",)))


def copied(corpus, folder, change):
    """The corpus under another name; change: what a manifest line gets, None leaves the line out."""
    folder.mkdir()
    lines = []
    for line in (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        changed = change(row)
        if changed is not None:
            os.link(corpus / row["path"], folder / row["path"])
            lines.append(json.dumps(row | changed) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def test_a_corpus_of_another_generator_can_be_measured(corpus, tmp_path):
    own = copied(corpus, tmp_path / "own", lambda row: {"source": {"generator": "human"}})
    asked = [request.text for request in build_protocol(corpus, SMALL).requests]
    assert [request.text for request in build_protocol(own, SMALL).requests] == asked


def test_synthesizers_beside_the_teacher_are_left_out(corpus, tmp_path):
    def change(row):
        return {"source": {"generator": "flite"}} if row["speaker"] == "ben" else {}

    mixed = build_protocol(copied(corpus, tmp_path / "mixed", change), SMALL)
    assert {request.speaker for request in mixed.requests} == {"anna"}


def test_held_out_texts_without_a_reference_are_refused(corpus, tmp_path):
    def change(row):
        return {"style": "sad"} if row["split"] == "test_text" else None

    with pytest.raises(TrainingError, match="None of the 4 held-out texts .* has a reference"):
        build_protocol(copied(corpus, tmp_path / "alone", change), SMALL)


def test_figures_of_speech_that_judges_know(corpus):
    protocol = build_protocol(corpus, SMALL)

    def synthesise(request):
        factor = request.duration.value or 1.0
        return speech(request, tokens=18, asked=20 if request.kind == "duration" else None, seconds=0.5 * factor)

    steps = []
    result = evaluate(synthesise, protocol, judges(), progress=lambda done, total: steps.append((done, total)))
    free, duration = result.figures["free"], result.figures["duration"]
    assert free["word_error_rate"] == 0.5  # "anna reads line 3" was heard as "reads line"
    assert free["similarity_same"] == 1.0 and free["similarity_other"] == 0.0
    assert free["quality"] == {"overall": 3.0, "p808": 3.5}
    assert list(duration) == ["0.75", "0.875", "1", "1.125", "1.25"]
    assert duration["1"]["token_error"] == pytest.approx(0.1) and duration["1"]["exact_token_share"] == 0.0
    assert duration["1"]["sample_error"] == 11_500
    assert result.figures["duration_ordered"] == 1.0
    assert result.figures["emotion"]["chance"] == 0.125
    assert steps[-1] == (len(protocol.requests), len(protocol.requests))


def test_judges_that_are_none_leave_their_figures_out(corpus):
    settings = ProtocolSettings(free=2, duration=0, emotion=0, minimum_reference_seconds=0.1)
    result = evaluate(speech, build_protocol(corpus, settings), Listeners())
    assert list(result.figures) == ["free"]
    assert "word_error_rate" not in result.figures["free"] and result.figures["free"]["similarity_same"] is None


def test_broken_speech_counts_as_nothing_heard_and_does_not_stop_the_run(corpus):
    settings = ProtocolSettings(free=2, duration=0, emotion=0, minimum_reference_seconds=0.1)
    broken = Speech(Waveform(torch.full((1, 1, RATE), float("nan")), RATE))
    result = evaluate(lambda request: broken, build_protocol(corpus, settings), judges())
    assert result.figures["free"]["word_error_rate"] == 1.0


def test_recordings_stand_in_for_a_checkpoint(corpus):
    settings = ProtocolSettings(free=2, duration=0, emotion=0, minimum_reference_seconds=0.1)
    protocol = build_protocol(corpus, settings)
    result = evaluate(recordings_of(protocol), protocol, judges())
    assert result.figures["free"]["similarity_same"] == 1.0


def test_the_report_is_written_as_json_and_markdown(corpus, tmp_path):
    run(speech, corpus, tmp_path / "out", name="tones", settings=SMALL, listeners=judges())
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["figures"]["free"]["word_error_rate"] == 0.5 and report["settings"]["free"] == 3
    assert len(report["requests"]) == 3 + 10 + 18
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "# Evaluation of tones" in text and "| 0.75 |" in text and "50.0 %" in text


def emotion_request(corpus, style, speaker):
    protocol = build_protocol(corpus, SMALL)
    return next(item for item in protocol.of_kind("emotion") if item.style == style and item.speaker == speaker)


def test_emotions_with_their_own_prosody_are_found_and_equal_ones_are_not(corpus):
    random = np.random.default_rng(0)

    def features(style, strength):
        values = random.normal(0.0, 0.1, len(FEATURE_NAMES))
        if style != "neutral":
            values[EMOTIONS.index(style)] += strength
        return values

    def rows(strength):
        return [
            (name, style, features(style, strength))
            for name in PITCH for style in ("neutral", *EMOTIONS) for _ in range(6)
        ]  # fmt: skip

    def heard(strength):
        return [
            Heard(emotion_request(corpus, style, name), 1.0, features=ProsodyFeatures(*values))
            for name, style, values in rows(strength)
        ]

    clear, flat = emotion_figures(heard(3.0), rows(3.0)), emotion_figures(heard(0.0), rows(3.0))
    assert clear["probe_transfer"] > 0.9 and clear["probe_own"] > 0.9 and clear["probe_corpus"] > 0.9
    assert flat["probe_transfer"] < 0.4 and flat["probe_own"] < 0.4
    assert set(clear["by_emotion"]) == set(EMOTIONS) == set(clear["moves"])
    for name in EMOTIONS:  # the pitch of the first one moves, in the recordings and in the clear speech
        moved = 3.0 if name == EMOTIONS[0] else 0.0
        assert clear["moves"][name]["pitch, semitones, spoken"] == pytest.approx(moved, abs=0.3)
        assert flat["moves"][name]["pitch, semitones, spoken"] == pytest.approx(0.0, abs=0.3)
        assert flat["moves"][name]["pitch, semitones, recorded"] == pytest.approx(moved, abs=0.3)
    assert all(sum(told.values()) >= 6 for told in clear["confusion"].values())
    assert clear["by_emotion"]["sad"]["probe_own"] == clear["confusion"]["sad"]["sad"] / sum(
        clear["confusion"]["sad"].values()
    )


def test_one_recording_of_an_emotion_leaves_only_the_cross_validation_out(corpus, caplog):
    random = np.random.default_rng(0)
    rows = [("anna", style, random.normal(size=len(FEATURE_NAMES))) for style in ("neutral", "happy", "happy", "sad")]
    heard = [
        Heard(emotion_request(corpus, style, speaker), 1.0, features=ProsodyFeatures(*values))
        for speaker, style, values in rows
    ]
    figures = emotion_figures(heard, rows)
    assert "probe_transfer" in figures and "probe_corpus" not in figures
    assert "recordings themselves was left out: Cross validation needs two utterances" in caplog.text


def test_lengths_that_ignore_the_factor_are_not_called_ordered(corpus):
    requests = build_protocol(corpus, SMALL).of_kind("duration")
    assert lengths_follow_factors([Heard(request, 1.0) for request in requests]) == 0.0
    assert duration_figures([Heard(request, 1.0) for request in requests])["1"]["token_error"] is None


def test_resynthesis_compares_the_vocoder_with_the_recordings(corpus):
    mel = MelConfig()
    heard = iter(["anna reads line 18", "silence"] * 100)

    def vocoder(spectrogram):
        assert spectrogram.shape[:2] == (1, mel.bands)
        return torch.zeros(1, 1, spectrogram.shape[-1] * mel.hop) + 0.1

    report = resynthesis_error(vocoder, Corpus.open([corpus]), mel, count=2, hear=lambda waveform: next(heard))
    assert report.utterances == 2 and report.word_error_rate > report.recording_word_error_rate
    assert report.p808 is None


@pytest.mark.parametrize(
    ("module", "ask", "command"),
    [
        ("moonshine_voice", listeners.transcribe, "moonshine-voice"),
        ("resemblyzer", listeners.speaker_embedding, "Resemblyzer"),
        ("speechmos", listeners.dnsmos, "speechmos"),
    ],
)
def test_a_missing_judge_names_its_install_command(monkeypatch, module, ask, command):
    listeners._recogniser.cache_clear()
    listeners._speaker_encoder.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match=f"pip install.*{command}"):
        ask(Waveform(torch.zeros(1, 1, 16_000), 16_000))


def test_a_judge_without_a_package_it_needs_itself_names_that_package(monkeypatch, tmp_path):
    """speechmos imports onnxruntime, which it does not ask for: the message must not send anyone after speechmos."""
    (tmp_path / "speechmos").mkdir()
    (tmp_path / "speechmos" / "__init__.py").write_text("import onnxruntime\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "speechmos", raising=False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="module onnxruntime is missing.*pip install.*onnxruntime"):
        listeners.dnsmos(Waveform(torch.zeros(1, 1, 16_000), 16_000))


def test_the_evaluate_extra_brings_every_package_that_the_install_commands_name():
    tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml needs Python 3.11")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    extra = " ".join(project["project"]["optional-dependencies"]["evaluate"]).lower()
    named = " ".join((listeners.INSTALL_TRANSCRIBE, listeners.INSTALL_SPEAKER, listeners.INSTALL_QUALITY))
    packages = re.findall(r"(?<= )[a-zA-Z][\w-]+", re.sub(r"pip install|--[\w-]+|&&", "", named))
    assert "onnxruntime" in packages and len(packages) == 5
    missing = {package for package in packages if package.lower() not in extra}
    assert missing == {"Resemblyzer"}  # it asks for a package that compiles, so it is installed with --no-deps


def test_the_real_recogniser_hears_nothing_in_silence():
    pytest.importorskip("moonshine_voice", reason="the optional recogniser is not installed")
    assert listeners.transcribe(Waveform(torch.zeros(1, 1, 16_000), 16_000)) == ""
