"""`python -m indextts2.training PART RECIPE FOLDER`: train one part of the model, or go on where it stopped."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from ..checks import MOST_THREADS, check_whole
from ..errors import IndexTTS2Error, TrainingError
from ..folder_lock import only_process

PARTS = {
    "corpus": ("corpus", "train_corpus"),
    "tokenizer": ("data.tokenizer", "train_tokenizer"),
    "semantic_encoder": ("encoders.semantic_encoder", "train_semantic_encoder"),
    "codec": ("encoders.codec", "train_codec"),
    "style_encoder": ("encoders.style_encoder", "train_style_encoder"),
    "features": ("data.features", "write_features"),
    "t2s": ("t2s.train", "train_t2s"),
    "fine_tune": ("fine_tune.train", "train_fine_tune"),
    "latents": ("t2s.latents", "write_latents"),
    "s2m": ("s2m.train", "train_s2m"),
    "s2m_few": ("s2m.few_step", "train_s2m_few"),
    "aligned_mels": ("s2m.aligned_mels", "write_aligned_mels"),
    "vocoder": ("vocoder.train", "train_vocoder"),
    "emotion_bank": ("emotion.bank", "make_emotion_bank"),
    "text_to_emotion": ("emotion.text_to_emotion", "train_text_to_emotion"),
}
"""Part -> (module, function), in the order of docs/training.md. The function takes the recipe and the run's folder."""


def only_command(folder: Path) -> AbstractContextManager[None]:
    """The folder of a run for this command alone; the processes of one launch share it. Raises TrainingError."""
    return nullcontext() if int(os.environ.get("RANK", "0")) else only_process(folder, TrainingError)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m indextts2.training", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("recipe", type=Path, help="YAML recipe")
    parser.add_argument("folder", type=Path, help="where the run keeps its state, log and curves")
    parser.add_argument("--threads", type=int, help="CPU threads torch may use (default: torch's own choice)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    module, function = PARTS[options.part]
    try:
        if options.threads is not None:
            torch.set_num_threads(check_whole("--threads", options.threads, (1, MOST_THREADS)))
        train = getattr(importlib.import_module(f".{module}", __package__), function)
        with only_command(options.folder):
            result = train(options.recipe, options.folder)
    except IndexTTS2Error as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    logging.getLogger(__name__).info(
        "%s: step %d after %.1f minutes (%s)", options.part, result.step, result.minutes, result.reason
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
