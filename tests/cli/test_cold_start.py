"""What a fresh process imports before the first stage runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

SECONDS_OF_IMPORTS = {"transformers", "librosa", "scipy", "numba", "sympy", "torch._dynamo"}

UP_TO_THE_TOKENS = """
import sys
import torch
from indextts2.audio.io import read_audio
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.find import built_in_references
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
import indextts2.stages.speak

models = load_speech(open_checkpoint("mini"))
prepare_text(models.t2s.front_end, "Good morning.", mel=models.t2s.config.mel)
recording = read_audio(next(iter(built_in_references().values())))
condition_speaker(models.t2s, encode_reference(models.encoder, recording, seconds_limit=1.0))
print(" ".join(sys.modules))
"""


def test_speaking_imports_nothing_that_takes_seconds_beside_torch():
    done = subprocess.run(
        [sys.executable, "-c", UP_TO_THE_TOKENS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not SECONDS_OF_IMPORTS & set(done.stdout.split())
