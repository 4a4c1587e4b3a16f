"""The example graphs of emotion that is heard, of takes that are chosen, and of scripts that are directed."""

from __future__ import annotations

from .canvas import Canvas
from .parts import loaded, models, saved, shown

HEARD = "You promised me that you would be there."


def guided_emotion() -> Canvas:
    graph = Canvas("24_emotion_that_is_heard", "Emotion that is heard", "The same emotion as it is, and amplified.")
    graph.note(
        """
## Emotion that is heard
Both nodes speak the same text with the same weights and seed.
- **emotion_guidance** amplifies what the emotion changes in the choice of tokens: melody, pace, pauses. 1 is off.
- **latent_guidance** amplifies what it changes in the sound. 1 is off.
- 1.5 to 2 is plain; from 3 on words suffer. The speaker stays the same.

**听得出的情感**：其余都相同。“情感引导”放大情感对 token 的影响，
“潜变量引导”放大对声音的影响；1 为关闭，1.5 到 2 较明显。
""",
        column=0,
        title="As it is, and amplified",
    )
    load = loaded(graph)
    weights = graph.add("EmotionWeights", column=1, angry=0.8)
    plain = graph.add("Speak", column=2, box=200, **models(load), text=HEARD, emotion_weights=weights["weights"])
    guided = graph.add(
        "Speak",
        column=2,
        box=200,
        title="IndexTTS2 Speak (amplified)",
        **models(load),
        text=HEARD,
        emotion_weights=weights["weights"],
        emotion_guidance=2.0,
        latent_guidance=2.0,
    )
    saved(graph, plain, 3, "emotion_plain")
    saved(graph, guided, 3, "emotion_amplified")
    shown(graph, guided, 3)
    return graph


GRAPHS = (guided_emotion,)
