"""Training text-to-emotion: honest texts, a model that can learn, adapters that leave their base alone."""

from __future__ import annotations

import json

import pytest
import torch

from indextts2.config import EMOTIONS
from indextts2.errors import TrainingError
from indextts2.loading.text_to_emotion import load_text_to_emotion
from indextts2.stages.emotion.from_text import read_emotion
from indextts2.training.emotion.gloss_vectors import gloss_vectors
from indextts2.training.emotion.text_to_emotion import (
    LANGUAGE_MODEL,
    LoraSettings,
    TextDataSettings,
    TextToEmotionPart,
    TextToEmotionRecipe,
    export_text_to_emotion,
    soft_label_loss,
    train_text_to_emotion,
    training_texts,
)
from indextts2.training.emotion.texts import (
    KIND_SHARES,
    clear_distribution,
    make_texts,
    read_natural_texts,
    read_sources,
    read_texts,
    write_texts,
)
from indextts2.training.emotion.tiny_language_model import SPECIAL, TinyModelSettings, tiny_model, tiny_tokenizer
from indextts2.training.emotion.wordnet import emotion_examples, emotion_words, neutral_examples
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import train

SIZES = TinyModelSettings(vocabulary=400, dim=24, layers=1, heads=2, feed_forward=32, dropout=0.0)


def recipe(**changes):
    values = {
        "loop": LoopSettings(max_steps=3, learning_rate=1e-2, evaluate_steps=0, cpu=True),
        "data": TextDataSettings(count=60, held_out_count=0, token_dropout=0.0),
        "tiny": SIZES,
        "batch_size": 8,
        "embedding_rate": 1.0,
    }
    return TextToEmotionRecipe(**(values | changes))


@pytest.fixture(scope="module")
def texts():
    return make_texts(2400, seed=1)


def test_two_thousand_different_texts_have_distributions_that_sum_to_one(texts):
    assert len({text.text.lower() for text in texts}) == 2400
    assert all(sum(text.weights) == pytest.approx(1.0) and min(text.weights) >= 0 for text in texts)
    assert {text.kind for text in texts} == set(KIND_SHARES)


def test_every_emotion_is_the_main_one_of_many_texts(texts):
    leading = [max(range(8), key=text.weights.__getitem__) for text in texts]
    assert all(leading.count(place) > 200 for place in range(8))


def test_the_same_seed_makes_the_same_texts(texts):
    assert make_texts(50, seed=1) == texts[:50]
    assert make_texts(50, seed=2) != texts[:50]


def test_held_out_texts_share_no_word_list_entry_and_no_template_with_training():
    train, held_out = read_sources("train"), read_sources("held_out")
    for emotion in EMOTIONS:
        for field, entries in held_out.words[emotion].items():
            assert entries
            if field != "endings":
                assert not set(entries) & set(train.words[emotion][field])
    for kind, templates in held_out.templates.items():
        assert templates
        assert not {str(template) for template in templates} & {str(template) for template in train.templates[kind]}


def test_further_words_join_training_but_never_from_the_held_out_ones():
    held = read_sources("held_out").words["happy"]["words"][0]
    extra = {"happy": {"words": ["zestful", held]}}
    assert "zestful" in read_sources("train", extra=extra).words["happy"]["words"]
    assert held not in read_sources("train", extra=extra).words["happy"]["words"]
    assert held in read_sources("all").words["happy"]["words"]


def test_no_text_has_an_unfilled_field_or_a_small_beginning(texts):
    assert not any("{" in text.text or text.text[0].islower() for text in texts)


def test_the_natural_lines_are_ten_per_emotion_and_never_made(texts):
    natural = read_natural_texts()
    assert [emotion for emotion, _ in natural] == [emotion for emotion in EMOTIONS for _ in range(10)]
    made = {text.text.lower().strip(".!? ") for text in make_texts(4000, split="all", seed=3)}
    assert not made & {text.lower().strip(".!? ") for _, text in natural}


def test_texts_survive_a_file(texts, tmp_path):
    write_texts(tmp_path / "texts.jsonl", texts[:20])
    assert read_texts(tmp_path / "texts.jsonl") == texts[:20]
    settings = TextDataSettings(texts_file=str(tmp_path / "texts.jsonl"))
    assert training_texts(settings) == texts[:20]


def test_soft_label_loss_is_least_at_the_target_distribution():
    target = torch.tensor([clear_distribution("sad")])
    at_target = soft_label_loss(target.clamp_min(1e-9).log(), target)
    flat = soft_label_loss(torch.full((1, 8), 1 / 8).log(), target)
    other = soft_label_loss(torch.tensor([clear_distribution("happy")]).clamp_min(1e-9).log(), target)
    assert at_target < flat < other


