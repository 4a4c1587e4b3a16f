"""The example graphs about models: on one wire, taken apart, and put together again."""

from __future__ import annotations

from .canvas import Canvas
from .parts import heard, loaded, shown


def one_wire() -> Canvas:
    graph = Canvas("20_one_wire", "One wire, and a LoRA on it", "Models as a bundle: unpacked, changed, packed again.")
    graph.note(
        """
## One wire
*Load Checkpoint* gives all four models as **models**. *Speak* and *Synthesize Script* need nothing else.
- *Unpack Models* gives the single models, for nodes of single stages such as *Load LoRA*.
- *Pack Models* puts them on one wire again: a single model takes the place of the bundle's.
- Choose a file in *Load LoRA* (from `models/indextts2/loras`); *none* changes nothing.

**一根线**：“加载检查点”的“模型”包含四个模型。“拆开模型”取出单个模型，“打包模型”再合到一根线上。

**一條線**：「載入檢查點」的「模型」包含四個模型。「拆開模型」取出單個模型，「打包模型」再合到一條線上。
""",
        column=0,
        title="Models on one wire",
    )
    load = loaded(graph)
    single = graph.add("UnpackModels", column=1, models=load["models"])
    lora = graph.add("LoadLora", column=1, t2s=single["t2s"])
    packed = graph.add("PackModels", column=2, t2s=lora["t2s"], models=load["models"])
    speak = graph.add("Speak", column=3, box=400, models=packed["models"], text="One wire carries four models.")
    heard(graph, speak, 4)
    shown(graph, load, 4, output="info", title="What was loaded")
    return graph


GRAPHS = (one_wire,)
