"""The example graphs in which every stage is a node."""

from __future__ import annotations

from .canvas import Canvas
from .parts import CHECKPOINT, FIRST, LINE, SECOND, chain, heard, loaded, models, shown, speaker_of


def hand_blended() -> Canvas:
    graph = Canvas(
        "05_hand_blended_emotions", "Hand-blended emotions", "Mix emotion vectors: happy and a little afraid."
    )
    graph.note(
        """
## Hand-blended emotions
Two emotions are made for one speaker and mixed: 0.6 of happy, 0.25 of afraid. What is left of 1 is the speaker's own.
- The report of *Blend Emotions* shows every coefficient and their sum, which is always 1.
- *Plot Emotion* shows the result and its strength. Above 1 the voice may change.
- Try *Interpolate*, *Arithmetic*, *Scale*, *Limit*, *Transfer* and *Remove* from the same menu.

**手动混合**：两个情感按权重混合，剩下的份额是说话人自己的情感。强度大于 1 时嗓音可能改变。

**手動混合**：兩個情感按權重混合，剩下的份額是說話人自己的情感。強度大於 1 時嗓音可能改變。
""",
        column=0,
        title="Happy and a little afraid",
    )
    load = loaded(graph)
    reference, speaker = speaker_of(graph, load, FIRST, 1)
    graph.group("Who talks", reference, speaker)
    made = {
        name: graph.add(
            "EmotionFromWeights",
            column=2,
            title=name.capitalize(),
            t2s=load["t2s"],
            speaker=speaker["speaker"],
            balance=False,
            **{name: 1.0},
        )
        for name in ("happy", "afraid")
    }
    graph.group("Two emotions", *made.values())
    blend = graph.add(
        "BlendEmotions",
        column=3,
        emotion_1=made["happy"]["emotion"],
        emotion_2=made["afraid"]["emotion"],
        weight_1=0.6,
        weight_2=0.25,
        speaker=speaker["speaker"],
    )
    shown(graph, blend, 3, title="Shares")
    graph.add("PlotEmotion", column=4, t2s=load["t2s"], emotion=blend["emotion"], speaker=speaker["speaker"], box=512)
    speak = graph.add(
        "Speak",
        column=5,
        box=400,
        **models(load),
        text="The plane is landing. We are almost home!",
        emotion=blend["emotion"],
        seconds=3.2,
        seed=1,
    )
    heard(graph, speak, 4)
    return graph


def emotion_schedule() -> Canvas:
    graph = Canvas("06_emotion_schedule", "Emotion schedule inside a sentence", "The emotion changes at a word, uncut.")
    graph.note(
        """
## Emotion schedule inside a sentence
The sentence begins calm and turns angry at the word *stop*, in one breath, without a cut.
- *Position in Text* finds where a word begins; type another one to move the change.
- **transition**: step changes at once, linear moves gradually from one emotion to the next.
- *Plot Emotion* draws the schedule above its words.

**句内变化**：句子开头平静，从 stop 一词起变为愤怒，没有接缝。改“词语”即可移动变化点。

**句內變化**：句子開頭平靜，從 stop 一詞起變為憤怒，沒有接縫。改「詞語」即可移動變化點。
""",
        column=0,
        title="Calm, then angry",
    )
    load = loaded(graph)
    reference, speaker = speaker_of(graph, load, FIRST, 1)
    text = graph.add(
        "PrepareText", column=1, t2s=load["t2s"], text="I asked you kindly, but now you will stop that at once!"
    )
    calm, angry = (
        graph.add(
            "EmotionFromWeights",
            column=2,
            title=name.capitalize(),
            t2s=load["t2s"],
            speaker=speaker["speaker"],
            **{name: 0.8},
        )
        for name in ("calm", "angry")
    )
    graph.group("Two emotions", calm, angry)
    place = graph.add("PositionInText", column=3, text=text["text"], words="stop")
    schedule = graph.add(
        "ScheduleEmotions",
        column=3,
        emotion_1=calm["emotion"],
        emotion_2=angry["emotion"],
        position_2=place["position"],
    )
    graph.add(
        "PlotEmotion",
        column=3,
        t2s=load["t2s"],
        emotion=schedule["emotion"],
        speaker=speaker["speaker"],
        text=text["text"],
        box=640,
    )
    made = chain(graph, load, text, speaker, 4, t2s={"emotion": schedule["emotion"]})
    heard(graph, made.vocoder, 6)
    shown(graph, made.vocoder, 6)
    return graph


