"""A toy feature store: three speakers who read short sentences, with timing, in every emotion."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from indextts2.config import EMOTIONS
from indextts2.training.data.feature_store import FeatureStore

SENTENCES = (
    ("A cat sat.", "ɐ kˈæt sˈæt."),
    ("The dog ran home.", "ðə dˈɔɡ ɹˈæn hˈoʊm."),
    ("We see it.", "wiː sˈiː ɪt."),
    ("He had tea.", "hiː hæd tˈiː."),
    ("It is hot.", "ɪt ɪz hˈɑt."),
)
HELD_OUT = 2  # the last sentences are not in the training split
SPEAKERS = 3
UNITS = 2  # duration of every character, in the teacher's units of 25 ms
CODES, FEATURE_DIM, STYLE_DIM = 40, 24, 16  # the sizes of the tiny configuration


def write_toy_features(folder: Path) -> FeatureStore:
    """Random tokens and features, the same in every call."""
    generator, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    tensors, lines = {}, []
    for speaker in range(SPEAKERS):
        for number, (text, phonemes) in enumerate(SENTENCES):
            durations = [UNITS] * (len(phonemes) + 2)
            seconds = sum(durations) * 0.025
            tokens, name = round(seconds * 25), f"s{speaker}_{number}"
            tensors[f"{name}/tokens"] = torch.randint(CODES, (tokens,), generator=generator).to(torch.int16)
            tensors[f"{name}/features"] = torch.randn(tokens, FEATURE_DIM, generator=generator)
            tensors[f"{name}/style"] = torch.randn(STYLE_DIM, generator=generator)
            tensors[f"{name}/prosody"] = torch.randn(6, generator=other)
            contour = torch.randn(2 * tokens, 3, generator=other)
            tensors[f"{name}/contour"] = torch.cat([5.0 + 0.2 * contour[:, :2], (contour[:, 2:] > 0).float()], dim=1)
            training = len(SENTENCES) - HELD_OUT
            line = {
                "id": name,
                "speaker": f"s{speaker}",
                "style": EMOTIONS[(speaker * training + number) % len(EMOTIONS)],
                "split": "train" if number < training else "test_text",
                "text": text,
                "phonemes": phonemes,
                "phoneme_durations": durations,
                "seconds": seconds,
                "token_count": tokens,
                "frame_count": 4 * tokens,
                "shard": "features_00000.safetensors",
            }
            lines.append(json.dumps(line, ensure_ascii=False))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(folder / "features_00000.safetensors"))
    (folder / "index.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return FeatureStore(folder)
