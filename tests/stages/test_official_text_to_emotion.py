"""A folder in the released form: Qwen3 weights in half precision, Qwen2 tokenizer files, a chat template of its own."""

from __future__ import annotations

import json

import pytest
import torch

from indextts2.contracts import EmotionWeights
from indextts2.loading.text_to_emotion import load_text_to_emotion
from indextts2.stages import text_to_emotion
from indextts2.stages.text_emotion_reply import CALM
from indextts2.stages.text_to_emotion import SYSTEM_PROMPT, TextToEmotionConfig, prompt_ids, read_emotion

transformers = pytest.importorskip("transformers")

END, START, THOUGHT = "<|im_end|>", "<|im_start|>", "</think>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def bytes_as_letters() -> list[str]:
    """The letter that byte-level vocabularies write for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(256 + others.index(byte)) for byte in range(256)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("official") / "IndexTTS-2" / "qwen0.6bemo4-merge"
    folder.mkdir(parents=True)
    vocabulary = {letter: index for index, letter in enumerate(bytes_as_letters())}
    added = {str(256 + index): token for index, token in enumerate((END, START, THOUGHT))}
    config = transformers.Qwen3Config(
        vocab_size=256 + len(added), hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=1024, tie_word_embeddings=True,
        eos_token_id=256, bos_token_id=256, pad_token_id=256,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.Qwen3ForCausalLM(config).half()
    model.generation_config = transformers.GenerationConfig(
        do_sample=True, temperature=0.6, top_k=20, top_p=0.95, eos_token_id=[256, 257], pad_token_id=256
    )
    model.save_pretrained(folder)
    files = {
        "vocab.json": json.dumps(vocabulary, ensure_ascii=False),
        "merges.txt": "#version: 0.2\n",
        "added_tokens.json": json.dumps({token: int(index) for index, token in added.items()}),
        "special_tokens_map.json": json.dumps({"eos_token": END, "pad_token": END}),
        "chat_template.jinja": TEMPLATE,
        "Modelfile": "FROM .\n",
        "tokenizer_config.json": json.dumps({
            "tokenizer_class": "Qwen2Tokenizer", "eos_token": END, "pad_token": END, "model_max_length": 1024,
            "added_tokens_decoder": {index: {"content": token, "special": True} for index, token in added.items()},
        }),
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
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