def test_one_batch_can_be_learned_by_heart():
    part = TextToEmotionPart(recipe(batch_size=16), make_texts(16))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        models = part.build()
    optimiser = torch.optim.AdamW(models[LANGUAGE_MODEL].parameters(), lr=5e-3)
    batch = {
        "prompts": [torch.tensor(prompt) for prompt in part.prompts],
        "targets": torch.tensor([text.weights for text in part.texts]),
    }
    for _ in range(120):
        loss, _ = part.loss(models, batch, torch.Generator())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = part.probabilities(models[LANGUAGE_MODEL], [text.text for text in part.texts])
    assert torch.equal(found.argmax(dim=-1), batch["targets"].argmax(dim=-1))
    assert float((found - batch["targets"]).abs().mean()) < 0.03


def test_a_batch_holds_texts_of_similar_length():
    part = TextToEmotionPart(recipe(), make_texts(400))
    generator = torch.Generator().manual_seed(0)
    spread = [[len(prompt) for prompt in part.batch(step, generator)["prompts"]] for step in range(20)]
    everything = [len(prompt) for prompt in part.prompts]
    assert sum(max(lengths) - min(lengths) for lengths in spread) / 20 < (max(everything) - min(everything)) / 3


def test_hidden_tokens_never_hide_the_question():
    part = TextToEmotionPart(recipe(data=TextDataSettings(count=30, held_out_count=0, token_dropout=0.9)))
    batch = part.batch(0, torch.Generator().manual_seed(0))
    ask = part.tokenizer.convert_tokens_to_ids("<|emotion|>")
    assert all(int(prompt[-1]) == ask for prompt in batch["prompts"])
    assert sum(int((prompt == part.hidden_token).sum()) for prompt in batch["prompts"]) > 10


