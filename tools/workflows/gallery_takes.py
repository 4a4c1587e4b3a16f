"""The example graphs of emotion that is heard, of takes that are chosen, and of scripts that are directed."""

from __future__ import annotations

from .canvas import Canvas
from .parts import heard, loaded, models, shown

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

**聽得出的情感**：其餘都相同。「情感引導」放大情感對 token 的影響，
「潛變量引導」放大對聲音的影響；1 為關閉，1.5 到 2 較明顯。
""",
        column=0,
        title="As it is, and amplified",
    )
    load = loaded(graph)
    weights = graph.add("EmotionWeights", column=1, angry=0.8)
    plain = graph.add("Speak", column=2, box=400, **models(load), text=HEARD, emotion_weights=weights["weights"])
    guided = graph.add(
        "Speak",
        column=2,
        box=400,
        title="Speak (amplified)",
        **models(load),
        text=HEARD,
        emotion_weights=weights["weights"],
        emotion_guidance=2.0,
        latent_guidance=2.0,
    )
    heard(graph, plain, 3, "As it is")
    heard(graph, guided, 3, "Amplified")
    shown(graph, guided, 3)
    return graph


def choose_take() -> Canvas:
    graph = Canvas("25_takes_you_choose", "Takes you choose", "Four takes with their scores, and the one you keep.")
    graph.note(
        """
## Takes you choose
*Several Takes* speaks the text several times and judges every take.
- The **table** says length, similarity to the speaker and how each take ended; *judge_words* reads the words back.
- *All takes* plays them one by one. Write the number of the one you like into *Choose Take*; 0 is the best by scores.

**挑选候选**：“多条候选”一次说多遍并评分，“选择候选”保留一条；0 为评分最好的一条。

**挑選候選**：「多條候選」一次說多遍並評分，「選擇候選」保留一條；0 為評分最好的一條。
""",
        column=0,
        title="Listen and choose",
    )
    load = loaded(graph)
    spoken = graph.add("SpeakTakes", column=1, box=400, **models(load), text=HEARD, takes=4)
    kept = graph.add("ChooseTake", column=2, takes=spoken["takes"])
    heard(graph, spoken, 3, "All takes")
    heard(graph, kept, 3, "The take that is kept")
    shown(graph, spoken, 2, "table", "Scores")
    return graph


CUES = """\
1
00:00:01,013 --> 00:00:02,400
ANNA: You came back.

2
00:00:02,550 --> 00:00:04,207
ANNA: I did not think you would.

3
00:00:05,100 --> 00:00:05,500
BEN: I promised, did I not? And here I am.
"""


def edit_cues() -> Canvas:
    graph = Canvas("26_cues_before_the_speech", "Cues before the speech", "Merged, on frames, and too short ones told.")
    graph.note(
        """
## Cues before the speech
*Edit Cues* merges near cues of one speaker, splits long ones, moves all of them and puts them on the frames of a video.
- The report says which cues are **too short** and the seconds they need; here that is Ben's. Lengthen it in the text.

**编辑时间点**：合并、拆分、平移字幕，并对齐到视频帧。报告列出太短的时间点及所需秒数；这里是 Ben 的一句。

**編輯時間點**：合併、拆分、平移字幕，並對齊到影片影格。報告列出太短的時間點及所需秒數；這裡是 Ben 的一句。
""",
        column=0,
        title="Before it is spoken",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromText", column=1, box=420, text=CUES, kind="srt")
    cues = graph.add("EditCues", column=2, script=script["script"], merge_gap=0.3, fps=25.0, t2s=load["t2s"])
    lines = graph.add("SynthesizeScript", column=3, **models(load), script=cues["script"], overflow="shift")
    mixed = graph.add("TimelineMix", column=4, lines=lines["lines"], overflow="shift")
    shown(graph, cues, 3, "report", "Too short")
    heard(graph, mixed, 5)
    return graph


TALK = """\
Anna: They told me that he is gone.
Ben: I am so sorry. He was a good friend.
Anna: We had plans for the summer.
Ben: Sit down for a moment.
Anna: No! How could they keep it from me?
Ben: Nobody meant to hurt you.
"""


def direct_script() -> Canvas:
    graph = Canvas("27_direction_by_context", "Direction by context", "Emotions read from the lines around a line.")
    graph.note(
        """
## Direction by context
*Direct Script* reads every line by itself and with its neighbours, and smooths the eight weights along the scene.
- The picture shows the weights over the script; a frame marks what was given.
- **overrides** sets single lines: `5: angry .7`. An emotion in the script, as in `Anna [sad .5]:`, stays as well.

**按上下文定情感**：结合前后台词读取情感，并沿场景平滑；“覆盖”可逐行指定，例如 5: angry .7。

**按上下文定情感**：結合前後台詞讀取情感，並沿場景平滑；「覆寫」可逐行指定，例如 5: angry .7。
""",
        column=0,
        title="What a director would say",
    )
    load = loaded(graph)
    t2e = graph.add("LoadTextToEmotion", column=0)
    script = graph.add("ScriptFromText", column=1, box=420, text=TALK)
    directed = graph.add(
        "DirectScript", column=2, box=400, t2e=t2e["t2e"], script=script["script"], overrides="5: angry .7"
    )
    lines = graph.add("SynthesizeScript", column=3, **models(load), script=directed["script"])
    mixed = graph.add("TimelineMix", column=4, lines=lines["lines"])
    shown(graph, directed, 3, "report", "Emotions")
    heard(graph, mixed, 5)
    return graph


REHEARSAL = """\
Anna: Are you ready? We begin in a minute.
Ben: I have forgotten my words again.
Anna: Then say what comes to your mind.
"""


def accepted_lines() -> Canvas:
    graph = Canvas("28_lines_that_are_kept", "Lines that are kept", "Two lines of an older seed stay, one is new.")
    graph.note(
        """
## Lines that are kept
**accepted** of *Synthesize Script* takes one row per seed: `0: 1, 3` keeps what lines 1 and 3 were with seed 0, to the
sample. Only the others follow **seed**.
- Listen, note the lines you like, choose another seed, and run again: kept lines are not spoken a second time.
- The report ends with the row to copy.

**保留的台词**：“已接受”每行写一个种子，例如 0: 1, 3；这些行保持该种子的声音，其余随“种子”重说。

**保留的台詞**：「已接受」每行寫一個種子，例如 0: 1, 3；這些行保持該種子的聲音，其餘隨「種子」重說。
""",
        column=0,
        title="Listen, keep, speak again",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromText", column=1, box=420, text=REHEARSAL)
    lines = graph.add("SynthesizeScript", column=2, **models(load), script=script["script"], seed=1, accepted="0: 1, 3")
    mixed = graph.add("TimelineMix", column=3, lines=lines["lines"])
    shown(graph, lines, 3, "report", "Which lines are kept")
    heard(graph, mixed, 4)
    return graph


GRAPHS = (guided_emotion, choose_take, edit_cues, direct_script, accepted_lines)
