"""Training of the semantic encoder, the codec and the style encoder, at toy size on a synthetic corpus."""

from __future__ import annotations

import copy
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Generator

from indextts2.audio.fbank import FBANK, kaldi_fbank, semantic_input, style_features
from indextts2.audio.io import read_audio, write_wav
from indextts2.config import CodecConfig, SemanticEncoderConfig, StyleEncoderConfig
from indextts2.contracts import Waveform
from indextts2.errors import TrainingError
from indextts2.training.data.acoustic_cache import KINDS, AcousticCache, open_cache, speaker_path_16k, update
from indextts2.training.data.acoustic_data import AcousticBatch, AcousticData, Augmentation, add_noise, warp_bands
from indextts2.training.data.corpus_data import read_manifest
from indextts2.training.data.feature_store import FeatureStore
from indextts2.training.data.features import extract_features
from indextts2.training.data.phonemes import IGNORED, PHONE_INDEX, PHONES, SILENCE, phone_labels, phone_sequence
from indextts2.training.data.prosody import pitch_contour, utterance_prosody
from indextts2.training.encoders.codec import (
    CodebookAverages,
    CodecObjective,
    CodecPart,
    encode_cache,
    feature_statistics,
    measure_codec,
)
from indextts2.training.encoders.semantic_encoder import (
    EncoderObjective,
    SemanticEncoderPart,
    collapse,
    edit_distance,
)
from indextts2.training.encoders.style_encoder import StyleEncoderPart, StyleObjective, equal_error_rate, style_input
from indextts2.training.loop.part import LoopSettings, Part
from indextts2.training.loop.state import export_weights
from indextts2.training.loop.trainer import train

SEMANTIC = SemanticEncoderConfig(
    dim=24, layers=1, heads=2, feed_forward=32, conv_kernel=5, left_positions=8, right_positions=8, stride=4
)
CODEC = CodecConfig(codebook_size=16, codebook_dim=4, dim=24, width=16, intermediate=24, layers=1)
STYLE = StyleEncoderConfig(
    dim=12, growth=4, bottleneck=2, channels=16, head_channels=4, block_layers=(2,), dilations=(1,)
)
PLAIN = Augmentation(stretch=(1, 1), warp=(1, 1), noise_share=0.0, band_masks=0, frame_masks=0)
UNIT = 600 / 24_000
VOWELS = {"a": (700, 1200), "i": (300, 2300), "u": (320, 800)}


