"""Writes a text-to-emotion folder in the released form, with a tiny Qwen3 of random weights in it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

END, START, THOUGHT = "<|im_end|>", "<|im_start|>", "</think>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BYTES = 256  # the vocabulary before the marks
POSITIONS = 1024


def write_qwen(folder: Path) -> Path:
    """Every file that the released folder has, the tokenizer in both of its forms."""
    import transformers

    folder.mkdir(parents=True)
    added = {str(BYTES + index): token for index, token in enumerate((END, START, THOUGHT))}
    config = transformers.Qwen3Config(
        vocab_size=BYTES + len(added), hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=POSITIONS, tie_word_embeddings=True,
        eos_token_id=BYTES, bos_token_id=BYTES, pad_token_id=BYTES,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.Qwen3ForCausalLM(config).half()
    model.generation_config = transformers.GenerationConfig(
        do_sample=True,
        temperature=0.6,
        top_k=20,
        top_p=0.95,
        eos_token_id=[BYTES, BYTES + 1],
        pad_token_id=BYTES,
    )
    model.save_pretrained(folder)
    vocabulary = {letter: index for index, letter in enumerate(bytes_as_letters())}
    files = {
        "vocab.json": json.dumps(vocabulary, ensure_ascii=False),
        "merges.txt": "#version: 0.2\n",
        "added_tokens.json": json.dumps({token: int(index) for index, token in added.items()}),
        "special_tokens_map.json": json.dumps({"eos_token": END, "pad_token": END}),
        "chat_template.jinja": TEMPLATE,
        "Modelfile": "FROM .\n",
        "tokenizer_config.json": json.dumps({
            "tokenizer_class": "Qwen2Tokenizer", "eos_token": END, "pad_token": END, "model_max_length": POSITIONS,
            "added_tokens_decoder": {index: {"content": token, "special": True} for index, token in added.items()},
        }),
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    whole = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    whole.backend_tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def bytes_as_letters() -> list[str]:
    """The letter that byte-level vocabularies write for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(256 + others.index(byte)) for byte in range(256)]
