"""The example graphs of what comes after the speech: captions, and tracks for models that move lips."""

from __future__ import annotations

from typing import Any

from .canvas import Canvas
from .parts import SECOND, heard, loaded, models, shown

STORY = "When the boats come home, the harbour wakes up. <pause 0.5s> Nobody there has slept well since the storm."


def captions() -> Canvas:
    graph = Canvas(
        "30_captions", "Captions with the time of each word", "Speech, its words in time, and karaoke of it."
    )
    graph.note(
        """
## Captions
*Speak* says when each word begins and ends; *Save Captions* writes it into ComfyUI's `output/captions`.
- **kind**: *srt* and *vtt* for players, *ass* fills each word while it is spoken, *json* for other programs.
- Rows break by **width** and punctuation, and a caption stays as long as it takes to read.
- For a script, connect **words** of *Timeline Mix*: captions then name their speakers.

**字幕**：“说话”给出每个词的时间，“保存字幕”写入 output/captions。ass 是逐词填色的卡拉 OK 字幕。

**字幕**：「說話」給出每個詞的時間，「儲存字幕」寫入 output/captions。ass 是逐詞填色的卡拉 OK 字幕。
""",
        column=0,
        title="Words in time",
    )
    load = loaded(graph)
    speak = graph.add("Speak", column=1, box=400, **models(load), text=STORY)
    written = graph.add("SaveCaptions", column=2, words=speak["words"], kind="ass", filename_prefix="captions/story")
    heard(graph, speak, 2)
    shown(graph, written, 3, "text", "The file")
    shown(graph, written, 3)
    return graph


LTX = """
## Lip sync, LTX type
*Prepare for Lip Sync* makes the speech fit a model of the LTX kind: 25 video frames per second, a multiple of 8 plus
one, stereo at 44.1 kHz, and a quiet room in the pauses, since such models freeze the lips on digital silence.

Grey images stand in for the video. For your own, delete *EmptyImage* and use nodes that are not part of this pack:
1. **audio** goes to the audio encoder of the model: *LTXV Audio VAE Encode*.
2. **frame_count** goes to the length of its latent: *EmptyLTXVLatentVideo*.
3. **clean**, not **audio**, goes to *Create Video*: that is what people hear.

**mouth** is a list of numbers from 0 to 1, one per video frame, for nodes that schedule by numbers.

**口型同步（LTX 类）**：audio 接视频模型的音频编码器，frame_count 接潜空间长度，clean 接“创建视频”。

**口型同步（LTX 類）**：audio 接影片模型的音訊編碼器，frame_count 接潛空間長度，clean 接「建立影片」。
"""
WAN = """
## Lip sync, Wan S2V type
The same for a model of the Wan S2V kind: 16 video frames per second, a multiple of 4 plus one, one channel at 16 kHz.

Grey images stand in for the video. For your own, delete *EmptyImage* and use:
1. **audio** goes to *AudioEncoderEncode* (with *AudioEncoderLoader*), its result to *WanSoundImageToVideo*.
2. **frame_count** goes to **length** of *WanSoundImageToVideo*; for more than 77 frames, *WanSoundImageToVideoExtend*.
3. **clean** of a second *Prepare for Lip Sync* at 48 kHz, or that of this one, goes to *Create Video*.

**口型同步（Wan S2V 类）**：audio 接 AudioEncoderEncode，frame_count 接 length，clean 接“创建视频”。

**口型同步（Wan S2V 類）**：audio 接 AudioEncoderEncode，frame_count 接 length，clean 接「建立影片」。
"""


def _lip_sync(name: str, title: str, note: str, rate: float, **settings: Any) -> Canvas:
    graph = Canvas(name, title, "Speech for a video model that moves lips; grey images stand in for its video.")
    graph.note(note, column=0, title=title)
    load = loaded(graph)
    speak = graph.add("Speak", column=1, box=400, **models(load), text=STORY)
    video_rate = graph.add("PrimitiveFloat", column=1, title="Video frames per second", value=rate)
    ready = graph.add(
        "PrepareLipSync",
        column=2,
        audio=speak["audio"],
        words=speak["words"],
        frame_rate=video_rate["FLOAT"],
        **settings,
    )
    pictures = graph.add(
        "EmptyImage", column=2, title="Stands in for the video", width=320, height=180, batch_size=ready["frame_count"]
    )
    video = graph.add("CreateVideo", column=3, images=pictures["IMAGE"], fps=video_rate["FLOAT"], audio=ready["clean"])
    graph.add("SaveVideo", column=3, video=video["VIDEO"], filename_prefix=f"video/{name[3:]}")
    graph.add("PreviewAudio", column=3, audio=ready["audio"])
    shown(graph, ready, 3, "mouth", "How wide the mouth opens")
    return graph