def sing(phonemes: str, durations: list[int], base_hertz: float) -> torch.Tensor:
    """Vowels as harmonics under two resonances; anything else is silence. 24 kHz."""
    pieces = []
    for letter, units in zip(" " + phonemes + " ", durations, strict=True):
        time = torch.arange(units * 600) / 24_000
        if letter not in VOWELS:
            pieces.append(1e-4 * torch.randn(len(time), generator=Generator().manual_seed(len(pieces))))
            continue
        partials = [base_hertz * k for k in range(1, int(4000 / base_hertz))]
        gains = [sum(math.exp(-(((f - centre) / 150) ** 2)) for centre in VOWELS[letter]) + 0.01 for f in partials]
        pieces.append(
            0.1 * sum(gain * torch.sin(2 * math.pi * f * time) for f, gain in zip(partials, gains, strict=True))
        )
    return torch.cat(pieces)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    lines = []
    for number in range(13):
        phonemes = ["aiu", "uai", "iua", "aui"][number % 4]
        durations = [6, 8 + number % 3, 9, 8, 6]
        speaker, base = ("low", 110.0) if number % 2 else ("high", 210.0)
        split = "train" if number < 8 else "test_text"
        if number == 12:
            speaker, base, split = "middle", 155.0, "test_speaker"
        waveform = sing(phonemes, durations, base * (1 + 0.01 * number))
        path = f"utterance_{number}.wav"
        write_wav(root / path, Waveform(waveform[None, None], 24_000))
        lines.append(
            {
                "id": f"utterance_{number}", "path": path, "split": split,
                "speaker": speaker, "language": "en", "style": "neutral", "text": phonemes, "phonemes": phonemes,
                "phoneme_durations": durations, "seconds": len(waveform) / 24_000, "sample_rate": 24_000,
                "bandwidth_hz": 12_000,
            }
        )  # fmt: skip
    (root / "manifest.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def cache(corpus, tmp_path_factory) -> AcousticCache:
    folder = tmp_path_factory.mktemp("acoustic")
    assert update(folder, [corpus]) == 13
    assert update(folder, [corpus]) == 0
    return AcousticCache(folder, [corpus])


def losses_on_one_batch(part: Part, steps: int, rate: float) -> tuple[float, float, dict]:
    """First and last loss of descending on one batch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        models = part.build()
        batch = part.batch(0, Generator().manual_seed(3))
        weights = [weight for model in models.values() for weight in model.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(weights, lr=rate)
        values = []
        for _ in range(steps):
            loss, _ = part.loss(models, batch, Generator().manual_seed(0))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            values.append(float(loss.detach()))
    return values[0], values[-1], models


# Labels


def test_labels_follow_the_durations():
    times = (torch.arange(24) + 0.5) * UNIT
    labels = phone_labels("aɪ", [4, 8, 8, 4], times)
    assert labels.tolist() == [0] * 4 + [PHONE_INDEX["a"]] * 8 + [PHONE_INDEX["ɪ"]] * 8 + [0] * 4


def test_stress_belongs_to_the_next_phone_and_length_to_the_last():
    labels = phone_labels("ˈaːt", [2, 3, 4, 5, 6, 2], (torch.arange(22) + 0.5) * UNIT)
    assert labels.tolist() == [0] * 2 + [PHONE_INDEX["a"]] * 12 + [PHONE_INDEX["t"]] * 6 + [0] * 2


def test_a_short_space_is_shared_and_a_long_one_is_silence():
    times = (torch.arange(12) + 0.5) * UNIT
    a, t = PHONE_INDEX["a"], PHONE_INDEX["t"]
    assert phone_labels("a t", [0, 4, 2, 4, 2], times).tolist() == [a] * 5 + [t] * 5 + [0] * 2
    assert phone_labels("a t", [0, 3, 6, 3, 0], times).tolist() == [a] * 3 + [0] * 6 + [t] * 3


def test_unknown_letters_are_ignored_not_guessed():
    labels = phone_labels("aça", [0, 2, 2, 2, 0], torch.arange(6) * UNIT + UNIT / 2)
    assert labels.tolist()[2:4] == [IGNORED, IGNORED]
    assert phone_sequence("aˈç. a") == [PHONE_INDEX["a"]] * 2


def test_silence_is_the_first_phone_and_phones_are_unique():
    assert PHONES[0] == SILENCE and len(set(PHONES)) == len(PHONES)


@pytest.mark.parametrize("hertz", [70.0, 150.0, 320.0])
def test_pitch_of_a_harmonic_tone_is_found(hertz):
    time = torch.arange(16_000) / 16_000
    waveform = sum(torch.sin(2 * math.pi * hertz * k * time) / k for k in range(1, 10))
    log_f0, voiced, _ = pitch_contour(0.1 * waveform)
    assert voiced[5:-5].all()
    assert (log_f0[5:-5].exp() / hertz - 1).abs().max() < 0.01


def test_noise_has_no_pitch():
    _, voiced, _ = pitch_contour(0.1 * torch.randn(16_000, generator=Generator().manual_seed(0)))
    assert voiced.float().mean() < 0.1


# Data


def test_batches_without_augmentation_equal_what_the_encoder_hears_when_speaking(cache, corpus):
    entry = cache.entries[0]
    batch = AcousticData(cache, [entry], stride=4).collate([entry], Generator(), None)
    heard, _ = semantic_input(speaker_path_16k(corpus / "utterance_0.wav")[None], SEMANTIC)
    torch.testing.assert_close(batch.features, heard, rtol=0.02, atol=0.05)  # the cache holds half precision


def test_labels_of_the_cache_sit_where_the_sound_is(cache):
    entry = cache.entries[0]
    labels, voiced = cache.get(entry, "labels").long(), cache.get(entry, "voiced")
    assert ((labels != 0) == voiced).float().mean() > 0.9
    assert [PHONES[label] for label in labels[labels != 0].unique_consecutive()] == list("aiu")


def test_stretching_keeps_labels_and_features_together(cache):
    data = AcousticData(cache, cache.entries, stride=4)
    slow = data.collate(cache.entries[:1], Generator().manual_seed(0), replace(PLAIN, stretch=(1.5, 1.5)))
    plain = data.collate(cache.entries[:1], Generator().manual_seed(0), None)
    assert slow.labels.shape[1] == pytest.approx(1.5 * plain.labels.shape[1], abs=3)
    for label in plain.labels[plain.labels != IGNORED].unique():
        share = (slow.labels == label).sum() / (plain.labels == label).sum()
        assert float(share) == pytest.approx(1.5, abs=0.25)


def test_warping_moves_bands_and_noise_fills_the_quiet_ones():
    fbank = torch.zeros(3, 80)
    fbank[:, 40] = 10.0
    assert warp_bands(fbank, 0.8).argmax(dim=1).tolist() == [50] * 3
    noisy = add_noise(fbank, Augmentation(noise_share=1.0, noise_decibels=(10, 10)), Generator().manual_seed(0))
    assert (noisy >= fbank).all() and noisy[:, 0].min() > 1.0


def test_the_same_generator_draws_the_same_batch(cache):
    data = AcousticData(cache, cache.entries, stride=4)
    first, second = (data.draw(400, Generator().manual_seed(7), Augmentation()).tensors() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_padding_of_a_batch_is_masked(cache):
    data = AcousticData(cache, cache.entries, stride=4)
    batch = data.collate(cache.entries[:3], Generator(), None)
    assert AcousticBatch(**batch.tensors()).labels.shape[1] == 2 * batch.features.shape[1]
    assert (batch.labels[~batch.half_mask] == IGNORED).all()
    assert (batch.features[~batch.mask] == 0).all()


def test_a_missing_manifest_and_an_empty_choice_are_training_errors(cache, corpus, tmp_path):
    with pytest.raises(TrainingError, match="manifest"):
        update(tmp_path / "cache", [tmp_path])
    with pytest.raises(TrainingError, match="lacks 13 utterances of the corpora, utterance_0 for one"):
        AcousticCache(tmp_path, [corpus])
    with pytest.raises(TrainingError, match="No utterance"):
        AcousticData(cache, [], stride=4)


def part_of_corpus(corpus: Path, folder: Path, numbers: range, **changes) -> Path:
    """Some utterances of the corpus as a corpus of their own. changes: fields of the manifest; None leaves one out."""
    folder.mkdir()
    lines = (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(lines[number]) | changes for number in numbers]
    for row in rows:
        shutil.copy(corpus / row["path"], folder / row["path"])
    kept = [{key: value for key, value in row.items() if value is not None} for row in rows]
    (folder / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in kept) + "\n", encoding="utf-8")
    return folder


def test_a_recipe_reads_its_own_corpora_from_a_cache_that_others_share(corpus, tmp_path):
    first = part_of_corpus(corpus, tmp_path / "first", range(0, 2))
    second = part_of_corpus(corpus, tmp_path / "second", range(1, 4), speaker="other")
    folder = str(tmp_path / "cache")
    assert [entry.id for entry in open_cache(folder, [str(first)])] == ["utterance_0", "utterance_1"]
    cache = open_cache(folder, [str(second)])
    assert [entry.id for entry in cache] == ["utterance_1", "utterance_2", "utterance_3"]
    assert {entry.speaker for entry in cache} == {"other"}
    assert len(cache.tensors) == 3 * len(KINDS)


def test_an_id_that_two_corpora_of_a_recipe_share_is_refused(corpus, tmp_path):
    first = part_of_corpus(corpus, tmp_path / "first", range(0, 2))
    second = part_of_corpus(corpus, tmp_path / "second", range(1, 4))
    with pytest.raises(TrainingError, match="1 utterance ids occur more than once"):
        update(tmp_path / "cache", [first, second])


def test_audio_that_was_made_anew_is_read_anew(corpus, tmp_path):
    made = part_of_corpus(corpus, tmp_path / "made", range(0, 2))
    (before, _), folder = open_cache(str(tmp_path / "cache"), [str(made)]), tmp_path / "cache"
    path = made / "utterance_0.wav"
    size, waveform = path.stat().st_size, read_audio(path)
    write_wav(path, replace(waveform, samples=waveform.samples.flip(-1)))
    assert path.stat().st_size == size
    assert update(folder, [made]) == 1
    cache = AcousticCache(folder, [made])
    assert cache.entries[0].id == before.id
    heard = kaldi_fbank(speaker_path_16k(path)[None] * FBANK.integer_scale)[0]
    torch.testing.assert_close(cache.get(cache.entries[0], "fbank").float(), heard, rtol=0.01, atol=0.05)


def test_a_manifest_without_styles_and_durations_can_be_cached(corpus, tmp_path):
    plain = part_of_corpus(corpus, tmp_path / "plain", range(0, 2), style=None, phoneme_durations=None)
    cache = open_cache(str(tmp_path / "cache"), [str(plain)])
    assert not any(entry.aligned for entry in cache)
    assert (cache.get(cache.entries[0], "labels") == IGNORED).all()


def test_a_cache_of_an_earlier_version_is_made_anew(corpus, tmp_path):
    (tmp_path / "index.jsonl").write_text('{"id": "utterance_0", "shard": "acoustic_00000.safetensors"}\n')
    assert update(tmp_path, [corpus]) == 13


# Parts


def test_semantic_encoder_overfits_one_batch(cache):
    part = SemanticEncoderPart(SEMANTIC, EncoderObjective(batch_seconds=4.0, dropout=0.0), cache)
    first, last, models = losses_on_one_batch(part, steps=120, rate=1e-2)
    assert last < 0.45 * first
    for model in models.values():
        model.eval()
    numbers = part.evaluate(models)
    assert numbers["test_text_frame_accuracy"] > 0.3 and "test_speaker_phone_error_rate" in numbers


def test_collapse_and_edit_distance():
    blank = len(PHONES)
    assert collapse([blank, 3, 3, blank, 3, 4, 4, blank]) == [3, 3, 4]
    assert edit_distance([1, 2, 3], [1, 3]) == 1
    assert edit_distance([], [1, 2]) == 2
    assert edit_distance([5, 1, 2], [1, 2, 6]) == 2


@pytest.fixture(scope="module")
def codec_part(cache) -> CodecPart:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = SemanticEncoderPart(SEMANTIC, EncoderObjective(), cache).build()
    rows = encode_cache(built["encoder"].eval(), cache, cache.entries, SEMANTIC.stride)
    objective = CodecObjective(batch_utterances=4, crop_tokens=16)
    statistics = feature_statistics(rows)
    return CodecPart(CODEC, objective, rows, rows[:2], statistics=statistics, heads=built["heads"], cache=cache)


def test_codec_overfits_one_batch(codec_part):
    first, last, models = losses_on_one_batch(codec_part, steps=150, rate=5e-3)
    assert last < 0.6 * first
    numbers = measure_codec(codec_part, models["codec"].eval(), models["decoder"].eval(), codec_part.held_out)
    assert 1.0 <= numbers["perplexity"] <= CODEC.codebook_size
    assert numbers["phone_error_rate"] > 0


def test_a_codec_goes_on_from_the_tokens_of_an_earlier_run(codec_part, tmp_path):
    loop = LoopSettings(max_steps=2, learning_rate=1e-3, evaluate_steps=0, cpu=True)
    train(codec_part, loop, tmp_path)
    later = copy.copy(codec_part)
    later.start_from = str(tmp_path)
    codec, fresh = later.build()["codec"], codec_part.build()["codec"]
    features = torch.cat([codec_part.statistics(row.hidden.float()) for row in codec_part.rows])[None]
    wanted = export_weights(tmp_path, "codec")
    assert all(torch.equal(value, wanted[name]) for name, value in codec.state_dict().items())
    assert not torch.equal(codec.quantize(features)[0], fresh.quantize(features)[0])


def test_features_are_normalised_by_their_own_statistics(codec_part):
    features = torch.cat([codec_part.statistics(row.hidden.float()) for row in codec_part.rows])
    assert features.mean(dim=0).abs().max() < 1e-2 and (features.std(dim=0) - 1).abs().max() < 1e-2
    torch.testing.assert_close(codec_part.statistics.undo(codec_part.statistics(features)), features)


def test_unused_rows_of_the_codebook_move_onto_the_data():
    usage = CodebookAverages(4, 2)
    codebook = torch.zeros(4, 2)
    projected = torch.full((4, 2), 3.0) + 0.01 * torch.randn(4, 2, generator=Generator().manual_seed(0))
    assert usage.revive(codebook, projected, 0.02, Generator().manual_seed(0)) == 4  # nothing is in use yet
    assert (codebook - 3.0).abs().max() < 0.1
    for _ in range(20):
        usage.follow(codebook, torch.tensor([0, 1, 2, 2]), projected, 0.5)
    codebook[:] = 0.0
    assert usage.revive(codebook, projected, 0.02, Generator().manual_seed(0)) == 1
    assert codebook[:3].abs().max() == 0 and codebook[3].min() > 2.5
    assert float(usage.perplexity) <= 4


def test_rows_of_the_codebook_become_the_mean_of_what_chose_them():
    usage = CodebookAverages(3, 2)
    codebook = torch.full((3, 2), 9.0)
    vectors = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    for _ in range(30):
        usage.follow(codebook, torch.tensor([0, 0, 1]), vectors, 0.5)
    torch.testing.assert_close(codebook, torch.tensor([[2.0, 0.0], [0.0, 4.0], [9.0, 9.0]]))


def test_style_encoder_overfits_one_batch(cache):
    part = StyleEncoderPart(
        STYLE, StyleObjective(batch=8, crop_frames=(40, 60), warps=(1.0,)), cache, held_out_splits=("test_text",)
    )
    first, last, models = losses_on_one_batch(part, steps=60, rate=3e-3)
    assert last < 0.3 * first
    numbers = part.evaluate({"style_encoder": models["style_encoder"].eval()})
    assert numbers["same"] > numbers["different"]


def test_a_corpus_without_held_out_speech_gives_no_held_out_numbers_and_says_so_once(
    corpus, codec_part, tmp_path, caplog
):
    cache = open_cache(str(tmp_path / "cache"), [str(part_of_corpus(corpus, tmp_path / "train", range(8)))])
    rows = encode_cache(torch.nn.Identity(), cache, [], SEMANTIC.stride)
    parts = (
        SemanticEncoderPart(SEMANTIC, EncoderObjective(), cache),
        StyleEncoderPart(STYLE, StyleObjective(), cache),
        CodecPart(
            CODEC, CodecObjective(), codec_part.rows, rows, codec_part.statistics, heads=codec_part.heads, cache=cache
        ),
    )
    for part in parts:
        models = part.build()
        assert part.evaluate(models) == part.evaluate(models) == {}
    said = [record.message for record in caplog.records if record.message.startswith("No held-out numbers")]
    assert [line.split()[4] for line in said] == [
        "test_text:",
        "test_speaker:",
        "test_speaker:",
        "test_text:",
    ]


def test_style_input_of_the_cache_equals_the_one_when_speaking(cache, corpus):
    entry = cache.entries[0]
    heard = style_features(speaker_path_16k(corpus / "utterance_0.wav")[None])[0]
    torch.testing.assert_close(style_input(cache.get(entry, "fbank").float()), heard, rtol=0, atol=0.05)


def test_one_speaker_is_too_few(cache, tmp_path, corpus):
    lines = [line for line in (corpus / "manifest.jsonl").read_text().splitlines() if '"low"' in line]
    for line in lines:
        (tmp_path / json.loads(line)["path"]).symlink_to(corpus / json.loads(line)["path"])
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    update(tmp_path / "cache", [tmp_path])
    with pytest.raises(TrainingError, match="two speakers"):
        StyleEncoderPart(STYLE, StyleObjective(), AcousticCache(tmp_path / "cache", [tmp_path]))


def test_equal_error_rate_of_separated_and_of_mixed_pairs():
    assert equal_error_rate(torch.tensor([0.8, 0.9]), torch.tensor([0.1, 0.2])) == 0.0
    mixed = torch.linspace(0, 1, 101)
    assert equal_error_rate(mixed, mixed) == pytest.approx(0.5, abs=0.02)


# Features


@pytest.fixture(scope="module")
def encoder(tiny_checkpoint):
    from indextts2.loading.checkpoint import load_encoder, open_checkpoint

    return load_encoder(open_checkpoint(tiny_checkpoint))


def test_features_are_read_back_as_the_encoders_made_them(encoder, corpus, tmp_path):
    assert extract_features([corpus], encoder, tmp_path, speeds=(1.0, 0.9), mark="a") == 26
    store = FeatureStore(tmp_path)
    by_id = {entry.id: entry for entry in store}
    entry, slow = by_id["utterance_3"], by_id["utterance_3@0.9"]
    assert slow.utterance == entry.id and slow.speed == 0.9
    assert slow.seconds == pytest.approx(entry.seconds / 0.9)
    assert slow.token_count == pytest.approx(entry.token_count / 0.9, abs=1)
    utterance = next(u for u in read_manifest(corpus) if u.id == entry.id)
    assert entry.phoneme_durations == utterance.phoneme_durations
    assert store.tensor(entry, "tokens").shape == (entry.token_count,)
    assert store.tensor(entry, "mel").shape == (encoder.config.mel.bands, entry.frame_count)
    features = store.tensor(entry, "features")[None]
    tokens, _ = encoder.codec.quantize(features)
    assert (tokens[0] == store.tensor(entry, "tokens")).float().mean() > 0.9  # half precision moves a few


def test_features_are_made_once(encoder, corpus, tmp_path):
    extract_features([corpus], encoder, tmp_path, mark="a")
    assert extract_features([corpus], encoder, tmp_path, mark="a") == 0


def test_features_of_two_encoders_are_not_mixed(encoder, corpus, tmp_path):
    extract_features([corpus], encoder, tmp_path, mark="a")
    with pytest.raises(TrainingError, match="encoder 'a'"):
        extract_features([corpus], encoder, tmp_path, mark="b")


def test_the_prosody_of_an_utterance_tells_higher_louder_rising_and_brighter_speech_apart():
    time = torch.arange(24_000) / 16_000

    def voice(hertz=120.0, loudness=0.1, rise=0.0, brightness=0.0):
        phase = 2 * math.pi * torch.cumsum(hertz * torch.exp(rise * (time - 0.75)), dim=0) / 16_000
        return loudness * (torch.sin(phase) + 0.3 * torch.sin(2 * phase) + brightness * torch.sin(20 * phase))

    plain = utterance_prosody(voice())
    for place, change, wanted in (
        (0, {"hertz": 150.0}, math.log(150 / 120)),
        (2, {"rise": 0.2}, 0.2),
        (3, {"loudness": 0.2}, math.log(2.0)),
    ):
        assert float(utterance_prosody(voice(**change))[place] - plain[place]) == pytest.approx(wanted, abs=0.03)
    assert float(utterance_prosody(voice(brightness=0.5))[5] - plain[5]) > 2.0
    assert not bool(utterance_prosody(torch.zeros(16_000)).any())
