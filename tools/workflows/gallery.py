"""The example graphs that begin with the one-node chain."""

from __future__ import annotations

from .canvas import Canvas
from .parts import FIRST, LINE, SECOND, chain, heard, loaded, models, shown, speaker_of


def quick_start() -> Canvas:
    graph = Canvas("01_quick_start", "Quick start", "Text to speech with two nodes and the built-in checkpoint.")
    graph.note(
        """
## Start here
1. Press **Run** (Ctrl+Enter). The built-in checkpoint *mini* needs no download; *Speak* plays what it says.
2. Change the text in *Speak* and run again: only what changed is computed.
3. For another voice, add *Load Audio*, choose 3 to 15 seconds of clean speech, and connect it to **reference**.

*Speak* also works alone: without a wire it loads the **checkpoint** of its own list. Other checkpoints: one folder each
below `models/indextts2`, then press **R**.

**从这里开始**：按“运行”即可，内置检查点 mini 无需下载。改文本后再运行。要换声音，请添加“加载音频”节点并接到“参考音频”。

**從這裡開始**：按「執行」即可，內建檢查點 mini 無需下載。改文字後再執行。換聲音：加入「載入音訊」並接到「參考音訊」。
""",
        column=0,
        title="Quick start",
    )
    load = loaded(graph)
    speak = graph.add("Speak", column=1, box=400, **models(load), text=LINE)
    heard(graph, speak, 2)
    shown(graph, speak, 2)
    return graph


def emotion_sliders() -> Canvas:
    graph = Canvas("02_emotion_from_sliders", "Emotion from eight sliders", "Set happy, angry, sad and five more.")
    graph.note(
        """
## Emotion from eight sliders
- Move the sliders of *Emotion Weights*. All at zero: the speaker's own emotion, nothing is changed.
- Sums up to 0.8 sound natural; **bias** and **cap** do what the released program does.
- **emotion_strength** in *Speak* turns all of them down together.
- The plot shows the eight weights after every change.

**八个滑块**：拖动“情感权重”的滑块。全部为零就是说话人自己的情感。总和不超过 0.8 最自然。

**八個滑桿**：拖動「情感權重」的滑桿。全部為零就是說話人自己的情感。總和不超過 0.8 最自然。
""",
        column=0,
        title="Eight sliders",
    )
    load = loaded(graph)
    weights = graph.add("EmotionWeights", column=1, happy=0.6, surprised=0.2, bias=True, cap=True)
    graph.add("PlotEmotionWeights", column=1, weights=weights["weights"], box=512)
    speak = graph.add(
        "Speak",
        column=2,
        box=400,
        **models(load),
        text="We won! I can hardly believe it.",
        emotion_weights=weights["weights"],
    )
    heard(graph, speak, 3)
    shown(graph, weights, 3, title="Weights in words")
    return graph


def emotion_audio() -> Canvas:
    graph = Canvas("03_emotion_from_audio", "Emotion from audio", "One recording gives the voice, another the emotion.")
    graph.note(
        """
## Emotion from audio
One recording sets the **speaker**, another the **emotion**. Here both are built-in references; add *Load Audio* and
connect it to **audio** of an *Encode Reference* to use your own.
- **strength** 0 is the speaker's own emotion, 1 that of the other recording, above 1 exaggerates.
- Keep the emotional recording clean: one person, no music, 3 to 15 seconds.

**音频的情感**：一段录音决定谁说话，另一段决定情感。把自己的录音接到“编码参考”的“音频”。

**音訊的情感**：一段錄音決定誰說話，另一段決定情感。把自己的錄音接到「編碼參考」的「音訊」。
""",
        column=0,
        title="Who and how",
    )
    load = loaded(graph)
    voice, speaker = speaker_of(graph, load, FIRST, 1, "who")
    how = graph.add(
        "EncodeReference",
        column=1,
        title="Encode Reference (how)",
        encoder=load["encoder"],
        built_in_speaker=SECOND,
    )
    graph.group("Who talks", voice, speaker)
    graph.group("How it is said", how)
    emotion = graph.add(
        "EmotionFromReference",
        column=2,
        t2s=load["t2s"],
        reference=how["reference"],
        strength=0.8,
        speaker=speaker["speaker"],
    )
    graph.add("PlotEmotion", column=2, t2s=load["t2s"], emotion=emotion["emotion"], speaker=speaker["speaker"], box=512)
    speak = graph.add(
        "Speak",
        column=3,
        box=400,
        **models(load),
        text="I did not expect to see you here today.",
        built_in_speaker=FIRST,
        emotion=emotion["emotion"],
    )
    heard(graph, speak, 4)
    return graph


