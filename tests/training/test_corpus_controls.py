"""What a prosody style does to durations, curves and the source of sound, on curves that are known."""

import numpy as np
import pytest
import torch

from indextts2.errors import ConfigError, TrainingError
from indextts2.training.corpus.controls import (
    EARLY_VALUES,
    VALUES_PER_UNIT,
    hushed,
    pause_places,
    planned,
    shaped,
    stressed_vowels,
)
from indextts2.training.corpus.decoder import BINS, HARMONICS, HOP, RATE, SoundMaker, Source, excitation
from indextts2.training.corpus.finish import faded, finish
from indextts2.training.corpus.recipe import CorpusRecipe
from indextts2.training.corpus.short_texts import one_word_lines, short_lines
from indextts2.training.corpus.speakers import HELD_OUT_PACKS, training_speakers
from indextts2.training.corpus.styles import EMOTIONS, RECIPES, Prosody
from indextts2.training.corpus.teacher import DURATION_UNIT, Spoken
from indextts2.training.corpus.texts import choose_texts
from indextts2.training.corpus.wordnet import key_of, words_of

SAID = "ðə kˈæptɪn tˈoʊld ɐ stˈɔːɹi."
RAW = np.full(len(SAID) + 2, 2.4)
F0 = np.tile([120.0, 130.0, 140.0, 0.0], 40)
ENERGY = np.full(len(F0), 4.0)


def dice(seed=0):
    return np.random.default_rng(seed)


def units_of(**changes):
    return planned(SAID, RAW.copy(), Prosody(**changes), dice()).units


