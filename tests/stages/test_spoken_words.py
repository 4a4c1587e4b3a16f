"""Words in time: written words, their tokens, their places in the audio, and borders moved to the sound."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import Duration, PreparedText, Segment, SpokenWord, SpokenWords
from indextts2.errors import InputError
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings, speak
from indextts2.stages.t2s.spoken_words import frame_at, token_words, written_words
from indextts2.stages.t2s.word_alignment import WordAlignment, text_losses, word_alignments
from indextts2.stages.word_borders import snapped_words
from tests.stages.speaking import TEXTS, prepared, tiny_handle, tiny_model, tiny_speaker
from tests.stages.test_speak import noise

RATE = 16_000
FAST = SpeakSettings(sampling=SamplingSettings(max_tokens=40), flow=FlowSettings(steps=1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Look there!", ["Look", "there!"]),
        ("It costs $25 — now.", ["It", "costs", "$25 —", "now."]),
        ("A <tomato|T AH0 M>, please", ["A", "tomato,", "please"]),
        ("你好，world", ["你", "好，", "world"]),
    ],
)
def test_words_are_those_that_are_written_with_their_marks(text, words):
    assert [word for word, _, _ in written_words(text, 0, len(text))] == words


def test_the_spoken_words_of_a_number_are_one_written_word():
    text = PreparedText("at 25 now", "", (Segment("at 25 now", (2, 3, 4, 5, 6), origins=(0, -1, 3, 3, 6), end=9),))
    alignment = WordAlignment(torch.tensor([0, 0, 2, 3, 3, 4]), 1.0)
    found = [(word.text, word.first, word.end) for word in token_words(text, text.segments[0], alignment)]
    assert found == [("at", 0, 2), ("25", 2, 5), ("now", 5, 6)]


def test_a_text_whose_pieces_have_no_places_is_one_word():
    segment = Segment("hello", (2, 3), end=5)
    words = token_words(PreparedText("hello", "", (segment,)), segment, WordAlignment(torch.tensor([0, 1]), 1.0))
    assert [(word.text, word.first, word.end) for word in words] == [("hello", 0, 2)]


def test_a_token_lies_where_its_span_puts_it():
    spans = ((4, 40), (2, 5))
    assert [frame_at(spans, token) for token in (0, 2, 4, 5, 6)] == [0, 20, 40, 42.5, 45]


def test_every_id_of_a_prepared_text_says_where_it_is_written(tiny_checkpoint):
    front_end = load_speech(open_checkpoint(tiny_checkpoint)).t2s.front_end
    text = prepare_text(front_end, "Hello, there you go. And more.")
    for segment in text.segments:
        assert len(segment.origins) == len(segment.ids)
        sounding = [origin for origin in segment.origins if origin >= 0]
        assert sounding == sorted(sounding) and set(sounding) <= set(range(segment.start, segment.end))


def test_the_words_of_speech_rise_and_lie_within_its_samples(tiny_checkpoint):
    models = load_speech(open_checkpoint(tiny_checkpoint))
    text = "Hello there. <pause 0.2s> Good day."
    speech = speak(models, text, noise(), duration=Duration("seconds", 1.5), settings=FAST, words=True)
    words = speech.words
    assert words is not None and words.sample_count == speech.waveform.samples.shape[-1]
    assert [word.text for word in words.words] == ["Hello", "there.", "Good", "day."]
    assert [word.group for word in words.words] == [0, 0, 1, 1]
    starts = [word.start for word in words.words]
    assert starts == sorted(starts) and words.words[-1].end <= words.sample_count
    assert speak(models, text, noise(), duration=Duration("seconds", 1.5), settings=FAST).words is None


def test_a_checkpoint_without_clear_heads_is_aligned_by_what_each_piece_is_worth():
    t2s, text, speaker = tiny_handle(tiny_model()), prepared(TEXTS[0]), tiny_speaker()
    tokens = torch.tensor([3, 8, 8, 1, 40])
    losses = text_losses(t2s, speaker, None, text.segments[0].ids, tokens)
    assert losses.shape == (5, len(TEXTS[0])) and torch.allclose(losses.sum(-1), torch.ones(5))
    changed = text_losses(t2s, speaker, None, [*TEXTS[0][:-1], TEXTS[0][-2]], tokens)
    assert torch.allclose(changed[:, -1], changed.min(-1).values)  # a piece like its neighbour is worth nothing


def test_borders_move_to_the_edges_of_the_silences_beside_them():
    tone = torch.sin(torch.arange(RATE).float() * 0.3)
    samples = torch.zeros(3 * RATE)
    samples[4000:16_000] = tone[:12_000]
    samples[24_000:40_000] = tone
    words = SpokenWords((SpokenWord("a", 0, 17_000), SpokenWord("b", 22_800, 48_000)), RATE, 48_000)
    found = [(word.start, word.end) for word in snapped_words(words, samples).words]
    wanted = [(4000, 16_000), (24_000, 40_000)]
    near = 0.02 * RATE
    assert all(abs(a - b) <= near for pair in zip(found, wanted, strict=True) for a, b in zip(*pair, strict=True))


def test_words_without_a_silence_between_them_stay_where_they_are():
    samples = torch.sin(torch.arange(RATE).float() * 0.3)
    words = SpokenWords((SpokenWord("a", 0, 8000), SpokenWord("b", 8000, RATE)), RATE, RATE)
    assert snapped_words(words, samples) == words


def test_a_word_never_ends_before_it_starts():
    with pytest.raises(InputError, match="should not end before it starts"):
        SpokenWord("a", 5, 4)


def test_forced_and_read_timelines_cover_the_same_tokens():
    t2s, text, speaker = tiny_handle(tiny_model()), prepared(*TEXTS), tiny_speaker()
    from indextts2.stages.t2s.text_to_semantic import text_to_semantic

    semantic = text_to_semantic(t2s, text, speaker, sampling=SamplingSettings(max_tokens=20))
    forced = word_alignments(t2s, text, semantic, speaker, heads=())
    found = word_alignments(t2s, text, semantic, speaker)
    assert all(torch.equal(a.pieces, b.pieces) for a, b in zip(forced, found, strict=True))  # no head of noise is clear
