"""IndexTTS-2.5 opens, loads, converts and speaks through the same functions as IndexTTS-2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from indextts2.contracts import Duration, Emotion, EmotionWeights, Waveform
from indextts2.errors import CheckpointError, CheckpointMismatch, ConfigError
from indextts2.loading.checkpoint import load_speech, load_t2s, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe
from indextts2.loading.parts import checkpoint_parts
from indextts2.models.resampling_codec import ResamplingCodec
from indextts2.sampling import SamplingSettings
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.duration import Clock
from indextts2.stages.emotion.bank import speaker_emotion
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
from indextts2.stages.revoice import audio_to_semantic
from indextts2.stages.semantic_to_mel import FlowSettings, semantic_to_mel
from indextts2.stages.speak import SpeakSettings, speak
from indextts2.stages.t2s.batches import DecodingSettings
from indextts2.stages.t2s.prefix import Phase, build_prefix, prefill
from indextts2.stages.t2s.text_to_semantic import text_to_semantic

from ..conftest import TINY, TINY_V25, TINY_VOCABULARY, random_parts
from .official_writer import config_v25, write_official, write_official_v25

SHORT = SamplingSettings(max_tokens=24)
QUICK = FlowSettings(steps=2)
TEXT = "The river runs past the old mill."


@pytest.fixture(scope="module")
def parts():
    return random_parts(TINY_V25)


@pytest.fixture(scope="module")
def official(parts, tmp_path_factory) -> Path:
    return write_official_v25(tmp_path_factory.mktemp("v25") / "IndexTTS-2.5", TINY_V25, parts, TINY_VOCABULARY)


@pytest.fixture(scope="module")
def models(official):
    return load_speech(open_checkpoint(official))


@pytest.fixture(scope="module")
def older(tiny_checkpoint):
    return load_speech(open_checkpoint(tiny_checkpoint))


@pytest.fixture(scope="module")
def recording():
    generator = torch.Generator().manual_seed(5)
    return Waveform(0.3 * torch.randn(1, 1, 24_000, generator=generator), 16_000)


@pytest.fixture(scope="module")
def speaker(models, recording):
    return condition_speaker(models.t2s, encode_reference(models.encoder, recording))


# ---- opening --------------------------------------------------------------------------------------------------------


def test_the_files_tell_the_generation_whatever_the_version_says(official):
    assert yaml.safe_load((official / "config.yaml").read_text())["version"] == 2.0
    config = open_checkpoint(official).config
    assert config.t2s.speaker_from == "style" and config.s2m.content == "decoder" and config.codec.downsample == 2
    assert config.text.kind == "multilingual" and config.text.tokenizer == TINY_V25.text.tokenizer
    assert (config.name, config.version) == ("IndexTTS-2.5", "2.5")
    assert config.tokens_per_second == 25.0 and config.frames_per_token == pytest.approx(3.44)


def test_an_older_model_stays_one_although_its_version_says_otherwise(tiny_parts, tiny_tokenizer, tmp_path):
    folder = write_official(tmp_path / "o", TINY, tiny_parts, tiny_tokenizer)
    text = (folder / "config.yaml").read_text().replace("version: test", "version: 2.5")
    (folder / "config.yaml").write_text(text)
    (folder / "codec.pth").write_bytes(b"of another folder")
    assert open_checkpoint(folder).config.t2s.speaker_from == "features"
    load_t2s(open_checkpoint(folder))


@pytest.mark.parametrize("sign", ["codec.pth", "some.tiktoken", "number_text_tokens"])
def test_without_weights_the_other_files_tell(tmp_path, sign):
    text = config_v25(TINY_V25)
    if sign == "number_text_tokens":
        text = text.replace("number_text_tokens: 2236", "number_text_tokens: 60509")
    else:
        (tmp_path / sign).write_bytes(b"")
    (tmp_path / "config.yaml").write_text(text)
    assert open_checkpoint(tmp_path).config.s2m.content == "decoder"


def test_an_unknown_key_is_reported_and_ignored_here_and_refused_in_an_older_file(tmp_path, caplog):
    (tmp_path / "codec.pth").write_bytes(b"")
    (tmp_path / "config.yaml").write_text(config_v25(TINY_V25, something_new=3))
    with caplog.at_level("WARNING"):
        open_checkpoint(tmp_path)
    assert "something_new" in caplog.text
    (tmp_path / "codec.pth").unlink()
    with pytest.raises(ConfigError, match="something_new"):
        open_checkpoint(tmp_path)


def test_every_part_is_found_and_described(official):
    checkpoint = open_checkpoint(official)
    assert checkpoint.missing == () and set(checkpoint_parts()) <= set(checkpoint.files)
    assert checkpoint.files["codec"][0].name == "codec.pth"
    told = describe(checkpoint, verify=True)
    assert told["complete"] and told["version"] == "2.5" and not told["damaged"]


def test_a_missing_tensor_is_named(official, parts, tmp_path):
    lacking = {**parts, "codec": {key: value for key, value in parts["codec"].items() if not key.startswith("up.")}}
    folder = write_official_v25(tmp_path / "o", TINY_V25, lacking, TINY_VOCABULARY)
    with pytest.raises(CheckpointError, match=r"up\.weight"):
        load_speech(open_checkpoint(folder))


# ---- both layouts, every precision ----------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8"])
def test_a_converted_checkpoint_speaks_and_says_what_it_is(official, recording, tmp_path, precision):
    convert(open_checkpoint(official), tmp_path / "native", precision=precision)
    converted = open_checkpoint(tmp_path / "native")
    opened = open_checkpoint(official)
    assert converted.config == opened.config and converted.fingerprints == opened.fingerprints
    models = load_speech(converted)
    spoken = speak(models, TEXT, recording, settings=SpeakSettings(sampling=SHORT, flow=QUICK))
    assert spoken.waveform.samples.shape[-1] > 0


def test_each_side_of_the_codec_is_loaded_where_it_is_needed(models, parts):
    encoder, s2m = models.encoder.codec, models.s2m.codec
    assert isinstance(encoder, ResamplingCodec) and isinstance(s2m, ResamplingCodec)
    assert {key.split(".")[0] for key in encoder.state_dict()} == {"down", "encoder", "quantizer"}
    assert {key.split(".")[0] for key in s2m.state_dict()} == {"up", "decoder", "quantizer"}
    torch.testing.assert_close(s2m.state_dict()["up.weight"], parts["codec"]["up.weight"])


# ---- the chain ------------------------------------------------------------------------------------------------------


def test_a_reference_has_half_as_many_tokens_as_features_and_a_speaker_one_latent(models, recording, speaker):
    reference = encode_reference(models.encoder, recording)
    assert reference.tokens.shape[1] == -(-reference.features.shape[1] // 2)
    assert speaker.condition.shape == (1, 1, TINY_V25.t2s.dim)
    assert torch.equal(speaker.prompt_quantized, reference.features)


def test_no_second_pass_is_made_and_every_row_is_decoded_alone(models, speaker):
    text = prepare_text(models.t2s.front_end, TEXT + " " + TEXT * 3, segment_tokens=30)
    semantic = text_to_semantic(models.t2s, text, speaker, sampling=SHORT)
    assert len(text.segments) > 1 and semantic.latent is None and semantic.downsample == 2
    mel = semantic_to_mel(models.s2m, semantic, speaker, flow=QUICK)
    clock = Clock.of(models.s2m.config)
    assert mel.frame_lengths.tolist() == [int(2 * int(n) * 1.72) for n in semantic.token_lengths]
    assert mel.frame_lengths.tolist() == [clock.natural_frames(int(n)) for n in semantic.token_lengths]
    alone = replace(
        semantic, tokens=semantic.tokens[:1, : int(semantic.token_lengths[0])],
        token_lengths=semantic.token_lengths[:1], frame_targets=semantic.frame_targets[:1],
        sample_targets=semantic.sample_targets[:1], pauses=semantic.pauses[:1],
    )  # fmt: skip
    own = semantic_to_mel(models.s2m, alone, speaker, flow=QUICK).mel
    torch.testing.assert_close(own, mel.mel[:1, :, : own.shape[-1]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "duration",
    [Duration("seconds", 1.0), Duration("frames", 70), Duration("samples", 20_001)],
)
@pytest.mark.parametrize("takes", [1, 3])
def test_lengths_are_met_to_the_sample(models, recording, duration, takes):
    flow = replace(QUICK, allow_any_stretch=True)
    settings = SpeakSettings(sampling=SHORT, decoding=DecodingSettings(takes=takes), flow=flow)
    spoken = speak(models, TEXT, recording, duration=duration, settings=settings)
    wanted = {"seconds": 22_050 * duration.value, "frames": 256 * duration.value, "samples": duration.value}
    assert spoken.waveform.samples.shape[-1] == wanted[duration.unit]


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.07, 1.9])
def test_a_factor_stretches_the_natural_tokens_as_the_released_program_does(models, speaker, factor):
    text = prepare_text(models.t2s.front_end, TEXT)
    semantic = text_to_semantic(models.t2s, text, speaker, duration=Duration("factor", factor), sampling=SHORT)
    free = text_to_semantic(models.t2s, text, speaker, sampling=SHORT)
    assert torch.equal(semantic.tokens, free.tokens)
    count = int(semantic.token_lengths[0])
    assert semantic.frame_targets.tolist() == [int(2 * count * 1.72 * factor)]


def test_the_language_changes_what_is_spoken(models, speaker):
    rows = {}
    for language in ("en", "de"):
        text = prepare_text(models.t2s.front_end, TEXT, language=language)
        assert {segment.language for segment in text.segments} == {language}
        rows[language] = text_to_semantic(models.t2s, text, speaker, sampling=SHORT).tokens
    assert not torch.equal(rows["en"], rows["de"])


def test_emotion_weights_reach_the_model(models, speaker):
    emotion = speaker_emotion(models.t2s, EmotionWeights.of(happy=0.8), speaker)
    assert not torch.allclose(emotion.vector, speaker.emotion_vector)
    model = models.t2s.model
    states = [
        prefill(
            model, build_prefix(model, speaker.condition, [Phase(0, v)], model.duration_slots(None), [5], language=0)
        )
        for v in (emotion.vector, speaker.emotion_vector)
    ]
    assert not torch.allclose(states[0].state, states[1].state)


def test_a_recording_is_spoken_by_another_voice(models, recording, speaker):
    semantic = audio_to_semantic(models.encoder, recording)
    assert semantic.downsample == 2
    mel = semantic_to_mel(models.s2m, semantic, speaker, flow=replace(QUICK, allow_any_stretch=True))
    assert mel.sample_targets.tolist() == [round(24_000 * 22_050 / 16_000)]


# ---- mixtures -------------------------------------------------------------------------------------------------------


def unmarked(value):
    """A value whose checkpoint is unknown, as one made by hand."""
    marks = {name: "" for name in ("fingerprint", "encoder_fingerprint") if hasattr(value, name)}
    return replace(value, **marks)


@pytest.mark.parametrize("turned", [False, True])
def test_a_speaker_of_the_other_generation_is_refused_by_name(models, older, recording, turned):
    mine, other = (older, models) if turned else (models, older)
    stranger = condition_speaker(other.t2s, encode_reference(other.encoder, recording))
    text = prepare_text(mine.t2s.front_end, TEXT)
    with pytest.raises(CheckpointMismatch, match=r"latents.*IndexTTS-2"):
        text_to_semantic(mine.t2s, text, unmarked(stranger), sampling=SHORT)


@pytest.mark.parametrize("turned", [False, True])
def test_a_text_of_the_other_generation_is_refused_by_name(models, older, recording, turned):
    mine, other = (older, models) if turned else (models, older)
    own = condition_speaker(mine.t2s, encode_reference(mine.encoder, recording))
    with pytest.raises(CheckpointMismatch, match=r"prepared .*IndexTTS-2"):
        text_to_semantic(mine.t2s, prepare_text(other.t2s.front_end, TEXT), own, sampling=SHORT)


@pytest.mark.parametrize("turned", [False, True])
def test_tokens_of_the_other_generation_are_refused_by_name(models, older, recording, turned):
    mine, other = (older, models) if turned else (models, older)
    own = condition_speaker(mine.t2s, encode_reference(mine.encoder, recording))
    semantic = unmarked(audio_to_semantic(other.encoder, recording))
    with pytest.raises(CheckpointMismatch, match=r"tokens a second"):
        semantic_to_mel(mine.s2m, semantic, unmarked(own), flow=QUICK)


def test_the_strength_of_latents_that_do_not_exist_is_reported(models, recording):
    settings = SpeakSettings(sampling=SHORT, flow=replace(QUICK, latent_strength=0.5))
    spoken = speak(models, TEXT, recording, settings=settings)
    assert any("without latents" in warning for report in spoken.reports for warning in report.warnings)


def test_emotion_guidance_works_and_latent_guidance_says_that_there_are_no_latents(models, recording, speaker):
    text, emotion = prepare_text(models.t2s.front_end, TEXT), Emotion(-9.0 * speaker.emotion_vector)
    plain, guided = (
        text_to_semantic(
            models.t2s,
            text,
            speaker,
            emotion,
            sampling=replace(SHORT, mode="sample", emotion_guidance=strength),
        )
        for strength in (1.0, 20.0)
    )
    assert not torch.equal(plain.tokens, guided.tokens)
    mel = semantic_to_mel(models.s2m, guided, speaker, flow=replace(QUICK, latent_guidance=2.0))
    assert torch.equal(mel.mel, semantic_to_mel(models.s2m, guided, speaker, flow=QUICK).mel)
    assert any("latent guidance changes nothing" in warning for warning in mel.reports[0].warnings)