def test_an_exported_model_answers_like_the_trained_one(tmp_path):
    part = TextToEmotionPart(recipe())
    assert train(part, part.recipe.loop, tmp_path / "run").step == 3
    numbers = export_text_to_emotion(part, tmp_path / "run", tmp_path / "export", {"licence": "none"})
    assert 0.0 <= numbers["natural_accuracy"] <= 1.0
    loaded = load_text_to_emotion(tmp_path / "export")
    trained = part.build()[LANGUAGE_MODEL]
    from indextts2.training.loop.state import export_weights

    trained.load_state_dict(export_weights(tmp_path / "run", LANGUAGE_MODEL))
    trained.eval()
    for _, text in read_natural_texts()[::20]:
        wanted = read_emotion(part.handle(trained), text).weights.values
        assert read_emotion(loaded, text).weights.values == pytest.approx(wanted, abs=5e-3)
    settings = json.loads((tmp_path / "export" / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert settings["add_prefix_space"] is True  # both major versions of transformers then read texts alike


def test_a_yaml_recipe_trains_and_writes_the_model(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "loop: {max_steps: 2, evaluate_steps: 0, cpu: true}\nbatch_size: 4\n"
        "data: {count: 40, held_out_count: 8}\n"
        "tiny: {vocabulary: 300, dim: 16, layers: 1, heads: 2, feed_forward: 16}\n"
    )
    assert train_text_to_emotion(path, tmp_path / "run").reason == "done"
    assert load_text_to_emotion(tmp_path / "run" / "export").config.method == "likelihood"


def lora_recipe(tmp_path, **changes):
    export = tmp_path / "base"
    if not export.exists():
        job = TextToEmotionPart(recipe(loop=LoopSettings(max_steps=1, evaluate_steps=0, cpu=True)))
        train(job, job.recipe.loop, tmp_path / "base_run")
        export_text_to_emotion(job, tmp_path / "base_run", export)
    lora = LoraSettings(rank=2, dropout=0.0, targets=("q_proj", "v_proj"))
    return recipe(base_folder=str(export), lora=lora, **changes)


def test_lora_trains_adapters_only_and_leaves_the_base_frozen(tmp_path):
    pytest.importorskip("peft")
    part = TextToEmotionPart(lora_recipe(tmp_path), make_texts(16))
    models = part.build()
    before = {name: weight.detach().clone() for name, weight in models[LANGUAGE_MODEL].named_parameters()}
    optimiser = part.optimisers(models, part.recipe.loop)["main"]
    generator = torch.Generator().manual_seed(0)
    for step in range(3):
        loss, _ = part.loss(models, part.batch(step, generator), generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    changed = {
        name for name, weight in models[LANGUAGE_MODEL].named_parameters() if not torch.equal(weight, before[name])
    }
    assert changed
    assert all("lora_" in name for name in changed)
    assert all("lora_" in name for name in models[LANGUAGE_MODEL].state_dict())


def test_trained_adapters_load_on_their_base(tmp_path):
    pytest.importorskip("peft")
    job = TextToEmotionPart(lora_recipe(tmp_path))
    train(job, job.recipe.loop, tmp_path / "run")
    export_text_to_emotion(job, tmp_path / "run", tmp_path / "adapters")
    assert not (tmp_path / "adapters" / "model.safetensors").exists()
    found = read_emotion(load_text_to_emotion(tmp_path / "adapters"), "I am so happy").weights
    assert sum(found.values) == pytest.approx(1.0)


def test_saved_weights_of_another_model_are_refused():
    models = TextToEmotionPart(recipe(), make_texts(16)).build()
    with pytest.raises(TrainingError, match="another folder"):
        models[LANGUAGE_MODEL].load_state_dict({"model.other": torch.zeros(1)})


def test_no_texts_are_refused():
    with pytest.raises(TrainingError, match="no text"):
        TextToEmotionPart(recipe(), [])


WORDNET = {
    "data.noun": [
        "00000010 12 n 02 anger 0 ire 0 002 ~ 00000020 n 0000 + 00000030 a 0101 | a strong feeling; \"he felt anger\"",
        "00000020 12 n 01 fury 0 001 @ 00000010 n 0000 | violent anger",
        "00000040 06 n 01 table 0 000 | furniture; \"the table stands near the window\"",
    ],
    "data.adj": ["00000030 00 a 01 angry(p) 0 001 + 00000010 n 0101 | feeling anger; \"an angry face\""],
    "data.verb": [],
    "data.adv": ["00000050 02 r 01 angrily 0 001 \\ 00000030 a 0101 | with anger; \"he angrily shut the door\""],
}  # fmt: skip


@pytest.fixture
def wordnet(tmp_path):
    for name, lines in WORDNET.items():
        head = "  1 This is a licence line\n"
        (tmp_path / name).write_text(head + "".join(f"{line}  \n" for line in lines), encoding="utf-8")
    return tmp_path


def test_wordnet_words_are_found_by_walking_from_the_feeling(wordnet):
    words = emotion_words(wordnet)
    assert words["angry"] == {"nouns": ["anger", "fury", "ire"], "words": ["angry"], "adverbs": ["angrily"]}
    assert not any(words["happy"].values())


def test_wordnet_examples_lean_to_their_emotion_and_the_rest_is_calm(wordnet):
    found = {text.text: text.weights for text in emotion_examples(wordnet)}
    assert {"he felt anger", "an angry face", "he angrily shut the door"} <= set(found)
    assert all(weights.index(max(weights)) == 1 for weights in found.values())
    assert found["he felt anger"][1] > found["he angrily shut the door"][1]
    assert [text.text for text in neutral_examples(wordnet, 5)] == ["the table stands near the window"]


def test_a_wordnet_folder_without_its_files_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="data.noun"):
        emotion_words(tmp_path)


def test_words_of_the_same_definitions_get_similar_vectors():
    definitions = [
        "a cat is a small furry pet",
        "a kitten is a small furry pet",
        "steel is a hard metal",
        "iron is a hard metal",
    ]
    tokenizer = tiny_tokenizer(SIZES, definitions * 20)
    vectors = gloss_vectors(tokenizer, definitions * 5, 6)
    ids = [tokenizer(f" {word}")["input_ids"] for word in ("furry", "pet", "hard", "metal")]
    assert all(len(pieces) == 1 for pieces in ids)
    furry, pet, hard, metal = (vectors[pieces[0]] for pieces in ids)
    assert float(furry @ pet) > float(furry @ metal) + 0.3
    assert float(hard @ metal) > float(hard @ pet) + 0.3
    assert torch.equal(vectors, gloss_vectors(tokenizer, definitions * 5, 6))


def test_embeddings_start_from_the_vectors_except_for_special_tokens():
    tokenizer = tiny_tokenizer(SIZES, ["one two three"] * 5)
    vectors = torch.eye(len(tokenizer), SIZES.dim)
    table = tiny_model(SIZES, tokenizer, vectors).get_input_embeddings().weight
    filled = [place for place in range(SIZES.dim) if place >= len(SPECIAL)]
    assert all(float(table[place].abs().argmax()) == place for place in filled)
    assert not torch.equal(table[0].detach().sign().abs(), vectors[0])
