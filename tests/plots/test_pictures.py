"""Pictures: right size, not empty, different for different values, and no boxes for letters nobody can draw."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import EmotionWeights, MelSpectrogram, SemanticSpeech, Waveform
from indextts2.errors import InputError
from indextts2.plots import fonts
from indextts2.plots.axes import ticks, words_of
from indextts2.plots.emotion import draw_profile, draw_weights
from indextts2.plots.mel import draw_mel, quick_mel
from indextts2.plots.schedule import draw_schedule
from indextts2.plots.speech import draw_speech
from indextts2.plots.timeline import Mark, draw_timeline, timeline_of, token_colours, with_marks
from indextts2.stages.duration import Clock
from indextts2.stages.emotion.measure import Measured

CLOCK = Clock(22_050, 256, 3.4453125)
PROFILE = (0.8, 0.1, -0.4, 0.3, -0.7, -0.2, 0.5, 0.0)


def speech(targets=(0, 0), pauses=(0.25, 0.0), seed=0):
    tokens = torch.randint(0, 40, (2, 30), generator=torch.Generator().manual_seed(seed))
    zeros = torch.zeros(2, dtype=torch.int64)
    return SemanticSpeech(
        tokens, torch.tensor([30, 20]), None, torch.tensor(targets), zeros, pauses, texts=("Hello there.", "And more.")
    )


def mel(seed=0, frames=(40, 25)):
    values = torch.randn(2, 20, 40, generator=torch.Generator().manual_seed(seed)) - 5.0
    return MelSpectrogram(
        values, torch.tensor(frames), torch.zeros(2, dtype=torch.int64), (0.1, 0.0), 22_050, 256
    )  # fmt: skip


def schedule(strength=0.7):
    points = [Measured(place / 10, PROFILE, strength) for place in range(11)]
    return draw_schedule(points, [0.0, 0.5], limit=1.25, text="I was so happy", width=384)


PICTURES = {
    "weights": lambda other: draw_weights(EmotionWeights.of(happy=0.9 if other else 0.2), cap=0.8, width=384),
    "profile": lambda other: draw_profile(PROFILE, 1.4 if other else 0.5, limit=1.25, width=384),
    "schedule": lambda other: schedule(1.2 if other else 0.6),
    "mel": lambda other: draw_mel(mel(int(other)), width=384),
    "timeline": lambda other: draw_timeline(timeline_of(speech(seed=int(other)), CLOCK), width=384),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_one_image_with_something_on_it(name):
    picture = PICTURES[name](False)
    assert picture.dtype == torch.float32 and picture.shape[1:] == (384, 3)
    assert 0.0 <= picture.min() and picture.max() <= 1.0
    assert len(picture.flatten(0, 1).unique(dim=0)) > 50


@pytest.mark.parametrize("name", PICTURES)
def test_other_values_give_another_picture_and_the_same_values_the_same(name):
    assert torch.equal(PICTURES[name](False), PICTURES[name](False))
    assert not torch.equal(PICTURES[name](False), PICTURES[name](True))


@pytest.mark.parametrize("width", [256, 512, 768])
def test_nothing_reaches_the_border_of_a_picture(width):
    background = draw_weights(EmotionWeights.of(), width=width)[0, 0]
    for picture in (
        draw_weights(EmotionWeights.of(happy=1.0), width=width),
        draw_profile(PROFILE, 2.0, limit=1.25, width=width),
    ):
        for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
            assert torch.equal(edge, background.expand_as(edge))


def test_a_limit_that_is_exceeded_is_drawn_in_another_colour():
    under, over = (draw_profile(PROFILE, strength, limit=1.25) for strength in (1.2, 1.3))
    red = lambda picture: int(((picture[..., 0] > 0.9) & (picture[..., 1] < 0.5)).sum())  # noqa: E731
    assert red(over) > 2 * red(under)


def test_a_picture_that_is_too_wide_or_too_narrow_is_refused():
    for width in (16, 100_000):
        with pytest.raises(InputError, match="pixels wide"):
            draw_weights(EmotionWeights.of(), width=width)


def test_letters_without_a_font_are_counted_instead_of_shown_as_boxes(monkeypatch):
    monkeypatch.setattr(fonts, "SYSTEM_FONTS", ())
    fonts._present_fonts.cache_clear(), fonts._system_font.cache_clear()
    try:
        assert fonts.drawable("Hi 你好世界!") == "Hi [4 characters]!"
        assert fonts.drawable("caf\u00e9") == "cafe"
        assert fonts.drawable("你") == "[1 character]"
        assert fonts.drawable("plain\nwords") == "plain words"
        assert schedule().numel() and draw_timeline(timeline_of(speech(), CLOCK), width=384).numel()
    finally:
        fonts._present_fonts.cache_clear(), fonts._system_font.cache_clear()


def test_ticks_are_round_and_cover_the_reach():
    assert ticks(3.2, 7) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert ticks(0.07, 7)[1] == pytest.approx(0.01)
    assert len(ticks(1234.0, 7)) <= 8


def test_words_stand_at_their_share_of_the_text():
    assert words_of("a bb ccc") == [(0.0, "a"), (0.25, "bb"), (0.625, "ccc")]
    assert words_of("") == []


def test_a_timeline_knows_what_was_asked_and_what_was_made():
    free, asked = (timeline_of(speech(targets), CLOCK)[0] for targets in ((0, 0), (200, 0)))
    assert free.asked_seconds is None and free.stretch == 1.0
    assert asked.seconds == pytest.approx(200 * 256 / 22_050)
    assert asked.stretch == pytest.approx(200 / CLOCK.natural_frames(30))


def test_words_and_emotions_show_only_where_they_are_known():
    plain = timeline_of(speech(), CLOCK)
    marked = [with_marks(plain[0], words=[Mark(0.0, 1.0, "Hello")], emotions=[Mark(0.0, 1.0, "happy")]), plain[1]]
    assert not torch.equal(draw_timeline(plain), draw_timeline(marked))


def test_a_timeline_without_tokens_is_refused():
    with pytest.raises(InputError, match="segment"):
        draw_timeline([])


def test_a_mel_without_frames_is_refused():
    with pytest.raises(InputError, match="no frames"):
        draw_mel(mel(frames=(0, 0)))


def test_equal_tokens_have_equal_colours_and_neighbours_other_ones():
    colours = torch.from_numpy(token_colours(torch.tensor([7, 7, 8])))
    assert torch.equal(colours[0], colours[1])
    assert (colours[0].int() - colours[2].int()).abs().max() > 40


def tone(seconds=1.0, rate=8_000):
    time = torch.arange(round(seconds * rate)) / rate
    return Waveform((0.5 * torch.sin(440.0 * time))[None, None], rate)


def test_speech_is_drawn_with_its_words_over_the_sound_that_says_them():
    plain = draw_speech(tone(), width=400)
    words = draw_speech(tone(), [("Hello", 0, 3_000), ("there.", 4_000, 8_000)], width=400)
    later = draw_speech(tone(), [("Hello", 0, 3_000), ("there.", 6_000, 8_000)], width=400)
    assert plain.shape[1:] == words.shape[1:] == (400, 3) and words.shape[0] > plain.shape[0]
    assert not torch.equal(words, later)


def test_speech_of_one_sample_and_words_beyond_its_end_are_drawn():
    one = Waveform(torch.zeros(1, 1, 1), 8_000)
    assert draw_speech(one, [("a", 0, 900)], width=300).shape[1] == 300
    with pytest.raises(InputError, match="no sample"):
        draw_speech(Waveform(torch.zeros(1, 1, 0), 8_000))


def test_a_growing_mel_is_a_small_picture_whose_low_bands_lie_below():
    values = torch.full((20, 30), -8.0)
    values[0] = 0.0
    picture = quick_mel(values, width=60)
    assert picture.size == (60, 40)
    assert sum(picture.getpixel((30, 39))) > sum(picture.getpixel((30, 0)))