def emotion_text() -> Canvas:
    graph = Canvas("04_emotion_from_text", "Emotion from text", "Describe the emotion in words.")
    graph.note(
        """
## Emotion from text
*Emotion from Text* reads eight weights from a text: the line itself, or a description such as "she is furious".
- About 0.6 in **emotion_strength** sounds natural.
- Connect the weights to *Emotion Weights* → **other** to change them by hand.

**文字的情感**：写台词本身，或写“她非常愤怒”这样的描述（mini 只懂英语）。

**文字的情感**：寫台詞本身，或寫「她非常憤怒」這樣的描述（mini 只懂英語）。
""",
        column=0,
        title="Words become an emotion",
    )
    load = loaded(graph)
    reader = graph.add("LoadTextToEmotion", column=0, model="mini")
    read = graph.add(
        "EmotionFromText", column=1, t2e=reader["t2e"], text="He is delighted and laughs: what wonderful news!"
    )
    graph.add("PlotEmotionWeights", column=1, weights=read["weights"], box=512)
    speak = graph.add(
        "Speak",
        column=2,
        box=400,
        **models(load),
        text="What wonderful news! Tell me everything.",
        emotion_weights=read["weights"],
        emotion_strength=0.6,
    )
    heard(graph, speak, 3)
    shown(graph, read, 3, title="What was read")
    return graph


def exact_seconds() -> Canvas:
    graph = Canvas("07_exact_seconds", "Exact seconds", "Speech that lasts exactly as long as asked.")
    graph.note(
        """
## Exact seconds
*Duration* asks for a length, here 3.2 seconds with all pauses. It is met **to the sample**.
- **unit**: seconds, semantic tokens, mel frames, or a factor of the natural length.
- The report says what was asked for, what the model made, and how far the sound was stretched. Stretches from 0.8 to
  1.25 are hardly audible.
- For a part of the text, write `[seconds 1.5]` in front of it.

**精确秒数**：“时长”节点要求多少秒，结果就精确到采样点。也可以在文本中写 [seconds 1.5]。

**精確秒數**：「時長」節點要求多少秒，結果就精確到取樣點。也可以在文字中寫 [seconds 1.5]。
""",
        column=0,
        title="Exactly 3.2 seconds",
    )
    load = loaded(graph)
    duration = graph.add("Duration", column=1, unit="seconds", value=3.2)
    speak = graph.add(
        "Speak",
        column=1,
        box=400,
        **models(load),
        text="The train leaves in ten minutes, so hurry up.",
        duration=duration["duration"],
    )
    heard(graph, speak, 2)
    shown(graph, speak, 2)
    return graph


def length_before_speech() -> Canvas:
    graph = Canvas(
        "23_length_before_speech", "Length before speech", "How many video frames a line needs, before it is spoken."
    )
    graph.note(
        """
## Length before speech
*Estimate Length* reads the text and says how long it will be; no model runs.
- **frame_form** `8n+1` or `4n+1` gives a number that video models take as their length.
- **duration** makes *Speak* end exactly with the last of these frames.
- Grey images stand in for the video model, so that this graph runs at once.

**先知道长度**：“估计时长”给出秒数和画面数，视频和语音就一样长。

**先知道長度**：「估計時長」給出秒數和畫面數，影片和語音就一樣長。
""",
        column=0,
        title="Frames first, speech second",
    )
    load = loaded(graph)
    line = "We will be back after a short break, so stay with us."
    length = graph.add("EstimateLength", column=1, box=300, t2s=load["t2s"], text=line, fps=24.0, frame_form="8n+1")
    shown(graph, length, 1)
    pictures = graph.add(
        "EmptyImage",
        column=2,
        title="The video",
        width=320,
        height=180,
        batch_size=length["frame_count"],
        color=0x808080,
    )
    speak = graph.add("Speak", column=2, box=400, **models(load), text=line, duration=length["duration"])
    video = graph.add("CreateVideo", column=3, images=pictures["IMAGE"], fps=24.0, audio=speak["audio"])
    graph.add("SaveVideo", column=3, video=video["VIDEO"], filename_prefix="video/length_before_speech")
    shown(graph, speak, 3)
    return graph


def match_video() -> Canvas:
    graph = Canvas("08_match_video_clip", "Match a video clip", "Speech as long as a video clip, put into the video.")
    graph.note(
        """
## Match a video clip
Grey images stand in for a clip of 72 video frames at 24 per second, so that this graph runs at once. For your own clip:
1. Delete *EmptyImage* and *Float*; add *Load Video* and *Get Video Components*.
2. **images** goes to *Get Image Size* and *Create Video*, **fps** to *Duration from Frame Count* and *Create Video*.

To match a recording instead of a video, use *Duration from Audio*.

**匹配视频**：用“加载视频”和“获取视频组件”代替灰色画面，语音长度就与视频相同。

**配合影片**：用「載入影片」和「取得影片組件」代替灰色畫面，語音長度就與影片相同。
""",
        column=0,
        title="As long as the clip",
    )
    load = loaded(graph)
    pictures = graph.add(
        "EmptyImage", column=1, title="Pictures of the clip", width=320, height=180, batch_size=72, color=0x808080
    )
    rate = graph.add("PrimitiveFloat", column=1, title="Pictures per second", value=24.0)
    counted = graph.add("GetImageSize", column=1, image=pictures["IMAGE"])
    graph.group("The clip", pictures, rate, counted)
    duration = graph.add("DurationFromFrameCount", column=2, frame_count=counted["batch_size"], fps=rate["FLOAT"])
    speak = graph.add(
        "Speak",
        column=2,
        box=400,
        **models(load),
        text="And here you can see the finished result.",
        duration=duration["duration"],
    )
    video = graph.add("CreateVideo", column=3, images=pictures["IMAGE"], fps=rate["FLOAT"], audio=speak["audio"])
    graph.add("SaveVideo", column=3, video=video["VIDEO"], filename_prefix="video/match_video_clip")
    shown(graph, speak, 3)
    return graph