def revoice() -> Canvas:
    graph = Canvas("10_revoice_a_take", "Re-voice a take", "Say a recording again in another voice, same timing.")
    graph.note(
        """
## Re-voice a take
The first speaker says a line. *Audio to Semantic* keeps what is said and when, not who said it; *Semantic to Mel* says
it again as the second speaker.
- Your own recording: connect *Load Audio* to **audio** of *Audio to Semantic* and delete *Speak*.
- **keep_length** makes the result exactly as long as the recording, for dubbing.

**换声**：保留内容和时间，换成另一个说话人。可以用“加载音频”代替“说话”。

**換聲**：保留內容和時間，換成另一個說話人。可以用「載入音訊」代替「說話」。
""",
        column=0,
        title="Same take, other voice",
    )
    load = loaded(graph)
    take = graph.add(
        "Speak", column=1, box=400, title="The take", **models(load), text="This is how I would say it.",
        built_in_speaker=FIRST,
    )  # fmt: skip
    heard(graph, take, 1, "The take")
    reference, speaker = speaker_of(graph, load, SECOND, 2, "new voice")
    graph.group("The new voice", reference, speaker)
    semantic = graph.add("AudioToSemantic", column=2, encoder=load["encoder"], audio=take["audio"])
    mel = graph.add(
        "SemanticToMel", column=3, s2m=load["s2m"], semantic=semantic["semantic"], speaker=speaker["speaker"], steps=10
    )
    audio = graph.add("MelToAudio", column=3, vocoder=load["vocoder"], mel=mel["mel"])
    heard(graph, audio, 4, "The new voice")
    shown(graph, audio, 4)
    return graph


def save_voice() -> Canvas:
    graph = Canvas("11_save_and_reuse_a_voice", "Save and reuse a voice", "Keep a speaker as a small file.")
    graph.note(
        """
## Save and reuse a voice
1. **Run** once: *Save Speaker* writes `output/indextts2/my_voice_00001_.safetensors`.
2. Press **R** to refresh the list, and choose the file in *Load Speaker*.
3. Select the grey nodes on the right and press **Ctrl+M** to switch them on. They no longer need a recording.

Files can be shared: put them into `input/indextts2`. They work with the checkpoint that made them.

**保存声音**：运行一次得到文件，按 R 刷新列表并在“加载说话人”中选择，再选中右边灰色节点按 Ctrl+M 启用。

**儲存聲音**：執行一次得到檔案，按 R 重新整理清單並在「載入說話人」中選擇，再選取右邊灰色節點按 Ctrl+M 啟用。
""",
        column=0,
        title="A voice in a file",
    )
    load = loaded(graph)
    reference, speaker = speaker_of(graph, load, FIRST, 1)
    save = graph.add(
        "SaveSpeaker",
        column=2,
        speaker=speaker["speaker"],
        filename_prefix="indextts2/my_voice",
        source="built-in reference",
    )
    graph.group("1. Save", reference, speaker)
    shown(graph, save, 2, "file", "Name of the file")
    text = graph.add("PrepareText", column=3, muted=True, t2s=load["t2s"], text="I was loaded from a small file.")
    kept = graph.add("LoadSpeaker", column=3, muted=True)
    with graph.all_muted():
        made = chain(graph, load, text, kept, 4)
        end = heard(graph, made.vocoder, 6)
    graph.group("2. Reuse: switch these on with Ctrl+M", text, kept, made.t2s, made.s2m, made.vocoder, end)
    return graph


def compare() -> Canvas:
    graph = Canvas("12_compare_steps_and_vocoder", "Compare steps and vocoder", "Hear what each stage costs and gives.")
    graph.note(
        """
## Compare steps and vocoder
One take of semantic tokens becomes sound three times, with 4, 10 and 25 steps of *Semantic to Mel*. Text to Semantic
runs only once. Listen, and look at the spectrograms.
- Below, the vocoder alone: *Mel from Audio* measures the 25-step result and *Mel to Audio* makes it again.
- A vocoder of another checkpoint: add a second *Load Checkpoint* and connect only its **vocoder**.

**比较**：同一份语义 token 用 4、10、25 步各生成一次；下方单独测试声码器。

**比較**：同一份語義 token 用 4、10、25 步各生成一次；下方單獨測試聲碼器。
""",
        column=0,
        title="What do steps give?",
    )
    load = loaded(graph)
    _, speaker = speaker_of(graph, load, FIRST, 1)
    text = graph.add("PrepareText", column=1, t2s=load["t2s"], text="Listen to the same words three times.")
    semantic = graph.add("TextToSemantic", column=1, t2s=load["t2s"], text=text["text"], speaker=speaker["speaker"])
    made = {}
    for steps in (4, 10, 25):
        mel = graph.add(
            "SemanticToMel",
            column=2,
            title=f"{steps} steps",
            s2m=load["s2m"],
            semantic=semantic["semantic"],
            speaker=speaker["speaker"],
            steps=steps,
        )
        made[steps] = graph.add(
            "MelToAudio", column=3, title=f"Audio of {steps} steps", vocoder=load["vocoder"], mel=mel["mel"]
        )
        heard(graph, made[steps], 4, f"Sound of {steps} steps")
        graph.add("PlotMel", column=5, title=f"Mel of {steps} steps", mel=mel["mel"], box=640)
    measured = graph.add(
        "MelFromAudio", column=3, title="Vocoder alone", vocoder=load["vocoder"], audio=made[25]["audio"]
    )
    again = graph.add("MelToAudio", column=3, title="Made again", vocoder=load["vocoder"], mel=measured["mel"])
    graph.group("The vocoder alone", measured, again)
    heard(graph, again, 4, "Sound of the vocoder alone")
    return graph


