"""A folder in the released form: Qwen3 weights in half precision, Qwen2 tokenizer files, a chat template of its own."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import EmotionWeights
from indextts2.loading.text_to_emotion import load_text_to_emotion
from indextts2.stages.emotion import from_text as text_to_emotion
from indextts2.stages.emotion.from_text import SYSTEM_PROMPT, TextToEmotionConfig, prompt_ids, read_emotion
from indextts2.stages.emotion.reply import CALM

from ..loading.qwen_writer import END, START, THOUGHT, write_qwen

pytest.importorskip("transformers")


@pytest.fixture(scope="module", params=["both forms of the tokenizer", "vocabulary and merges alone"])
def checkpoint(tmp_path_factory, request):
    folder = write_qwen(tmp_path_factory.mktemp("official") / "IndexTTS-2" / "qwen0.6bemo4-merge")
    if request.param != "both forms of the tokenizer":
        (folder / "tokenizer.json").unlink()
    return folder.parent


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_text_to_emotion(checkpoint)


def replying(model, monkeypatch, reply: str):
    """The model with a reply of ours in place of what its random weights would say."""
    ids = model.tokenizer(reply, add_special_tokens=False)["input_ids"]

    def generate(input_ids, **options):
        return torch.cat([input_ids, torch.tensor([[*ids, model.tokenizer.eos_token_id]])], dim=1)

    monkeypatch.setattr(model.model, "generate", generate)
    return model


def test_the_checkpoint_folder_is_enough_and_the_model_is_asked_as_published(model):
    assert model.config == TextToEmotionConfig() and model.config.method == "generate"
    assert model.name == "qwen0.6bemo4-merge"
    assert model.tokenizer.eos_token_id == 256
    assert not any(weight.requires_grad for weight in model.model.parameters())


def test_the_prompt_is_the_folders_own_template(model):
    ids, warnings = prompt_ids(model, "你好 there")
    written = model.tokenizer.decode(ids)
    wanted = f"{START}system\n{SYSTEM_PROMPT}{END}\n{START}user\n你好 there{END}\n{START}assistant\n"
    assert written == wanted and not warnings
    assert ids.count(257) == 3 and ids.count(256) == 2  # the marks are single tokens, not letters


def test_a_reply_in_its_own_words_becomes_weights(model, monkeypatch):
    asked = replying(model, monkeypatch, f'thoughts{THOUGHT}{{"高兴": 0.7, "惊讶": 0.2}}')
    assert read_emotion(asked, "What a day!").weights == EmotionWeights.of(happy=0.7, surprised=0.2)


def test_a_reply_that_means_nothing_is_calm_with_a_warning(model, monkeypatch):
    found = read_emotion(replying(model, monkeypatch, '{"高兴": null}'), "What a day!")
    assert found.weights == CALM and "calm is used" in found.warnings[0]


def test_random_weights_answer_something_in_the_folders_own_way_of_drawing(checkpoint):
    model = load_text_to_emotion(checkpoint)
    model = text_to_emotion.TextToEmotionModel(
        model.model, model.tokenizer, TextToEmotionConfig(max_new_tokens=12), model.name
    )
    assert model.model.generation_config.do_sample
    first, again = (read_emotion(model, "What a day!", seed=3) for _ in range(2))
    assert first.reply == again.reply and first.weights == again.weights


def test_the_likelihood_of_the_labels_is_a_soft_alternative(model):
    found = read_emotion(model, "What a day!", method="likelihood")
    assert sum(found.weights.values) == pytest.approx(1.0) and found.method == "likelihood"
    assert 0.0 < min(found.weights.values) and not found.reply
