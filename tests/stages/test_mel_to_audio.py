"""Mel to audio: exact lengths, pauses, chunks that cannot be heard, and clear refusals."""

from __future__ import annotations

import pytest
import torch

from indextts2.config import Config, MelConfig, VocoderConfig
from indextts2.contracts import DurationReport, MelSpectrogram
from indextts2.errors import Cancelled, InputError
from indextts2.models.vocoder import Vocoder
from indextts2.stages.handles import VocoderModels
from indextts2.stages.mel_to_audio import chunk_windows, fit_samples, mel_to_audio

BANDS = 6


@pytest.fixture(scope="module")
def vocoder():
    config = VocoderConfig(
        bands=BANDS,
        initial_channels=16,
        upsample_rates=(4, 4),
        upsample_kernels=(8, 8),
        residual_kernels=(3,),
        residual_dilations=((1, 3, 5),),
    )
    model = Vocoder(config).eval()
    generator = torch.Generator().manual_seed(1)
    for weight in model.parameters():
        if weight.dim() > 1:  # louder than fresh weights, so that what a chunk lacks can be heard
            torch.nn.init.normal_(weight, std=0.2, generator=generator)
    mel = MelConfig(sample_rate=8000, hop=16, bands=BANDS)
    return VocoderModels(model, Config(mel=mel, vocoder=config), mel)


def random_mel(lengths, *, targets=None, pauses=None, **changes):
    rows, frames = len(lengths), max(lengths)
    values = {
        "mel": torch.randn(rows, BANDS, frames, generator=torch.Generator().manual_seed(2)),
        "frame_lengths": torch.tensor(lengths),
        "sample_targets": torch.tensor(targets or [0] * rows),
        "pauses": (0.0,) * rows if pauses is None else pauses,
        "sample_rate": 8000,
        "hop": 16,
    }
    return MelSpectrogram(**(values | changes))


def test_chunks_give_the_same_audio_as_one_piece(vocoder):
    mel = random_mel([137])
    whole = mel_to_audio(vocoder, mel, chunk_frames=1000).waveform.samples
    for chunk_frames in (1, 7, 50):
        pieces = mel_to_audio(vocoder, mel, chunk_frames=chunk_frames).waveform.samples
        torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("chunk_frames", [1, 10, 64, 512])
def test_windows_keep_every_frame_once_with_all_the_context_there_is(chunk_frames):
    context = 22
    for frame_count in (1, 9, 64, 256, 257, 300, 513, 700, 1025):
        windows = chunk_windows(frame_count, chunk_frames, context)
        kept = [frame for window in windows for frame in range(window.start, window.end)]
        assert kept == list(range(frame_count))
        for window in windows:
            assert 0 < window.end - window.start <= chunk_frames
            assert 0 <= window.first <= max(0, window.start - context)
            assert min(frame_count, window.end + context) <= window.last <= frame_count


def test_a_row_that_fits_into_one_chunk_is_not_cut():
    assert all(len(chunk_windows(count, 512, 22)) == 1 for count in (1, 257, 512))
    assert len(chunk_windows(513, 512, 22)) == 2


def test_long_rows_need_few_shapes():
    lengths = range(513, 3000)
    widths = {window.last - window.first for count in lengths for window in chunk_windows(count, 512, 22)}
    assert len(widths) <= 15 and all(width % 32 == 0 for width in widths)
    extra = [sum(window.last - window.first for window in chunk_windows(count, 512, 22)) / count for count in lengths]
    assert max(extra) < 1.4 and sum(extra) / len(extra) < 1.2


def test_less_context_than_the_vocoder_hears_would_be_audible(vocoder, monkeypatch):
    mel = random_mel([60])
    whole = mel_to_audio(vocoder, mel).waveform.samples
    monkeypatch.setattr(Vocoder, "context_frames", lambda self: 2)
    pieces = mel_to_audio(vocoder, mel, chunk_frames=10).waveform.samples
    assert (pieces - whole).abs().max() > 1e-4


def test_without_a_target_every_frame_becomes_one_hop_of_samples(vocoder):
    assert mel_to_audio(vocoder, random_mel([9])).waveform.samples.shape == (1, 1, 9 * 16)


def test_asked_sample_counts_are_met_exactly_when_longer_and_when_shorter(vocoder):
    speech = mel_to_audio(vocoder, random_mel([20, 12], targets=[301, 205]))
    assert speech.waveform.samples.shape == (1, 1, 301 + 205)


def test_padding_of_a_shorter_row_is_not_heard(vocoder):
    both = random_mel([20, 12])
    alone = random_mel([12], mel=both.mel[1:, :, :12])
    louder = both.mel.clone()
    louder[1, :, 12:] = 50.0
    speech = mel_to_audio(vocoder, random_mel([20, 12], mel=louder)).waveform.samples
    torch.testing.assert_close(speech[..., -12 * 16 :], mel_to_audio(vocoder, alone).waveform.samples)


def test_pauses_are_silence_of_the_asked_length_between_rows(vocoder):
    speech = mel_to_audio(vocoder, random_mel([5, 5], pauses=(0.01, 0.0))).waveform.samples
    assert speech.shape[-1] == 160 + 80
    assert bool((speech[..., 80:160] == 0).all())


def test_a_row_that_is_cut_fades_out_and_one_that_is_padded_ends_in_silence():
    audio = torch.ones(1000)
    cut = fit_samples(audio, 900, 8000)
    assert cut.shape == (900,) and float(cut[-1]) == 0.0 and float(cut[819]) == 1.0
    padded = fit_samples(audio, 1003, 8000)
    assert padded[:1000].equal(audio) and padded[1000:].abs().sum() == 0


def test_the_mel_is_not_changed(vocoder):
    mel = random_mel([9], targets=[100])
    before = mel.mel.clone()
    mel_to_audio(vocoder, mel)
    assert mel.mel.equal(before)


def test_audio_stays_between_minus_one_and_one(vocoder):
    mel = random_mel([30])
    loud = random_mel([30], mel=mel.mel * 1e3)
    assert mel_to_audio(vocoder, loud).waveform.samples.abs().max() <= 1.0


def test_reports_learn_the_samples_of_their_row_and_of_the_whole(vocoder):
    report = DurationReport(asked="free", method="free", token_target=None, token_count=3)
    speech = mel_to_audio(vocoder, random_mel([5, 6], pauses=(0.01, 0.0), reports=(report,) * 3))
    assert [item.sample_count for item in speech.reports] == [80, 96, 80 + 80 + 96]


def test_progress_counts_chunks_and_can_cancel(vocoder):
    seen = []
    mel_to_audio(vocoder, random_mel([20, 5]), chunk_frames=10, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def cancel(done, total):
        if done == 1:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        mel_to_audio(vocoder, random_mel([20]), chunk_frames=10, progress=cancel)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mel": torch.zeros(1, BANDS + 1, 5)}, "6 mel bands, but the mel has 7"),
        ({"mel": torch.full((1, BANDS, 5), float("nan"))}, "NaN"),
        ({"sample_rate": 22050}, "22050"),
        ({"frame_lengths": torch.tensor([6])}, r"\[6\]"),
        ({"pauses": ()}, "0 pauses"),
    ],
)
def test_a_mel_that_does_not_fit_is_refused_with_the_reason(vocoder, changes, words):
    with pytest.raises(InputError, match=words):
        mel_to_audio(vocoder, random_mel([5], **{"pauses": (0.0,)} | changes))