def lip_sync_ltx() -> Canvas:
    return _lip_sync("31_lip_sync_ltx", "Lip sync, LTX type", LTX, 25.0, frame_step=8)


def lip_sync_wan() -> Canvas:
    return _lip_sync(
        "32_lip_sync_wan", "Lip sync, Wan S2V type", WAN, 16.0, frame_step=4, sample_rate=16_000, stereo=False
    )


def dubbed() -> Canvas:
    graph = Canvas(
        "33_words_at_given_times", "Words at given times", "A line dubbed onto the word times of another take."
    )
    graph.note(
        """
## Words at given times
The first *Speak* stands for the take that is to be dubbed. *Words at Given Times* writes its times into the text as
tags such as `<at 1.20s>` and `<by 2.40s>`, and another voice keeps them.
- Instead of **words**, **timings** takes word-timed SRT, WebVTT or JSON, as recognisers write it.
- **anchored** *phrases* leaves the words inside a phrase to the voice; *words* places each.
- The plot shows asked and spoken; the report says how far each span was stretched. Extremes are refused by name.

**指定词的时间**：“指定时间的词语”把时间写成标签，另一个声音就按这些时间说。图中上排是要求，下排是结果。

**指定詞的時間**：「指定時間的詞語」把時間寫成標籤，另一個聲音就按這些時間說。圖中上排是要求，下排是結果。
""",
        column=0,
        title="Asked and spoken",
    )
    load = loaded(graph)
    take = graph.add("Speak", column=1, box=400, title="The take", **models(load), text=STORY)
    timed = graph.add("WordsAtTimes", column=2, words=take["words"], anchored="phrases")
    dub = graph.add(
        "Speak", column=2, box=400, title="The dub", **models(load), text=timed["text"], built_in_speaker=SECOND
    )
    graph.add("PlotWords", column=3, words=dub["words"], box=512)
    heard(graph, dub, 3)
    shown(graph, timed, 3, "text", "The text with its times")
    shown(graph, dub, 3)
    return graph


NIGHT = """\
Anna [start 0.5]: <at 0.2s> Look over there. <pause 0.1s> <at 2.2s> There is a light in the window. <by 4.4s>
Ben [start 5.5]: I see it. <pause 0.1s> <at 1.8s> Who can that be at this hour?
"""


def timed_script() -> Canvas:
    graph = Canvas(
        "29_script_with_word_times", "A script with word times", "Words of lines at their times, with captions."
    )
    graph.note(
        """
## A script with word times
`<at 2.2s>` in a line counts from the start of the line, wherever that lies on the timeline: the next word begins then.
- The upper row of the plot is what was asked, the lower what is spoken.
- Word-timed WebVTT and JSON need no tags: choose *phrases* or *words* at **anchored** of *Script from Text*.
- The captions name the speakers.

**带词语时间的剧本**：台词里的 <at 2.2s> 从该行开始算起。图中上排是要求，下排是结果；字幕写出说话人。

**帶詞語時間的劇本**：台詞裡的 <at 2.2s> 從該行開始算起。圖中上排是要求，下排是結果；字幕寫出說話者。
""",
        column=0,
        title="Asked and spoken",
    )
    load = loaded(graph)
    script = graph.add("ScriptFromText", column=1, box=420, text=NIGHT)
    lines = graph.add("SynthesizeScript", column=2, **models(load), script=script["script"])
    mixed = graph.add("TimelineMix", column=3, lines=lines["lines"])
    graph.add("PlotWords", column=4, words=mixed["words"], box=512)
    written = graph.add("SaveCaptions", column=3, words=mixed["words"], kind="srt", filename_prefix="captions/night")
    shown(graph, written, 4, "text", "The captions")
    heard(graph, mixed, 4)
    return graph


GRAPHS = (captions, dubbed, lip_sync_ltx, lip_sync_wan, timed_script)
