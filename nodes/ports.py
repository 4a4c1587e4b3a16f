"""The port types of the pack, and how its nodes describe themselves.

What travels on a port is a frozen value; it is never changed in place, because the host caches outputs by reference.

| port | Python value |
|---|---|
| `INDEXTTS2_ENCODER` | `host.services.Loaded[EncoderModels]`: semantic encoder, codec, style encoder, statistics |
| `INDEXTTS2_T2S` | `host.services.Loaded[T2SModels]`: text-to-semantic, its text front end and emotion bank |
| `INDEXTTS2_S2M` | `host.services.Loaded[S2MModels]`: semantic-to-mel |
| `INDEXTTS2_VOCODER` | `host.services.Loaded[VocoderModels]` |
| `INDEXTTS2_MODELS` | `bundle.ModelBundle`: the four above on one wire |
| `INDEXTTS2_T2E` | `host.services.Loaded[TextToEmotionModel]` |
| `INDEXTTS2_REFERENCE` | `contracts.Reference` |
| `INDEXTTS2_SPEAKER` | `contracts.Speaker` |
| `INDEXTTS2_EMOTION` | `contracts.Emotion` |
| `INDEXTTS2_EMOTION_WEIGHTS` | `contracts.EmotionWeights` |
| `INDEXTTS2_GLOSSARY` | mapping of a term to its reading, or to readings by language |
| `INDEXTTS2_TEXT` | `contracts.PreparedText` |
| `INDEXTTS2_DURATION` | `contracts.Duration` |
| `INDEXTTS2_SEMANTIC` | `contracts.SemanticSpeech` |
| `INDEXTTS2_MEL` | `contracts.MelSpectrogram` |
| `INDEXTTS2_SCRIPT` | `script.model.Script`: lines with speakers, emotions and times |
| `INDEXTTS2_CAST` | `script.cast.Cast`: who speaks the lines of a name |
| `INDEXTTS2_LINES` | `script.run.SpokenScript`: a script with the audio and the report of every line |
| `INDEXTTS2_WORDS` | `contracts.SpokenWords`: every word with its start and end in samples |
| `INDEXTTS2_TAKES` | `script.takes.Takes`: all takes of a text with their audio and scores |

`AUDIO`, `IMAGE`, `STRING`, `FLOAT` and `INT` are the host's own. A checkpoint that lacks a model puts None on its port.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from comfy_api.latest import io

from .menu import ESSENTIAL, full_name, mark_rare

PREFIX = "INDEXTTS2_"
NODE_PREFIX = "IndexTTS2_"
CATEGORY = "audio/IndexTTS2"

Encoder = io.Custom(PREFIX + "ENCODER")
T2S = io.Custom(PREFIX + "T2S")
S2M = io.Custom(PREFIX + "S2M")
Vocoder = io.Custom(PREFIX + "VOCODER")
Models = io.Custom(PREFIX + "MODELS")
T2E = io.Custom(PREFIX + "T2E")
Reference = io.Custom(PREFIX + "REFERENCE")
Speaker = io.Custom(PREFIX + "SPEAKER")
Emotion = io.Custom(PREFIX + "EMOTION")
EmotionWeights = io.Custom(PREFIX + "EMOTION_WEIGHTS")
Glossary = io.Custom(PREFIX + "GLOSSARY")
Text = io.Custom(PREFIX + "TEXT")
Duration = io.Custom(PREFIX + "DURATION")
Semantic = io.Custom(PREFIX + "SEMANTIC")
Mel = io.Custom(PREFIX + "MEL")
Script = io.Custom(PREFIX + "SCRIPT")
Cast = io.Custom(PREFIX + "CAST")
Lines = io.Custom(PREFIX + "LINES")
Takes = io.Custom(PREFIX + "TAKES")
Words = io.Custom(PREFIX + "WORDS")


def words_output() -> Any:
    """Words in time, of nodes that speak."""
    return Words.Output(display_name="words", tooltip="Every word with its start and end in the audio, in samples.")


SCHEMA_FIELDS = frozenset(field.name for field in fields(io.Schema))


def node_schema(
    name: str,
    display_name: str,
    group: str,
    description: str,
    *,
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    aliases: Sequence[str] = (),
    **more: Any,
) -> io.Schema:
    """The schema of a node. name: its permanent id without the prefix; group: the rest of its menu category.

    display_name: as documents write it; `menu.GLOSSES` adds words in brackets. aliases are words the node is found by;
    they, and every field in `more`, are left out where the host's schema has no such field, because one unknown field
    would make the whole pack vanish.
    """
    mark_rare(name, inputs)
    newer = {"search_aliases": list(aliases), "essentials_category": ESSENTIAL.get(name), **more}
    return io.Schema(
        node_id=NODE_PREFIX + name,
        display_name=full_name(name, display_name),
        category=f"{CATEGORY}/{group}",
        description=description,
        inputs=list(inputs),
        outputs=list(outputs),
        **{key: value for key, value in newer.items() if key in SCHEMA_FIELDS},
    )
