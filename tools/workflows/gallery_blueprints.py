"""The subgraph blueprints: whole jobs as one node."""

from __future__ import annotations

from .blueprint import Blueprint
from .canvas import Canvas
from .gallery_scripts import DUB
from .parts import CHECKPOINT, LINE, loaded, models


def clone_a_voice() -> Blueprint:
    graph = Canvas(
        "blueprint_clone_a_voice", "Clone a Voice", "A recording and a text: the text in the voice of the recording."
    )
    load = loaded(graph)
    reference = graph.add("EncodeReference", column=1, encoder=load["encoder"])
    speaker = graph.add("SpeakerCondition", column=1, t2s=load["t2s"], reference=reference["reference"])
    text = graph.add("PrepareText", column=2, t2s=load["t2s"], text=LINE)
    semantic = graph.add("TextToSemantic", column=3, t2s=load["t2s"], text=text["text"], speaker=speaker["speaker"])
    mel = graph.add(
        "SemanticToMel", column=4, s2m=load["s2m"], semantic=semantic["semantic"], speaker=speaker["speaker"]
    )
    audio = graph.add("MelToAudio", column=5, vocoder=load["vocoder"], mel=mel["mel"])
    return Blueprint(
        graph,
        {
            "recording": [(reference, "audio")],
            "text": [(text, "text")],
            "checkpoint": [(load, "checkpoint")],
            "start_seconds": [(reference, "start_seconds")],
            "seconds": [(reference, "seconds")],
            "seed": [(semantic, "seed")],
        },
        {"audio": audio["audio"], "recording_report": reference["report"]},
    )


def emotional_line() -> Blueprint:
    graph = Canvas("blueprint_emotional_line", "Emotional Line", "A line in a named emotion, such as awe or contempt.")
    weights = graph.add("EmotionWeights", column=0, preset="tender")
    speak = graph.add(
        "Speak", column=1, box=400, text="It was a lovely summer, and now it is over.", checkpoint=CHECKPOINT,
        emotion_weights=weights["weights"],
    )  # fmt: skip
    return Blueprint(
        graph,
        {
            "recording": [(speak, "reference")],
            "text": [(speak, "text")],
            "preset": [(weights, "preset")],
            "preset_strength": [(weights, "preset_strength")],
            "voice": [(speak, "built_in_speaker")],
            "seed": [(speak, "seed")],
        },
        {"audio": speak["audio"], "report": speak["report"]},
    )


def dub_a_clip() -> Blueprint:
    graph = Canvas(
        "blueprint_dub_a_clip",
        "Dub a Clip",
        "A clip and a script: the clip with every line in time, as long as before.",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromText", column=1, box=420, text=DUB)
    length = graph.add("DurationFromVideo", column=1)
    parts = graph.add("GetVideoComponents", column=1)
    lines = graph.add("SynthesizeScript", column=2, box=400, **models(load), script=script["script"])
    mixed = graph.add("TimelineMix", column=3, lines=lines["lines"], seconds=length["seconds"])
    dubbed = graph.add("CreateVideo", column=4, images=parts["images"], fps=parts["fps"], audio=mixed["audio"])
    return Blueprint(
        graph,
        {
            "clip": [(length, "video"), (parts, "video")],
            "script": [(script, "text")],
            "cast": [(lines, "cast")],
            "cue": [(lines, "cue")],
            "seed": [(lines, "seed")],
        },
        {"video": dubbed["VIDEO"], "srt": mixed["srt"], "report": mixed["report"]},
    )


BLUEPRINTS = (clone_a_voice, emotional_line, dub_a_clip)
