"""Asking a language model for an emotion: the label likelihoods, the generated reply, and loading from a folder."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
import torch

from indextts2.config import EMOTIONS
from indextts2.contracts import EmotionWeights
from indextts2.errors import CheckpointError, ConfigError, InputError
from indextts2.loading.text_to_emotion import (
    find_text_to_emotion,
    load_text_to_emotion,
    read_settings,
    write_settings,
)
from indextts2.stages.emotion.from_text import (
    SYSTEM_PROMPT,
    TextToEmotionConfig,
    TextToEmotionModel,
    _seeded,
    after_thinking,
    emotion_from_text,
    label_ids,
    label_scores,
    prompt_ids,
    read_emotion,
)
from indextts2.stages.emotion.reply import CALM, CHINESE_LABELS, UnreadableReply, parse_reply
from indextts2.training.emotion.text_to_emotion import write_tokenizer
from indextts2.training.emotion.tiny_language_model import TinyModelSettings, tiny_config, tiny_model, tiny_tokenizer

TEXTS = ["I am so happy today.", "Get out of my house!", "It hurts, he is gone.", "There is no hurry at all."] * 3
SIZES = TinyModelSettings(vocabulary=320, dim=16, layers=1, heads=2, feed_forward=24, positions=64)
WORDS = (" joy", " anger", " sadness", " fear", " disgust", " gloom", " wonder", " peace")  # several tokens each


@pytest.fixture(scope="module")
def tiny():
    tokenizer = tiny_tokenizer(SIZES, TEXTS)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = tiny_model(SIZES, tokenizer).eval()
    return TextToEmotionModel(model, tokenizer, tiny_config(), "tiny")


def worded(tiny, **changes):
    return TextToEmotionModel(
        tiny.model, tiny.tokenizer, TextToEmotionConfig(prompt="plain", answer=":", labels=WORDS, **changes), "worded"
    )


def test_likelihoods_are_the_softmax_over_the_eight_labels(tiny):
    prompt = torch.tensor([prompt_ids(tiny, TEXTS[0])[0]])
    with torch.no_grad():
        logits = tiny.model(input_ids=prompt).logits[0, -1]
    wanted = logits[[ids[0] for ids in label_ids(tiny)]].double().softmax(dim=-1)
    found = read_emotion(tiny, TEXTS[0])
    assert found.method == "likelihood"
    assert found.weights.values == pytest.approx(wanted.tolist(), abs=1e-5)
    assert sum(found.weights.values) == pytest.approx(1.0)


def test_a_label_of_several_tokens_has_the_product_of_their_probabilities(tiny):
    model = worded(tiny)
    labels = label_ids(model)
    assert max(map(len, labels)) > 1
    prompts = [prompt_ids(model, text)[0] for text in ("Oh.", "There is no hurry at all, my dear friend.")]
    with torch.no_grad():
        found = label_scores(model.model, prompts, labels)
        for place, prompt in enumerate(prompts):
            for column, label in enumerate(labels):
                logits = model.model(input_ids=torch.tensor([prompt + label])).logits[0].log_softmax(dim=-1)
                steps = range(len(prompt) - 1, len(prompt) + len(label) - 1)
                wanted = sum(float(logits[step, token]) for step, token in zip(steps, label, strict=True))
                assert float(found[place, column]) == pytest.approx(wanted, abs=1e-4)


def test_padding_beside_longer_texts_changes_nothing(tiny):
    prompts = [prompt_ids(tiny, text)[0] for text in ("Oh.", TEXTS[0], "There is no hurry at all, my dear friend.")]
    with torch.no_grad():
        together = label_scores(tiny.model, prompts, label_ids(tiny))
        apart = torch.cat([label_scores(tiny.model, [prompt], label_ids(tiny)) for prompt in prompts])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


def test_a_lower_temperature_sharpens_the_distribution(tiny):
    soft = read_emotion(tiny, TEXTS[1], temperature=2.0).weights.values
    sharp = read_emotion(tiny, TEXTS[1], temperature=0.05).weights.values
    assert max(sharp) > max(soft)
    with pytest.raises(InputError, match="temperature"):
        read_emotion(tiny, TEXTS[1], temperature=0.0)


def test_labels_that_begin_alike_are_refused(tiny):
    labels = (" joy", " joy joy", *WORDS[2:])
    with pytest.raises(ConfigError, match="' joy'"):
        label_ids(TextToEmotionModel(tiny.model, tiny.tokenizer, TextToEmotionConfig(prompt="plain", labels=labels)))


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_calm_with_a_warning(tiny, text):
    found = read_emotion(tiny, text)
    assert found.weights == CALM
    assert "empty" in found.warnings[0]


def test_a_very_long_text_is_cut_with_a_warning(tiny):
    found = read_emotion(tiny, "so happy " * 3000)
    assert "Only the first 256" in found.warnings[0]


def test_any_text_at_all_is_read(tiny):
    for text in ("高兴", "\x00", "🙂🙂", "<|happy|>", "a" * 300):
        assert sum(read_emotion(tiny, text).weights.values) == pytest.approx(1.0)


def test_real_generation_is_repeatable_and_leaves_the_global_generator_alone(tiny):
    model = worded(tiny, max_new_tokens=5)
    model.model.generation_config.do_sample = True
    before = torch.random.get_rng_state()
    replies = [read_emotion(model, TEXTS[0], method="generate", seed=seed).reply for seed in (1, 1, 2, 3, 4)]
    model.model.generation_config.do_sample = False
    assert replies[0] == replies[1]
    assert len(set(replies)) > 1
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.fixture
def seeds(monkeypatch):
    """Stands in for the generators of the devices: kind of device -> its seed, and what was seeded."""
    states = {"cuda": 0, "mps": 0}
    log = []

    def stand_in(kind):
        def seed_it(seed):
            states[kind] = seed
            log.append(kind)

        module = getattr(torch, kind)
        monkeypatch.setattr(module, "manual_seed", seed_it)
        monkeypatch.setattr(module, "get_rng_state", lambda device: states[kind])
        monkeypatch.setattr(module, "set_rng_state", lambda state, device: states.update({kind: state}))

    stand_in("cuda")
    stand_in("mps")
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: log.append("every cuda"))
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    return states, log


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_generation_seeds_only_its_own_device_and_puts_it_back(seeds, kind):
    states, log = seeds
    with _seeded(5, torch.device(kind)):
        assert torch.initial_seed() == 5
        assert states == {"cuda": 0, "mps": 0} | ({} if kind == "cpu" else {kind: 5})
    assert states == {"cuda": 0, "mps": 0}
    assert log == ([] if kind == "cpu" else [kind])


def test_an_unknown_method_is_refused(tiny):
    with pytest.raises(InputError, match="auto, generate or likelihood"):
        read_emotion(tiny, TEXTS[0], method="guess")


class ScriptedTokenizer:
    """One id per character; records how the chat template was asked."""

    chat_template = "scripted"
    eos_token_id = 3
    unk_token_id = None

    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": [ord(character) for character in text]}

    def apply_chat_template(self, messages, **options):
        self.messages, self.options = messages, options
        return "".join(message["content"] for message in messages) + ">"

    def convert_tokens_to_ids(self, token):
        return None

    def decode(self, ids, skip_special_tokens=False):
        return "".join(chr(index) for index in ids if index != self.eos_token_id)


class ScriptedModel(torch.nn.Module):
    def __init__(self, new_ids):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.new_ids = new_ids

    def generate(self, input_ids, **options):
        self.options = options
        return torch.cat([input_ids, torch.tensor([self.new_ids])], dim=1)


def scripted(reply, before=()):
    return TextToEmotionModel(ScriptedModel([*before, *(ord(c) for c in reply), 3]), ScriptedTokenizer())


def test_the_official_prompt_is_the_models_own_template_without_thinking():
    model = scripted('{"高兴": 0.5}')
    found = read_emotion(model, "Hello")
    assert found.weights == EmotionWeights.of(happy=0.5)
    assert model.tokenizer.messages == [
        {"role": "system", "content": SYSTEM_PROMPT},
        {"role": "user", "content": "Hello"},
    ]
    assert model.tokenizer.options == {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
    assert model.model.options["pad_token_id"] == 3
    assert model.model.options["max_new_tokens"] == TextToEmotionConfig().max_new_tokens


def test_only_what_follows_the_last_end_of_thinking_counts():
    thought = [ord("x"), 151_668, ord("y"), 151_668]
    assert read_emotion(scripted('{"愤怒": 0.7}', thought), "Hello").weights == EmotionWeights.of(angry=0.7)
    assert after_thinking([1, 9, 2, 9, 3], 9) == [3]
    assert after_thinking([1, 2], 9) == [1, 2]


@pytest.mark.parametrize("reply", ['{"高兴": null}', '{"高兴": {"score": 1}}', '"高兴":0.6.2', "[" * 100_000])
def test_an_unreadable_reply_is_calm_with_a_warning(reply, caplog):
    found = read_emotion(scripted(reply), "Hello")
    assert found.weights == CALM
    assert "calm is used" in found.warnings[0]
    assert emotion_from_text(scripted(reply), "Hello") == CALM
    assert "calm is used" in caplog.text


def test_a_model_without_a_chat_template_says_what_to_do(tiny):
    with pytest.raises(ConfigError, match="no chat template"):
        read_emotion(TextToEmotionModel(tiny.model, tiny.tokenizer), "Hello")


def reply_with(**scores):
    names = dict(zip(EMOTIONS, CHINESE_LABELS, strict=True))
    return json.dumps({names[name]: value for name, value in scores.items()}, ensure_ascii=False)


def test_a_right_melancholic_reply_stays_right_unless_compatibility_is_asked_for():
    reply = reply_with(melancholic=0.6, sad=0.1)
    assert parse_reply(reply, "a gloomy evening") == EmotionWeights.of(melancholic=0.6, sad=0.1)
    assert parse_reply(reply, "a gloomy evening", compatible=True) == EmotionWeights.of(melancholic=0.1, sad=0.6)


def test_a_sad_reply_to_a_melancholic_text_becomes_melancholic():
    assert parse_reply(reply_with(sad=0.8), "I feel depressed") == EmotionWeights.of(melancholic=0.8)
    assert parse_reply('"sad"', "I feel depressed") == EmotionWeights.of(melancholic=1.0)
    assert parse_reply(reply_with(sad=0.8), "I feel sad") == EmotionWeights.of(sad=0.8)


def test_without_melancholy_in_the_text_both_ways_of_reading_agree():
    for reply in (reply_with(sad=0.5, happy=2.0), "", "[1]", '{"label": "Calm"}', "恐惧: .5"):
        assert parse_reply(reply, "hello") == parse_reply(reply, "hello", compatible=True)


def test_numbers_too_large_to_read_are_unreadable_not_a_crash():
    with pytest.raises(UnreadableReply):
        parse_reply('{"高兴": 1' + "0" * 400 + "}", "hello")
    with pytest.raises(UnreadableReply):
        parse_reply("1" * 5000, "hello")


def test_a_reply_that_is_no_json_may_be_long():
    assert parse_reply("a" * 100_000 + " 高兴: .5", "hello") == EmotionWeights.of(happy=0.5)
    with pytest.raises(UnreadableReply) as error:
        parse_reply("高兴: " + "." * 100_000, "hello")
    assert len(str(error.value)) < 100


def saved(tiny, folder):
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    tiny.model.config.save_pretrained(folder)
    weights = {name: weight.detach().half() for name, weight in tiny.model.named_parameters()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    write_tokenizer(tiny.tokenizer, folder)
    write_settings(folder, tiny.config)
    return folder


def test_a_written_folder_loads_and_answers_the_same(tiny, tmp_path):
    folder = saved(tiny, tmp_path / "checkpoint" / "text_to_emotion")
    for place in (folder, folder.parent):
        loaded = load_text_to_emotion(place)
        assert loaded.config == tiny.config
        assert not any(weight.requires_grad for weight in loaded.model.parameters())
        found, wanted = read_emotion(loaded, TEXTS[2]).weights, read_emotion(tiny, TEXTS[2]).weights
        assert found.values == pytest.approx(wanted.values, abs=1e-3)


def test_lora_adapters_load_on_the_base_they_name_or_are_given(tiny, tmp_path):
    peft = pytest.importorskip("peft")
    base = saved(tiny, tmp_path / "base")
    adapted = peft.get_peft_model(
        load_text_to_emotion(base).model,
        peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM", init_lora_weights=False),
    )
    generator = torch.Generator().manual_seed(0)
    for name, weight in adapted.named_parameters():
        if "lora" in name:
            weight.data.normal_(generator=generator)  # the library's own draw may change next to nothing
    folder = tmp_path / "adapters"
    adapted.save_pretrained(folder)
    write_settings(folder, tiny.config)
    written = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(written | {"base_model_name_or_path": "owner/base"}))
    with pytest.raises(CheckpointError, match="base model"):
        load_text_to_emotion(folder)
    loaded = load_text_to_emotion(folder, base_folder=base)
    merged, plain = read_emotion(loaded, TEXTS[0]).weights, read_emotion(tiny, TEXTS[0]).weights
    with torch.no_grad():
        scores = label_scores(adapted, [prompt_ids(tiny, TEXTS[0])[0]], label_ids(tiny))[0]
    assert merged.values == pytest.approx(scores.softmax(dim=-1).tolist(), abs=1e-4)
    assert merged.values != pytest.approx(plain.values, abs=1e-4)
    (folder / "adapter_config.json").write_text(json.dumps(written | {"base_model_name_or_path": "../base"}))
    assert load_text_to_emotion(folder).name == "adapters"


def test_a_folder_without_a_model_is_refused_with_what_is_expected(tmp_path):
    with pytest.raises(CheckpointError, match="model.safetensors"):
        find_text_to_emotion(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_text_to_emotion(tmp_path)


def test_unknown_or_impossible_settings_are_refused(tmp_path):
    (tmp_path / "text_to_emotion.json").write_text('{"metod": "generate"}')
    with pytest.raises(ConfigError, match="metod"):
        read_settings(tmp_path)
    (tmp_path / "text_to_emotion.json").write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        read_settings(tmp_path)
    for bad in ({"method": "guess"}, {"prompt": "none"}, {"labels": ("a",) * 8}, {"temperature": -1.0}):
        with pytest.raises(ConfigError):
            TextToEmotionConfig(**bad)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('{"temperature": "x"}', "'temperature' should be a number, but is \"x\""),
        ('{"temperature": true}', "'temperature' should be a number"),
        ('{"labels": 5}', "'labels' should be a list of texts, but is 5"),
        ('{"labels": [1, 2, 3, 4, 5, 6, 7, 8]}', "'labels' should be a list of texts"),
        ('{"labels": "abcdefgh"}', "'labels' should be a list of texts"),
        ('{"max_new_tokens": "a"}', "'max_new_tokens' should be a whole number"),
        ('{"max_text_tokens": 2.5}', "'max_text_tokens' should be a whole number"),
        ('{"compatible": 1}', "'compatible' should be true or false"),
        ('{"system": null}', "'system' should be a text"),
        ('{"method": []}', "'method' should be a text"),
    ],
)
def test_a_setting_of_another_kind_is_refused(tmp_path, written, words):
    (tmp_path / "text_to_emotion.json").write_text(written)
    with pytest.raises(ConfigError, match=words):
        read_settings(tmp_path)


def test_a_whole_number_may_stand_for_the_temperature(tmp_path):
    (tmp_path / "text_to_emotion.json").write_text('{"temperature": 2}')
    assert read_settings(tmp_path).temperature == 2.0


def test_a_folder_without_settings_is_asked_like_the_released_model(tmp_path):
    assert read_settings(tmp_path) == TextToEmotionConfig()
    assert (TextToEmotionConfig().labels, TextToEmotionConfig().method) == (CHINESE_LABELS, "generate")