def shape(prosody, seed=0):
    units = np.full(len(SAID) + 2, len(F0) // VALUES_PER_UNIT // (len(SAID) + 2))
    return shaped(SAID, units, F0, ENERGY, prosody, dice(seed))


def test_stressed_vowels_are_the_letters_behind_the_mark_of_primary_stress():
    assert ["".join(SAID[first:last]) for first, last in stressed_vowels(SAID)] == ["æ", "oʊ", "ɔː"]
    assert stressed_vowels("ɐ ðə") == [] and stressed_vowels("ˈ") == []


@pytest.mark.parametrize("speed", [0.75, 0.97, 1.0, 1.03, 1.33])
def test_a_pace_is_met_in_all_although_every_token_is_a_whole_number_of_units(speed):
    units = units_of(speed=speed)
    assert units.sum() == pytest.approx(RAW.sum() / speed, abs=1.0)
    assert units.min() >= 1 and units.dtype == np.int64


def test_no_token_is_shorter_than_one_unit_however_fast_the_speech():
    assert planned("abc", np.full(5, 0.2), Prosody(speed=1.33), dice()).units.tolist() == [1, 1, 1, 1, 1]


def test_stretch_lengthens_stressed_vowels_alone_and_final_stretch_the_last_syllable_alone():
    plain, stretched, final = units_of(), units_of(stretch=1.0), units_of(final_stretch=1.0)
    vowels = [place + 1 for first, last in stressed_vowels(SAID) for place in range(first, last)]
    others = [place for place in range(len(plain)) if place not in vowels]
    assert stretched[vowels].sum() == pytest.approx(2 * plain[vowels].sum(), abs=2)
    assert stretched[others].sum() == pytest.approx(plain[others].sum(), abs=2)
    last = SAID.index("i.") + 1
    assert (final[:last] == plain[:last]).all() and final[last] > plain[last]


def test_pauses_come_between_words_behind_a_content_word_and_never_right_after_each_other():
    places = pause_places(SAID, 1.0, dice())
    assert places and all(SAID[place] == " " for place in places)
    assert SAID.index(" ") not in places  # "the" bears no stress
    assert pause_places(SAID, 0.0, dice()) == []
    paused, plain = units_of(pause_share=1.0, pause_units=20.0), units_of()
    longer = np.flatnonzero(paused - plain)
    assert [place - 1 for place in longer] == places and (paused - plain)[longer].min() >= 14


def test_pauses_are_quiet_and_what_is_said_around_them_is_not():
    plan = planned(SAID, RAW.copy(), Prosody(pause_share=1.0, pause_units=20.0), dice())
    samples = np.ones(int(plan.units.sum()) * DURATION_UNIT, dtype=np.float32)
    made = hushed(samples, plan.pauses)
    assert made.shape == samples.shape and made.dtype == np.float32 and len(plan.pauses) == 1
    for start, end in plan.pauses * DURATION_UNIT:
        assert np.abs(made[start + 480 : end - DURATION_UNIT - 480]).max() < 0.01
        assert made[start - 480] == pytest.approx(1.0) and made[end] == pytest.approx(1.0)
    assert (made > 0.9).mean() > 0.6
    np.testing.assert_allclose(hushed(samples, np.zeros((0, 2), dtype=np.int64)), samples, rtol=1e-6)


def test_a_neutral_style_leaves_curves_and_source_as_predicted():
    source, energy = shape(Prosody())
    np.testing.assert_allclose(source.f0, F0)
    np.testing.assert_allclose(energy, ENERGY)
    assert not source.breath.any() and not source.creak.any()


def test_gain_and_range_move_the_voiced_values_alone():
    source, _ = shape(Prosody(f0_gain=1.5, f0_range=2.0))
    voiced = F0 > 0
    np.testing.assert_allclose(source.f0[voiced], 1.5 * (130.0 + 2.0 * (F0[voiced] - 130.0)))
    assert not source.f0[~voiced].any()


def test_a_ramp_rises_from_start_to_end_and_a_final_rise_at_the_end_alone():
    voiced = np.flatnonzero(F0 == 130.0)
    ramp, rise = shape(Prosody(f0_ramp=0.3))[0].f0[voiced], shape(Prosody(final_rise=12.0))[0].f0[voiced]
    assert np.all(np.diff(ramp) > 0) and ramp[-1] / ramp[0] == pytest.approx(1.35, abs=0.05)
    assert rise[0] == pytest.approx(130.0) and rise[-1] == pytest.approx(260.0)


def test_accents_raise_pitch_and_energy_where_a_stressed_vowel_sounds():
    source, energy = shape(Prosody(accent=6.0, accent_energy=0.5))
    unit = len(F0) // VALUES_PER_UNIT // (len(SAID) + 2)
    vowel = (SAID.index("ɔ") + 1) * unit * VALUES_PER_UNIT - EARLY_VALUES
    between = (SAID.index("t", SAID.index(" t")) + 1) * unit * VALUES_PER_UNIT
    assert energy[vowel] > ENERGY[0] * 1.2 > energy[:4].max()
    assert (source.f0 / np.maximum(F0, 1.0))[vowel - 4 : vowel + 4].max() > 1.2
    assert energy[between] <= energy.max()


def test_creak_at_the_end_lowers_the_voice_there_and_shakes_it():
    source, _ = shape(Prosody(final_creak=1.0))
    voiced = np.flatnonzero(F0 > 0)
    assert source.creak[voiced[0]] == 0.0 and source.creak[voiced[-1]] == 1.0
    assert source.f0[voiced[-1]] < 80.0 and source.f0[voiced[0]] == F0[voiced[0]]
    np.testing.assert_array_equal(source.f0, shape(Prosody(final_creak=1.0))[0].f0)  # same draw, same speech
    assert (source.f0 != shape(Prosody(final_creak=1.0), seed=1)[0].f0).any()


WEIGHTS = {
    "generator.m_source.l_linear.weight": torch.eye(HARMONICS)[:, :1],
    "generator.m_source.l_linear.bias": torch.zeros(1),
}


def spectrum_at(hertz, *, f0=200.0, breath=0.0, creak=0.0):
    flat = np.ones(80)
    made = excitation(Source(f0 * flat, breath * flat, creak * flat), WEIGHTS, dice()).numpy()
    power = np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
    place = round(hertz * len(made) / RATE)
    return float(power[place - 1 : place + 2].sum() / power.sum())


def test_a_clean_source_is_a_tone_breath_takes_it_away_and_creak_adds_half_its_pitch():
    assert spectrum_at(200.0) > 0.99
    assert spectrum_at(200.0, breath=1.0) < 0.01 < spectrum_at(200.0, breath=0.5)
    assert spectrum_at(100.0) < 0.001 and spectrum_at(100.0, creak=1.0) > 0.1


def test_an_unvoiced_source_is_silent_whatever_the_style():
    assert not excitation(Source(np.zeros(8), np.ones(8), np.ones(8)), WEIGHTS, dice()).numpy().any()


def decoder_weights(dim=6, wide=8, up=(8, 4), seed=0):
    """Random weights of a decoder that is the teacher's in all but width."""
    random = dice(seed)
    weights = {}

    def conv(name, outer, inner, width):
        weights[f"{name}.weight"] = random.normal(0, 0.2, (outer, inner, width)).astype(np.float32)
        weights[f"{name}.bias"] = random.normal(0, 0.1, outer).astype(np.float32)

    def norm(name, channels):
        weights[f"{name}.fc.weight"] = random.normal(0, 0.02, (128, 2 * channels)).astype(np.float32)
        weights[f"{name}.fc.bias"] = np.zeros(2 * channels, dtype=np.float32)

    def block(name, inner, outer):
        norm(f"{name}.norm1", inner)
        norm(f"{name}.norm2", outer)
        conv(f"{name}.conv1x1", outer, inner, 1)
        conv(f"{name}.conv1", outer, inner, 3)
        conv(f"{name}.conv2", outer, outer, 3)

    def resblock(name, channels, width):
        for part in range(3):
            for side in (1, 2):
                conv(f"{name}.convs{side}.{part}", channels, channels, width)
                norm(f"{name}.adain{side}.{part}", channels)
                weights[f"{name}.alpha{side}.{part}"] = np.ones((1, channels, 1), dtype=np.float32)

    conv("F0_conv", 1, 1, 3)
    conv("N_conv", 1, 1, 3)
    conv("asr_res.asr_res.0", 2, dim, 1)
    block("encode", dim + 2, wide)
    for number in range(4):
        block(f"decode.{number}", wide + 4, wide)
    conv("decode.3.pool", wide + 4, 1, 3)
    before = wide
    for number, (channels, rate) in enumerate(zip(up, (10, 6), strict=True)):
        weights[f"generator.ups.{number}.weight"] = random.normal(0, 0.2, (before, channels, 2 * rate)).astype("f4")
        weights[f"generator.ups.{number}.bias"] = np.zeros(channels, dtype=np.float32)
        conv(f"generator.noise_convs.{number}", channels, 2 * BINS, 12 if number == 0 else 1)
        resblock(f"generator.noise_res.{number}", channels, 7 if number == 0 else 11)
        for kernel, width in enumerate((3, 7, 11)):
            resblock(f"generator.resblocks.{3 * number + kernel}", channels, width)
        before = channels
    conv("generator.conv_post", 2 * BINS, before, 7)
    weights["generator.m_source.l_linear.weight"] = np.ones((HARMONICS, 1), dtype=np.float32)
    weights["generator.m_source.l_linear.bias"] = np.zeros(1, dtype=np.float32)
    return weights


def sound(maker, breath=0.0, units=9, seed=0):
    random = dice(1)
    content, energy = random.normal(size=(6, units)), random.normal(size=2 * units)
    source = Source(np.full(2 * units, 150.0), np.full(2 * units, breath), np.zeros(2 * units))
    return maker(content, source, energy, random.normal(size=256), dice(seed))


def test_the_decoder_makes_600_samples_a_unit_and_repeats_itself():
    maker = SoundMaker(decoder_weights())
    made = sound(maker)
    assert made.shape == (9 * VALUES_PER_UNIT * HOP,) == (9 * DURATION_UNIT,)
    assert np.isfinite(made).all() and made.std() > 0
    np.testing.assert_array_equal(made, sound(maker))


def test_the_decoder_in_bfloat16_sounds_nearly_the_same():
    exact, rough = (sound(SoundMaker(decoder_weights(), bfloat16=kind)) for kind in (False, True))
    assert 0 < np.abs(exact - rough).mean() < 0.1 * np.abs(exact).mean()


def test_breath_reaches_the_sound_and_follows_its_draw():
    maker = SoundMaker(decoder_weights())
    assert (sound(maker, breath=0.5) != sound(maker)).any()
    assert (sound(maker, breath=0.5) != sound(maker, breath=0.5, seed=3)).any()


def test_every_style_differs_from_every_other_in_more_than_one_thing():
    for first in EMOTIONS:
        for second in EMOTIONS:
            mine, yours = RECIPES[first].style_params(), RECIPES[second].style_params()
            assert first == second or sum(mine[name] != yours[name] for name in mine) >= 4


def test_loudness_moves_the_peak_and_a_fade_softens_the_end():
    tone = 0.3 * np.sin(2 * np.pi * 200 * np.arange(40 * DURATION_UNIT) / RATE).astype(np.float32)
    spoken = Spoken(tone, "abc", np.array([10, 10, 10, 5, 5]), 200.0)
    loud, _ = finish(spoken, Prosody(loudness_db=3.0), edge_seconds=0.075, peak_db=-6.0)
    assert np.abs(loud).max() == pytest.approx(10 ** (-3 / 20), rel=1e-4)
    soft = faded(tone, 6.0)
    assert np.abs(soft[-400:]).max() == pytest.approx(0.3 * 10 ** (-6 / 20), rel=0.02)
    assert faded(tone, 0.0) is tone


def test_more_blends_bring_new_voices_and_keep_the_first_ones():
    few, many = training_speakers(4), training_speakers(40)
    assert len(many) == len({speaker.name for speaker in many}) == 96
    assert many[: len(few)] == few
    pairs = [frozenset(pack for pack, _ in speaker.packs) for speaker in many]
    assert len(set(pairs)) == len(pairs) and not set().union(*pairs) & set(HELD_OUT_PACKS)
    assert all(sum(weight for _, weight in speaker.packs) == pytest.approx(1.0) for speaker in many)
    assert frozenset(("af_aoede", "af_sarah")) not in pairs  # a test speaker of the first corpus
    with pytest.raises(ConfigError, match="more blends"):
        training_speakers(10_000)


def test_short_lines_have_the_words_they_are_named_for_and_come_once():
    ones, few = one_word_lines(dice(), None), short_lines(dice())
    assert len(ones) > 250 and {len(text.split()) for text in ones} == {1}
    assert len(few) > 500 and {len(words_of(text)) for text in few} == {2, 3}
    assert len({key_of(text) for text in ones + few}) == len(ones + few)
    assert all(text[0].isupper() and text[-1] in ".?!" for text in ones + few)


def test_a_recipe_mixes_short_lines_single_sentences_and_joined_ones_in_their_shares():
    shares = {"one_word_share": 0.1, "short_share": 0.2, "joined_share": 0.3}
    texts = choose_texts(CorpusRecipe(utterances=100, words=(4, 12), preferred_words=7.0, **shares))
    counts = [len(words_of(item.text)) for item in texts]
    assert counts.count(1) == 10 and sum(count in (2, 3) for count in counts) == 20
    ends = [sum(item.text.count(mark) for mark in ".?!") for item in texts]
    assert sum(end == 2 for end in ends) == 30 and max(ends) == 2
    assert len({key_of(item.text) for item in texts}) == 100


def test_asking_for_more_short_lines_than_there_are_is_an_error():
    with pytest.raises(TrainingError, match="short lines"):
        choose_texts(CorpusRecipe(utterances=9_000, one_word_share=1.0))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"one_word_share": 0.6, "short_share": 0.6}, "exceed"),
        ({"mixed_precision": "fp16"}, "mixed_precision"),
        ({"blends": -1}, "blends"),
    ],
)
def test_recipes_of_the_second_kind_are_checked(change, word):
    with pytest.raises(ConfigError, match=word):
        CorpusRecipe(**change)
