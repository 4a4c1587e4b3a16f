"""Corpus reading, spectral losses and the training of the vocoder at toy size."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from indextts2.audio.mel import log_mel
from indextts2.config import MelConfig, VocoderConfig
from indextts2.errors import TrainingError
from indextts2.models.vocoder import AntiAliasedActivation, Vocoder
from indextts2.training.data.corpus_data import Corpus, decode
from indextts2.training.loop.curves import read_log
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.recipe import load_recipe
from indextts2.training.loop.state import export_weights, load_state
from indextts2.training.loop.trainer import train
from indextts2.training.vocoder.discriminators import (
    Discriminators,
    DiscriminatorSettings,
    adversarial_loss,
    discriminator_loss,
    feature_distance,
)
from indextts2.training.vocoder.fused_activation import fuse
from indextts2.training.vocoder.spectral_losses import (
    SpectralLossSettings,
    low_band_distance,
    mel_distance,
    stft_distance,
)
from indextts2.training.vocoder.train import GENERATOR, VocoderPart, VocoderRecipe, with_longer_taps

soundfile = pytest.importorskip("soundfile")

RATE = 24_000
TOY_MEL = MelConfig(sample_rate=RATE, fft_size=64, window=64, hop=16, bands=8)
TOY_VOCODER = VocoderConfig(
    bands=8,
    initial_channels=32,
    upsample_rates=(4, 4),
    upsample_kernels=(8, 8),
    residual_kernels=(3,),
    residual_dilations=((1, 3, 5),),
)
TOY_JUDGES = DiscriminatorSettings(periods=(2, 3), period_widths=(4, 6), fft_sizes=(32,), spectrum_widths=(4, 4))


def entry(number, *, split="train", seconds=0.3, **changes):
    return {
        "id": f"utterance_{number}",
        "path": f"audio/{number}.wav",
        "split": split,
        "speaker": f"speaker_{number % 2}",
        "source": {"generator": "toy"},
        "language": "en",
        "text": "A.",
        "phonemes": "ɐ.",
        "phoneme_durations": [1, 4, 2, 5],
        "seconds": seconds,
        "sample_rate": RATE,
        "bandwidth_hz": 12_000,
    } | changes


def write_corpus(folder, entries):
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for item in entries:
        time = np.arange(round(item["seconds"] * RATE)) / RATE
        number = int(item["id"].split("_")[-1])
        wave = 0.4 * np.sin(2 * np.pi * (300 + 100 * number) * time)
        soundfile.write(folder / item["path"], wave, RATE, subtype="PCM_16")
    (folder / "manifest.jsonl").write_text("\n".join(json.dumps(item) for item in entries) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def corpus_folder(tmp_path):
    entries = [entry(n) for n in range(4)] + [entry(4, split="test_text"), entry(5, bandwidth_hz=8000)]
    return write_corpus(tmp_path / "corpus", entries)


def toy_recipe(corpus_folder, **changes):
    loop = LoopSettings(
        max_steps=60, learning_rate=3e-3, log_steps=5, evaluate_steps=30, ema_decay=0.9, betas=(0.8, 0.99), cpu=True
    )
    recipe = VocoderRecipe(
        loop=loop,
        corpora=(str(corpus_folder),),
        cache=str(corpus_folder.parent / "cache"),
        batch_size=2,
        segment_frames=32,
        held_out_clips=1,
        held_out_frames=40,
        losses=SpectralLossSettings(stft_sizes=(32, 64), mel_sizes=(64,), mel_bands=(6,)),
    )
    return replace(recipe, **changes)


def test_manifest_fields_arrive_typed_and_unknown_ones_are_kept(tmp_path):
    folder = write_corpus(tmp_path, [entry(0, mood="new field")])
    utterance = Corpus.open([folder]).utterances[0]
    assert utterance.phoneme_durations == (1, 4, 2, 5)
    assert utterance.generator == "toy" and utterance.extra == {"mood": "new field"}


def test_corpora_are_joined_and_filtered(corpus_folder, tmp_path):
    other = write_corpus(tmp_path / "other", [entry(9, language="de", phoneme_durations=None)])
    corpus = Corpus.open([corpus_folder, other])
    assert len(corpus) == 7 and corpus.seconds == pytest.approx(2.1)
    assert len(corpus.filter(splits=("train",))) == 6
    assert [u.id for u in corpus.filter(languages=("de",)).utterances] == ["utterance_9"]
    assert len(corpus.filter(minimum_bandwidth_hz=11_000, with_durations=True)) == 5
    with pytest.raises(TrainingError, match="loosen"):
        corpus.filter(minimum_seconds=10.0)


def test_waveform_is_resampled_and_comes_from_the_cache_the_second_time(corpus_folder, tmp_path, monkeypatch):
    corpus = Corpus.open([corpus_folder], cache=tmp_path / "cache")
    utterance = corpus.utterances[0]
    for rate in (RATE, 22_050, 16_000):
        assert corpus.waveform(utterance, rate).shape == (round(0.3 * rate),)
    first = corpus.waveform(utterance, 16_000)
    assert float(first.abs().max()) == pytest.approx(0.4, abs=0.02)
    monkeypatch.setattr("indextts2.training.data.corpus_data.decode", lambda *_: pytest.fail("decoded twice"))
    assert corpus.waveform(utterance, 16_000).equal(first)
    assert not list((tmp_path / "cache").rglob("*.tmp"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phoneme_durations": [1, 2]}, "utterance 1: 2 durations for 2 phoneme characters"),
        ({"path": "audio/absent.wav"}, "absent.wav' does not exist"),
    ],
)
def test_a_damaged_manifest_is_refused_with_its_line(tmp_path, changes, words):
    write_corpus(tmp_path, [entry(0)])
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry(0, **changes)), encoding="utf-8")
    with pytest.raises(TrainingError, match=words):
        Corpus.open([tmp_path])


def test_a_missing_manifest_torn_json_and_doubled_ids_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="cannot be read"):
        Corpus.open([tmp_path])
    (tmp_path / "manifest.jsonl").write_text('{"id": ', encoding="utf-8")
    with pytest.raises(TrainingError, match="not JSON: .*line 1"):
        Corpus.open([tmp_path])
    write_corpus(tmp_path, [entry(0)])
    with pytest.raises(TrainingError, match="more than once"):
        Corpus.open([tmp_path, tmp_path])


def test_audio_that_contradicts_its_manifest_is_refused(tmp_path):
    write_corpus(tmp_path, [entry(0)])
    utterance = Corpus.open([tmp_path]).utterances[0]
    with pytest.raises(TrainingError, match="manifest says 0.900"):
        decode(replace(utterance, seconds=0.9), RATE)


def test_spectral_distances_vanish_for_equal_audio_and_grow_with_noise():
    generator = torch.Generator().manual_seed(0)
    real, noise = (0.1 * torch.randn(1, 4096, generator=generator) for _ in range(2))
    settings = SpectralLossSettings()
    for distance in (
        lambda made: stft_distance(made, real, settings.stft_sizes),
        lambda made: mel_distance(made, real, MelConfig(), settings),
    ):
        assert float(distance(real)) == pytest.approx(0.0, abs=1e-6)
        assert 0 < float(distance(real + 0.1 * noise)) < float(distance(real + noise))


def test_spectral_distances_do_not_hear_the_sign_but_have_gradients_at_silence():
    real = 0.1 * torch.randn(1, 4096, generator=torch.Generator().manual_seed(0))
    assert float(stft_distance(-real, real, (512,))) == pytest.approx(0.0, abs=1e-6)
    silent = torch.zeros(1, 4096, requires_grad=True)
    stft_distance(silent, real, (512,)).backward()
    assert torch.isfinite(silent.grad).all()


def voice(pitch, *, samples=8192, rate=22_050):
    """Harmonics of a pitch up to 900 Hz, (1, samples)."""
    time = torch.arange(samples) / rate
    numbers = torch.arange(1, int(900 / pitch) + 1)[:, None]
    return (0.1 * torch.sin(2 * torch.pi * pitch * numbers * time)).sum(dim=0, keepdim=True)


def test_the_low_band_distance_hears_the_harmonics_of_a_low_voice_and_nothing_above_its_band():
    settings, low = SpectralLossSettings(), voice(85.0)
    breath = 0.2 * torch.randn(low.shape, generator=torch.Generator().manual_seed(0))
    distances = [float(low_band_distance(made, low, 22_050, settings)) for made in (low, -low, voice(95.0), breath)]
    assert distances[:2] == pytest.approx([0.0, 0.0], abs=1e-5)
    assert distances[2] > 0.3 and distances[3] > 0.3
    above = 0.1 * torch.sin(2 * torch.pi * 4000 * torch.arange(low.shape[1]) / 22_050)
    assert float(low_band_distance(low + above, low, 22_050, settings)) < 0.02


def test_the_low_band_counts_when_the_recipe_asks_for_it(corpus_folder):
    plain = toy_recipe(corpus_folder)
    asked = replace(plain, low_band_weight=2.0, losses=replace(plain.losses, low_band_sizes=(256,)))
    real = VocoderPart(plain, TOY_VOCODER, TOY_MEL).batch(0, torch.Generator().manual_seed(0))[0]
    parts = [VocoderPart(recipe, TOY_VOCODER, TOY_MEL) for recipe in (plain, asked)]
    (without, metrics), (with_it, more) = (part.spectral_loss(0.5 * real, real) for part in parts)
    assert "low_band" not in metrics and float(more["low_band"]) > 0.1
    assert float(with_it) == pytest.approx(float(without) + 2.0 * float(more["low_band"]), rel=1e-5)


def test_the_generator_keeps_full_precision_beside_discriminators_in_bf16(
    corpus_folder, tmp_path, monkeypatch, own_precision
):
    kinds = {}
    for kind in (Vocoder, Discriminators):

        def forward(self, given, plain=kind.forward, kind=kind):
            output = plain(self, given)
            kinds[kind.__name__] = (output if kind is Vocoder else output[0][1][0]).dtype
            return output

        monkeypatch.setattr(kind, "forward", forward)
    recipe = toy_recipe(corpus_folder, adversarial_from=0.0, discriminators=TOY_JUDGES)
    loop = replace(recipe.loop, max_steps=1, evaluate_steps=0, mixed_precision="bf16")
    train(VocoderPart(recipe, TOY_VOCODER, TOY_MEL), loop, tmp_path)
    assert kinds == {"Vocoder": torch.float32, "Discriminators": torch.bfloat16}


def test_a_corpus_without_held_out_recordings_trains_without_their_error(tmp_path):
    recipe = toy_recipe(write_corpus(tmp_path / "corpus", [entry(n) for n in range(2)]))
    part, loop = VocoderPart(recipe, TOY_VOCODER, TOY_MEL), replace(recipe.loop, max_steps=5, evaluate_steps=1)
    assert train(part, loop, tmp_path / "run").step == 5
    assert "held_out_mel" not in read_log(tmp_path / "run" / "log.csv")[0]


def write_aligned(folder, mels):
    """A store of generated mels: id -> (bands, frames)."""
    folder.mkdir()
    save_file({f"{name}/mel": mel for name, mel in mels.items()}, str(folder / "a.safetensors"))
    lines = [
        {"id": name, "speaker": "s", "style": "neutral", "split": "train", "text": "", "seconds": 1.0, "token_count": 1}
        | {"frame_count": mel.shape[1], "shard": "a.safetensors"}
        for name, mel in mels.items()
    ]
    (folder / "index.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return str(folder)


def test_the_generator_hears_aligned_mels_beside_the_recording_they_were_made_of(corpus_folder, tmp_path):
    recipe = toy_recipe(corpus_folder, gain_range=(0.25, 0.25), aligned_share=1.0, batch_size=8)
    part = VocoderPart(recipe, TOY_VOCODER, TOY_MEL)
    mels = {}
    for utterance in part.corpus.utterances[:2]:
        mels[utterance.id] = log_mel(part.corpus.waveform(utterance, RATE)[None], TOY_MEL)[0] + 0.5
    part = VocoderPart(replace(recipe, aligned_mels=write_aligned(tmp_path / "made", mels)), TOY_VOCODER, TOY_MEL)
    real, heard = part.batch(0, torch.Generator().manual_seed(0))
    above = (heard - log_mel(real, TOY_MEL))[..., 2:-2].amax(dim=(1, 2))  # not the edges of a clip, which are padded
    assert heard.shape == (8, TOY_MEL.bands, 32)
    assert set(above.round(decimals=1).tolist()) == {0.0, 0.5}
    metrics = train(part, replace(recipe.loop, max_steps=1, evaluate_steps=0), tmp_path / "run")
    assert metrics.step == 1


@pytest.mark.parametrize("changes", [{"segment_frames": 3}, {"low_band_weight": 1.0}])
def test_clips_shorter_than_a_window_of_the_losses_are_refused(corpus_folder, changes):
    with pytest.raises(TrainingError, match="Raise segment_frames"):
        VocoderPart(toy_recipe(corpus_folder, **changes), TOY_VOCODER, TOY_MEL)


def test_aligned_mels_of_other_utterances_are_refused(corpus_folder, tmp_path):
    folder = write_aligned(tmp_path / "made", {"nobody_1": torch.zeros(TOY_MEL.bands, 40)})
    with pytest.raises(TrainingError, match="no mel of any utterance"):
        VocoderPart(toy_recipe(corpus_folder, aligned_mels=folder), TOY_VOCODER, TOY_MEL)


def test_narrow_band_and_held_out_recordings_are_not_trained_on(corpus_folder):
    part = VocoderPart(toy_recipe(corpus_folder), TOY_VOCODER, TOY_MEL)
    assert [u.id for u in part.corpus.utterances] == [f"utterance_{n}" for n in range(4)]
    assert [u.id for u in part.held_out.utterances] == ["utterance_4"]


def test_batches_depend_on_the_generator_alone(corpus_folder):
    part = VocoderPart(toy_recipe(corpus_folder), TOY_VOCODER, TOY_MEL)
    first, again, other = (part.batch(0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first[0].shape == (2, 512) and first[1].shape == (2, TOY_MEL.bands, 32)
    assert first[0].equal(again[0]) and not first[0].equal(other[0])


def test_the_vocoder_learns_a_toy_corpus_and_its_weights_load(corpus_folder, tmp_path):
    recipe = toy_recipe(corpus_folder)
    part = VocoderPart(recipe, TOY_VOCODER, TOY_MEL)
    train(part, replace(recipe.loop, max_steps=2), tmp_path / "run")
    part.device = torch.device("cpu")

    def held_out():
        vocoder = Vocoder(TOY_VOCODER).eval()
        vocoder.load_state_dict(export_weights(tmp_path / "run", GENERATOR), strict=True)
        with torch.no_grad():
            return part.evaluate({GENERATOR: vocoder})["mel"]

    before = held_out()
    train(part, recipe.loop, tmp_path / "run")
    assert held_out() < 0.8 * before
    assert (tmp_path / "run" / "curves.png").is_file()


def test_discriminators_join_at_their_share_of_the_schedule_and_learn(corpus_folder, tmp_path):
    recipe = toy_recipe(corpus_folder, adversarial_from=0.5, adversarial_ramp=0.1, discriminators=TOY_JUDGES)
    loop = replace(recipe.loop, max_steps=12, log_steps=1, evaluate_steps=0)
    train(VocoderPart(recipe, TOY_VOCODER, TOY_MEL), loop, tmp_path)
    joined = [row["step"] for row in read_log(tmp_path / "log.csv") if row["discriminator"]]
    assert joined == [str(step) for step in range(7, 13)]

    trained = load_state(tmp_path)["models"]["discriminators"]
    assert all(torch.isfinite(value).all() for value in trained.values())
    assert set(export_weights(tmp_path, GENERATOR)) == set(load_state(tmp_path)["models"][GENERATOR])


def test_a_spectral_run_goes_on_with_discriminators(corpus_folder, tmp_path):
    recipe = toy_recipe(corpus_folder)
    loop = replace(recipe.loop, max_steps=4, evaluate_steps=0)
    train(VocoderPart(recipe, TOY_VOCODER, TOY_MEL), loop, tmp_path)
    joined = replace(recipe, adversarial_from=0.0, discriminators=TOY_JUDGES)
    result = train(VocoderPart(joined, TOY_VOCODER, TOY_MEL), replace(loop, max_steps=6), tmp_path)
    assert result.step == 6


def test_a_run_may_begin_with_the_vocoder_of_another(corpus_folder, tmp_path):
    recipe = toy_recipe(corpus_folder)
    train(VocoderPart(recipe, TOY_VOCODER, TOY_MEL), replace(recipe.loop, max_steps=2, evaluate_steps=0), tmp_path)
    going_on = VocoderPart(replace(recipe, start_from=str(tmp_path)), TOY_VOCODER, TOY_MEL)
    wanted = export_weights(tmp_path, GENERATOR)
    assert all(torch.equal(value, wanted[name]) for name, value in going_on.build()[GENERATOR].state_dict().items())


def test_discriminators_learn_to_tell_noise_from_a_tone():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judges = Discriminators(TOY_JUDGES)
    optimiser = torch.optim.AdamW(judges.parameters(), 5e-3)
    generator = torch.Generator().manual_seed(0)
    tone = 0.5 * torch.sin(torch.arange(512) * 0.3).repeat(4, 1)
    losses = []
    for _ in range(25):
        loss = discriminator_loss(judges(tone), judges(0.3 * torch.randn(4, 512, generator=generator)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_the_generator_is_told_to_look_real_and_nothing_when_it_does():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judges = Discriminators(TOY_JUDGES)
    waveform = torch.randn(1, 300, generator=torch.Generator().manual_seed(0))
    assert float(feature_distance(judges(waveform), judges(waveform)).detach()) == 0.0
    score_one = [(torch.ones(1, 3), [])]
    assert float(adversarial_loss(score_one)) == 0.0 < float(adversarial_loss([(torch.zeros(1, 3), [])]))


def test_a_run_for_another_vocoder_is_refused(corpus_folder, tmp_path):
    recipe = toy_recipe(corpus_folder)
    train(VocoderPart(recipe, TOY_VOCODER, TOY_MEL), replace(recipe.loop, max_steps=1), tmp_path / "run")
    wider = VocoderPart(recipe, replace(TOY_VOCODER, initial_channels=64), TOY_MEL)
    with pytest.raises(TrainingError, match="identity"):
        train(wider, recipe.loop, tmp_path / "run")


def test_the_recipe_of_the_repository_is_valid_and_ends_with_discriminators():
    recipe = load_recipe(Path(__file__).parents[2] / "recipes" / "vocoder.yaml", VocoderRecipe)
    assert 0 < recipe.adversarial_from < 1
    assert recipe.minimum_bandwidth_hz > 8000


@pytest.mark.skipif(
    shutil.which("c++") is None and shutil.which("g++") is None, reason="torch.compile needs a C++ compiler"
)
def test_the_fused_activation_gives_the_same_output_and_gradients():
    activation = AntiAliasedActivation(3, logscale=True)
    with torch.no_grad():
        activation.act.alpha.copy_(torch.tensor([-0.4, 0.1, 0.5]))
        activation.act.beta.copy_(torch.tensor([0.3, -0.2, 0.0]))
    signal = torch.randn(2, 3, 24, generator=torch.Generator().manual_seed(1), requires_grad=True)
    pull = torch.randn(2, 3, 24, generator=torch.Generator().manual_seed(2))
    wanted = [signal, activation.act.alpha, activation.act.beta]
    plain = activation(signal)
    expected = torch.autograd.grad(plain, wanted, pull)
    fuse(activation)
    output = activation(signal)
    torch.testing.assert_close(output, plain, atol=1e-5, rtol=1e-5)
    for found, right in zip(torch.autograd.grad(output, wanted, pull), expected, strict=True):
        torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        assert torch.equal(activation(signal), AntiAliasedActivation.forward(activation, signal))


@pytest.mark.skipif(
    shutil.which("c++") is None and shutil.which("g++") is None, reason="torch.compile needs a C++ compiler"
)
def test_the_fused_vocoder_gives_the_same_output_and_gradients():
    vocoder = Vocoder(TOY_VOCODER)
    vocoder.initialise(torch.Generator().manual_seed(3))
    with torch.no_grad():
        for number, weight in enumerate(vocoder.parameters()):
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number)))
    mel = torch.randn(2, 8, 12, generator=torch.Generator().manual_seed(1), requires_grad=True)
    pull = torch.randn(2, 1, 192, generator=torch.Generator().manual_seed(2))
    wanted = [mel, *vocoder.parameters()]
    plain = vocoder(mel)
    expected = torch.autograd.grad(plain, wanted, pull)
    with torch.no_grad():
        heard = vocoder(mel)
    fuse(vocoder)
    output = vocoder(mel)
    torch.testing.assert_close(output, plain, atol=1e-5, rtol=1e-5)
    for found, right in zip(torch.autograd.grad(output, wanted, pull), expected, strict=True):
        torch.testing.assert_close(found, right, atol=1e-5 * float(right.abs().max()), rtol=1e-4)
    with torch.no_grad():
        assert torch.equal(vocoder(mel), heard)


def test_a_vocoder_goes_on_with_longer_kernels_and_sounds_the_same_at_first():
    short, long = Vocoder(TOY_VOCODER), Vocoder(replace(TOY_VOCODER, residual_kernels=(7,)))
    short.initialise(torch.Generator().manual_seed(3))
    grown = with_longer_taps(short.state_dict(), long)
    long.load_state_dict(grown)
    mel = torch.randn(1, 8, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(long(mel), short(mel), atol=1e-6, rtol=1e-5)
    with pytest.raises(RuntimeError, match="size mismatch"):
        short.load_state_dict(with_longer_taps(long.state_dict(), short))
