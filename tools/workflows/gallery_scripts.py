"""The example graphs of scripts: dialogue, subtitles, books and dubbing."""

from __future__ import annotations

from typing import Any

from .canvas import Canvas, Node
from .parts import FIRST, SECOND, STEPS, heard, loaded, models, shown

SCENE = """Anna [happy .6]: You came! I had almost given up.
Ben: The train was late. <pause 0.4s> Did you wait long?
Anna [calm .4]: Only an hour. Sit down, I have something to show you.
Ben [surprised .5]: Is that the letter?"""
FINISHED = """Anna: The door was open when I came home.
Ben: Was anything missing?
Anna: Nothing at all. That is what worries me."""
DUB = """Anna [start 0.3; end 2.6]: Here you see the old harbour.
Anna [start 3.0; end 5.7]: In the morning the boats come home."""


def spoken(graph: Canvas, load: Node, script: Node, column: int, cast: Node | None = None, **inputs: Any) -> Node:
    """Synthesize Script."""
    if cast is not None:
        inputs["cast"] = cast["cast"]
    return graph.add(
        "SynthesizeScript", column=column, box=360, **models(load), script=script["script"], steps=STEPS, **inputs
    )


def cast_of(graph: Canvas, column: int, **built_in: str) -> Node:
    """A chain of Voice Cast, one per name."""
    cast: Node | None = None
    members = []
    for name, voice in built_in.items():
        more = {"cast": cast["cast"]} if cast is not None else {}
        cast = graph.add(
            "VoiceCast",
            column=column,
            title=f"Voice Cast ({name})",
            name=name,
            built_in_speaker=voice,
            **more,
        )
        members.append(cast)
    graph.group("Who speaks", *members)
    return members[-1]