def two_speakers() -> Canvas:
    graph = Canvas("09_two_speakers", "Two speakers", "A short dialogue of two built-in voices.")
    graph.note(
        """
## Two speakers
Two *Speak* nodes share one loaded checkpoint; *AudioConcat* joins them. More lines: copy a *Speak* node and another
*AudioConcat*.
- A pause between them: write `<pause 0.4s>` at the end of a line.
- Each speaker has its own seed, so one line can be redone without the other.

**两个说话人**：两个“说话”节点共用一个检查点，用 AudioConcat 连接。行尾写 <pause 0.4s> 可加停顿。

**兩個說話人**：兩個「說話」節點共用一個檢查點，用 AudioConcat 連接。行尾寫 <pause 0.4s> 可加停頓。
""",
        column=0,
        title="A dialogue",
    )
    load = loaded(graph)
    first = graph.add(
        "Speak",
        column=1,
        box=400,
        title="First speaker",
        **models(load),
        text="Did you hear the news? <pause 0.4s>",
        built_in_speaker=FIRST,
    )
    second = graph.add(
        "Speak",
        column=1,
        box=400,
        title="Second speaker",
        **models(load),
        text="I did. It is hard to believe.",
        built_in_speaker=SECOND,
    )
    joined = graph.add("AudioConcat", column=2, audio1=first["audio"], audio2=second["audio"])
    heard(graph, joined, 2, output="AUDIO")
    return graph


def emotion_presets() -> Canvas:
    graph = Canvas("21_emotion_presets", "Emotion presets", "Bittersweet, awe, contempt: named mixtures of emotions.")
    graph.note(
        """
## Emotion presets
Choose a **preset** in *Emotion Weights*; sliders are added to it, **preset_strength** makes it weaker or stronger. The
plot shows the mixture and names it.

Your own: a file such as `models/indextts2/emotions/mine.json` with `{"giddy": {"happy": 0.5, "surprised": 0.2}}`.

**情感预设**：在“情感权重”里选一个预设，例如 bittersweet（悲喜交集）；自己的预设写成 JSON 文件。

**情感預設**：在「情感權重」裡選一個預設組合，例如 bittersweet（悲喜交集）；自己的組合寫成 JSON 檔案。
""",
        column=0,
        title="Feelings with a name",
    )
    load = loaded(graph)
    for column, (preset, line) in enumerate(
        (
            ("bittersweet", "It was a lovely summer, and now it is over."),
            ("contempt", "You call that a finished piece of work?"),
        ),
        start=1,
    ):
        weights = graph.add("EmotionWeights", column=column, title=preset.capitalize(), preset=preset)
        graph.add("PlotEmotionWeights", column=column, weights=weights["weights"], box=512)
        speak = graph.add(
            "Speak", column=column, box=400, **models(load), text=line, emotion_weights=weights["weights"]
        )
        heard(graph, speak, column)
    return graph


def voice_library() -> Canvas:
    graph = Canvas("22_voice_library", "Voice library", "Choose a voice from one list, and hear what is wrong with it.")
    graph.note(
        """
## Voice library
Put recordings into `input/voices`, press **R**, and choose one in *Encode Reference*, *Speak* or *Voice Cast*; speakers
that *Save Speaker* wrote are in the lists of *Speak* and *Voice Cast* too.
- **start_seconds** and **seconds** take a part of a long recording. Silence at both ends is left out.
- The report says how loud, noisy or clipped the recording is, and whether its parts sound like several people.

**声音库**：把录音放进 input/voices，按 R 后即可选择。报告会说明录音的电平、噪声和削波。

**聲音庫**：把錄音放進 input/voices，按 R 後即可選擇。報告會說明錄音的電平、雜訊和削波。
""",
        column=0,
        title="One list of voices",
    )
    load = loaded(graph)
    reference = graph.add(
        "EncodeReference", column=1, encoder=load["encoder"], built_in_speaker=SECOND, start_seconds=0.0, seconds=4.0
    )
    shown(graph, reference, 1, title="The recording")
    speaker = graph.add("SpeakerCondition", column=2, t2s=load["t2s"], reference=reference["reference"])
    text = graph.add("PrepareText", column=2, t2s=load["t2s"], text=LINE)
    made = chain(graph, load, text, speaker, 3)
    heard(graph, made.vocoder, 4)
    return graph


GRAPHS = (
    quick_start, emotion_sliders, emotion_audio, emotion_text, exact_seconds, match_video, two_speakers,
    length_before_speech, emotion_presets, voice_library,
)  # fmt: skip