def stage_by_stage() -> Canvas:
    graph = Canvas("13_stage_by_stage", "Stage by stage", "Every stage a node, with every picture.")
    graph.note(
        """
## Stage by stage
The whole chain, left to right: **reference** → **speaker** and **emotion** → **text** → **semantic tokens** →
**mel** → **audio**. Every wire carries one kind of value, and every value can be seen, saved, or swapped.
- Change only what a stage reads, and only that stage and those after it run again.
- Hold the mouse over a name for its meaning; the information button above a selected node opens its help.

**逐个阶段**：从左到右是参考、说话人与情感、文本、语义、梅尔、音频，每一步都可查看、保存或替换。

**逐個階段**：從左到右是參考、說話人與情感、文字、語義、梅爾、音訊，每一步都可檢視、儲存或替換。
""",
        column=0,
        title="From text to sound",
    )
    load = loaded(graph)
    shown(graph, load, 0, "info", "What was loaded")
    reference, speaker = speaker_of(graph, load, FIRST, 1)
    glossary = graph.add("PronunciationGlossary", column=1, lines="# term = reading\nNguyen = win")
    text = graph.add(
        "PrepareText",
        column=1,
        t2s=load["t2s"],
        text="Doctor Nguyen comes to the house at ten. <pause 0.3s> Please open the door and wait for her!",
        glossary=glossary["glossary"],
    )
    shown(graph, text, 1, title="How it is read")
    graph.group("Who talks", reference, speaker)
    weights = graph.add("EmotionWeights", column=2, happy=0.5, calm=0.2)
    graph.add("PlotEmotionWeights", column=2, weights=weights["weights"], box=512)
    emotion = graph.add(
        "EmotionFromWeights", column=3, t2s=load["t2s"], speaker=speaker["speaker"], weights=weights["weights"]
    )
    graph.add("PlotEmotion", column=3, t2s=load["t2s"], emotion=emotion["emotion"], speaker=speaker["speaker"], box=512)
    duration = graph.add("Duration", column=4, unit="seconds", value=5.0)
    made = chain(graph, load, text, speaker, 4, t2s={"emotion": emotion["emotion"], "duration": duration["duration"]})
    graph.add(
        "PlotSemantic",
        column=6,
        t2s=load["t2s"],
        semantic=made.t2s["semantic"],
        text=text["text"],
        speaker=speaker["speaker"],
        emotion=emotion["emotion"],
    )
    graph.add("PlotMel", column=6, mel=made.s2m["mel"])
    heard(graph, made.vocoder, 7)
    shown(graph, made.vocoder, 7)
    return graph


def compare_checkpoints() -> Canvas:
    graph = Canvas(
        "19_compare_two_checkpoints", "Two checkpoints side by side", "The same line by two models, with both reports."
    )
    graph.note(
        """
## Two checkpoints side by side
The same line, voice and seed go through two checkpoints, A and B, each with its sound and its report.
- Choose another one in the second *Load Checkpoint*: IndexTTS-2 beside IndexTTS-2.5, or a fine-tune beside its base.
- As delivered both are *mini*, so that the graph runs without a download; then both sound alike.
- The report of *Load Checkpoint* says what each folder is. Values of one checkpoint cannot enter the other.

**两个检查点对比**：同一句话、同一声音、同种子，由两个检查点分别合成。在第二个“加载检查点”中选择另一个，如 2.0 与 2.5。

**兩個檢查點對比**：同一句話、同一聲音、同種子，由兩個檢查點分別合成。在第二個「載入檢查點」選另一個，如 2.5。
""",
        column=0,
        title="A and B",
    )
    for name, precision in (("A", "auto"), ("B", "fp32")):  # the host computes nodes that are alike only once
        load = graph.add(
            "LoadCheckpoint",
            column=0,
            title=f"Load Checkpoint ({name})",
            checkpoint=CHECKPOINT,
            precision=precision,
        )
        about = shown(graph, load, 1, output="info", title=f"What {name} is")
        speak = graph.add(
            "Speak",
            column=2,
            title=f"Speak ({name})",
            box=400,
            **models(load),
            text=LINE,
            built_in_speaker=FIRST,
            seed=1,
        )
        audio = heard(graph, speak, 3, title=f"Audio ({name})")
        report = shown(graph, speak, 3, title=f"Report of {name}")
        graph.group(f"Checkpoint {name}", load, about, speak, audio, report)
    return graph


GRAPHS = (hand_blended, emotion_schedule, revoice, save_voice, compare, stage_by_stage, compare_checkpoints)