def subtitles() -> Canvas:
    graph = Canvas("14_subtitles_to_dub", "Subtitle file to dubbed track", "Every cue starts at its very sample.")
    graph.note(
        """
## Subtitle file to dubbed track
An example file is chosen, so this graph runs at once. For your own: put an .srt, .vtt or .ass file into ComfyUI's
`input` folder, press **R**, and choose it in *Script from File*.
- **cue**: *fill* speaks each line to the length of its cue, *within* never longer, *start* at its natural length.
- Red bars in the plot: text too long for its cue. Shorten it, or allow *overlap* or *shift*.
- Stopped? Run again: finished lines are kept, and only changed ones are spoken.

**字幕配音**：把字幕文件放进 input 文件夹，按 R 键后选中。每个时间点都精确到采样点；红色表示这一行文字太长。

**字幕配音**：把字幕檔放進 input 資料夾，按 R 鍵後選取。每個時間點都精確到取樣點；紅色表示這一行文字太長。
""",
        column=0,
        title="From subtitles to sound",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromFile", column=1, file="subtitles.srt [example]")
    cast = cast_of(graph, 1, Anna=FIRST, Ben=SECOND)
    lines = spoken(graph, load, script, 2, cast)
    mixed = graph.add("TimelineMix", column=3, lines=lines["lines"])
    graph.add("PlotScript", column=3, lines=lines["lines"], box=512)
    heard(graph, mixed, 4)
    shown(graph, mixed, 4, "srt", "Subtitles with the real times")
    shown(graph, lines, 4)
    return graph


def scene() -> Canvas:
    graph = Canvas("15_two_speaker_scene", "Two-speaker scene", "A dialogue written as in a play, with emotions.")
    graph.note(
        """
## Two-speaker scene
One row per line: `Name [emotion]: text`. A pause is written `<pause 0.4s>`, a length `[seconds 2.5]` behind the name.
- A *Voice Cast* per name sets its voice; connect **reference** for a voice of your own, and emotion weights for a
  speaker's usual emotion.
- **takes** 4 speaks each line four times and keeps the best.
- **gap** in *Timeline Mix* is the silence between lines.

**双人场景**：每行写“名字 [情感]: 台词”。每个名字接一个“角色”节点；takes 为候选数，保留最好的。

**雙人場景**：每行寫「名字 [情感]: 台詞」。每個名字接一個「角色」節點；takes 為候選數，保留最好的。
""",
        column=0,
        title="A scene",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromText", column=1, box=420, text=SCENE)
    cast = cast_of(graph, 1, Anna=FIRST, Ben=SECOND)
    lines = spoken(graph, load, script, 2, cast)
    mixed = graph.add("TimelineMix", column=3, lines=lines["lines"], gap=0.3)
    graph.add("PlotScript", column=3, lines=lines["lines"], box=512)
    heard(graph, mixed, 4)
    shown(graph, mixed, 4)
    return graph


def audiobook() -> Canvas:
    graph = Canvas("16_audiobook_page", "Audiobook page", "Long text, one row per paragraph, with its subtitles.")
    graph.note(
        """
## Audiobook page
Rows without a name are read by the narrator, each row a paragraph; an indented row continues the one before.
- Pauses follow the punctuation; `<pause 1s>` on a row of its own is silence between paragraphs.
- Long paragraphs are spoken in passages, so memory does not grow with the length of the book.
- *SRT* holds the actual times, for text shown along with the sound.

**有声书**：没有名字的行由旁白朗读，每行一段。长段落分批朗读，内存不随长度增长。

**有聲書**：沒有名字的行由旁白朗讀，每行一段。長段落分批朗讀，記憶體不隨長度增長。
""",
        column=0,
        title="A page of a book",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromFile", column=1, file="audiobook.txt [example]")
    narrator = graph.add("VoiceCast", column=1, title="Narrator", name="", built_in_speaker=SECOND)
    others = graph.add("VoiceCast", column=1, title="Others", name="*", built_in_speaker=FIRST, cast=narrator["cast"])
    graph.group("Who reads", narrator, others)
    lines = spoken(graph, load, script, 2, others)
    mixed = graph.add("TimelineMix", column=3, lines=lines["lines"], gap=0.5)
    heard(graph, mixed, 4)
    shown(graph, mixed, 4, "srt", "SRT")
    return graph


def replace_line() -> Canvas:
    graph = Canvas(
        "17_replace_one_line", "Replace one line of a finished take", "One line again, all others untouched."
    )
    graph.note(
        """
## Replace one line of a finished script
The script on the left is finished. Line 2 is spoken again, **exactly as long**, with another emotion, and replaced.
- **number** says which line; set it in both places.
- Change emotion, text or seed of *Speak* and run: nothing else is computed again, and no other sample changes.
- A recording of your own works as well: connect *Load Audio* to **audio** of *Replace Script Line*.

**替换一行**：第 2 行以另一种情感重说，长度分毫不差，其余各行一个采样都不变。

**替換一行**：第 2 行以另一種情感重說，長度分毫不差，其餘各行一個取樣點都不變。
""",
        column=0,
        title="Another line 2",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromText", column=1, box=420, text=FINISHED)
    cast = cast_of(graph, 1, Anna=FIRST, Ben=SECOND)
    take = spoken(graph, load, script, 2, cast)
    old = graph.add("ScriptLine", column=3, title="The old line", lines=take["lines"], number=2)
    length = graph.add("DurationFromAudio", column=3, audio=old["audio"])
    weights = graph.add("EmotionWeights", column=3, afraid=0.5)
    speak = graph.add(
        "Speak",
        column=4,
        box=400,
        title="Say it again",
        **models(load),
        text="Was anything missing?",
        built_in_speaker=SECOND,
        emotion_weights=weights["weights"],
        duration=length["duration"],
    )
    changed = graph.add("ReplaceLine", column=5, lines=take["lines"], number=2, audio=speak["audio"])
    mixed = graph.add("TimelineMix", column=5, lines=changed["lines"])
    heard(graph, mixed, 6)
    graph.add("PlotScript", column=6, lines=changed["lines"], box=512)
    return graph


def dub_video() -> Canvas:
    graph = Canvas("18_dub_a_video", "Dub a video", "A script spoken into a video: same length, every line in time.")
    graph.note(
        """
## Dub a video
Six seconds of grey images stand in for a video, so that this graph runs at once. For your own, delete *EmptyImage* and
*The video*, add *Load Video*, and connect it to *Duration from Video* and *Get Video Components*.
- *Duration from Video* gives **seconds** to *Timeline Mix*: the track ends with the video.
- Times of the lines stand in the script; a subtitle file works too (*Script from File*).
- For a single sentence as long as the video, connect **duration** to *Speak*.

**视频配音**：用“加载视频”代替灰色画面。音轨与视频等长，每行台词准时开始。

**影片配音**：用「載入影片」代替灰色畫面。音軌與影片等長，每行台詞準時開始。
""",
        column=0,
        title="Sound for a video",
    )
    load = loaded(graph)
    pictures = graph.add("EmptyImage", column=1, width=320, height=180, batch_size=144, color=0x808080)
    video = graph.add("CreateVideo", column=1, title="The video", images=pictures["IMAGE"], fps=24.0)
    graph.group("The video", pictures, video)
    script = graph.add("ScriptFromText", column=2, box=420, text=DUB)
    length = graph.add("DurationFromVideo", column=2, video=video["VIDEO"])
    parts = graph.add("GetVideoComponents", column=2, video=video["VIDEO"])
    lines = spoken(graph, load, script, 3)
    mixed = graph.add("TimelineMix", column=4, lines=lines["lines"], seconds=length["seconds"])
    dubbed = graph.add(
        "CreateVideo", column=5, title="With sound", images=parts["images"], fps=parts["fps"], audio=mixed["audio"]
    )
    graph.add("SaveVideo", column=5, video=dubbed["VIDEO"], filename_prefix="video/dubbed")
    shown(graph, mixed, 5)
    return graph


GRAPHS = (subtitles, scene, audiobook, replace_line, dub_video)
