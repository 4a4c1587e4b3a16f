"""Corpus reading, spectral losses and the training of the vocoder at toy size."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from indextts2.config import MelConfig, VocoderConfig
from indextts2.errors import TrainingError
from indextts2.models.vocoder import AntiAliasedActivation
from indextts2.training.corpus_data import Corpus, decode
from indextts2.training.curves import read_log
from indextts2.training.discriminators import (
    Discriminators,
    DiscriminatorSettings,
    adversarial_loss,
    discriminator_loss,
    feature_distance,
)
from indextts2.training.fused_activation import fuse
from indextts2.training.recipe import load_recipe
from indextts2.training.spectral_losses import SpectralLossSettings, mel_distance, stft_distance
from indextts2.training.state import export_weights, load_state
from indextts2.training.trainer import LoopSettings, train
from indextts2.training.vocoder import GENERATOR, VocoderPart, VocoderRecipe

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
    monkeypatch.setattr("indextts2.training.corpus_data.decode", lambda *_: pytest.fail("decoded twice"))
    assert corpus.waveform(utterance, 16_000).equal(first)
    assert not list((tmp_path / "cache").rglob("*.tmp"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phoneme_durations": [1, 2]}, "line 1: 2 durations for 2 phoneme characters"),
        ({"path": "audio/absent.wav"}, "absent.wav does not exist"),
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
    with pytest.raises(TrainingError, match="line 1: not JSON"):
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


def test_narrow_band_and_held_out_recordings_are_not_trained_on(corpus_folder):
    part = VocoderPart(toy_recipe(corpus_folder), TOY_VOCODER, TOY_MEL)
    assert [u.id for u in part.corpus.utterances] == [f"utterance_{n}" for n in range(4)]
    assert [u.id for u in part.held_out.utterances] == ["utterance_4"]


def test_batches_depend_on_the_generator_alone(corpus_folder):
    part = VocoderPart(toy_recipe(corpus_folder), TOY_VOCODER, TOY_MEL)
    first, again, other = (part.batch(0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.shape == (2, 512) and first.equal(again) and not first.equal(other)


def test_the_vocoder_learns_a_toy_corpus_and_its_weights_load(corpus_folder, tmp_path):
    from indextts2.models.vocoder import Vocoder

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
