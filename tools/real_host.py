"""Runs the example graphs in a real ComfyUI and reads what they say; a script by hand, not a test.

Start ComfyUI with this pack among its custom nodes, install the recogniser (`pip install moonshine-voice==0.0.48 av`)
where this script runs, and from the root of the repository:

    python -m tools.real_host http://127.0.0.1:8188 --json result.json --markdown result.md

`--graph 07` runs one graph (may be given often); results in the JSON file are kept for graphs that are not run, so a
long run may be done in pieces. The word error is that of one short text each, so single words weigh much.

`--checkpoint NAME` chooses another checkpoint in every graph. `--tiny` is for one with random weights, such as
`python -m tools.tiny_checkpoint` writes below the models of that ComfyUI: values that it finishes soon, and nothing is
recognised; a graph has passed when every node ran and every sound lasts. `--thumbnails` draws `workflows/*.jpg`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image

from indextts2.audio.io import read_audio
from indextts2.contracts import Waveform
from indextts2.evaluation.listeners import transcribe
from indextts2.evaluation.words import error_rates
from indextts2.loading.find import built_in_references
from indextts2.plots.speech import draw_speech
from indextts2.script.read import read_script, read_script_file
from tests.host.load import ROOT

from .nodes.object_info import GOLDEN, comparable, known_part
from .workflows.gallery_stages import save_voice
from .workflows.quick import quick, with_checkpoint
from .workflows.thumbnail import save as save_thumbnail

API = ROOT / "workflows" / "api"
EXAMPLES = ROOT / "workflows" / "scripts"
SAVED_VOICE = "11_save_and_reuse_a_voice"
"""The graph with a second part that is run once the first has saved a file."""

SPEAKING = ("IndexTTS2_Speak", "IndexTTS2_SynthesizeScript")
"""Nodes that play their own speech."""

SUFFIXES = (".flac", ".wav", ".mp3", ".mp4")
TAGS = re.compile(r"<[^>]*>|\[[^\]]*\]")
POLL_SECONDS = 1.0
WARM_UP = 4
PICTURE_WIDTH = 768
SHORTEST = 0.1  # seconds of a sound that a tiny checkpoint makes
UNRECOGNISABLE = 0.6  # a word error above this is worth a look: the mini's own is about 0.3

Graph = Mapping[str, Mapping[str, Any]]


class Host:
    """A running ComfyUI, through its HTTP interface alone."""

    def __init__(self, address: str) -> None:
        self.address, self.client = address.rstrip("/"), uuid.uuid4().hex

    def get(self, path: str, **query: str) -> bytes:
        question = f"?{urllib.parse.urlencode(query)}" if query else ""
        with urllib.request.urlopen(f"{self.address}{path}{question}") as reply:
            return reply.read()

    def post(self, path: str, value: Any) -> Any:
        body = json.dumps(value).encode()
        request = urllib.request.Request(f"{self.address}{path}", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as reply:
                return json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.code} {error.read().decode(errors='replace')[:2000]}") from error

    def start(self, graph: Graph) -> str:
        """Put a graph into the queue; its id. Raises RuntimeError where the host would leave a part of it out."""
        reply = self.post("/prompt", {"prompt": graph, "client_id": self.client})
        if reply["node_errors"]:
            raise RuntimeError(f"The host refuses {reply['node_errors']}")
        return reply["prompt_id"]

    def finished(self, run: str) -> dict[str, Any]:
        """Wait for a run; its entry of the history."""
        while True:
            entry = json.loads(self.get(f"/history/{run}")).get(run)
            if entry and entry["status"].get("status_str"):
                return entry
            time.sleep(POLL_SECONDS)

    def messages(self, entry: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
        """The messages of one kind that a run sent."""
        return [content for name, content in entry["status"]["messages"] if name == kind]


def files_of(entry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """(node, file) of every sound and video that a run saved or previewed."""
    for node, shown in entry["outputs"].items():
        for value in shown.values():
            for file in value if isinstance(value, list) else []:
                if isinstance(file, dict) and str(file.get("filename", "")).endswith(SUFFIXES):
                    yield node, {name: file[name] for name in ("filename", "subfolder", "type")}


def pictures_of(host: Host, graph: Graph, entry: Mapping[str, Any]) -> list[Image.Image]:
    """The pictures on the nodes of a run: plots first, then the speech of nodes that show it."""

    def is_plot(node: str) -> bool:
        return graph[node]["class_type"].startswith("IndexTTS2_Plot")

    shown = [
        (not is_plot(node), int(node), file)
        for node, output in entry["outputs"].items()
        for file in output.get("images", [])
        if str(file["filename"]).endswith(".png")
    ]
    files = [file for _, _, file in sorted(shown, key=lambda one: one[:2])]
    return [Image.open(io.BytesIO(host.get("/view", **file))).convert("RGB") for file in files]


def speech_pictures(host: Host, entry: Mapping[str, Any]) -> list[Image.Image]:
    """The sounds of a run as pictures, for graphs without any on their nodes."""
    sounds = [waveform_of(host.get("/view", **file), file["filename"]) for _, file in files_of(entry)]
    drawn = [draw_speech(sound, [], width=PICTURE_WIDTH) for sound in sounds]
    return [Image.fromarray((one.numpy() * 255.0).round().astype(np.uint8)) for one in drawn]


def waveform_of(data: bytes, name: str) -> Waveform:
    """The sound of a file: of a video, its first audio stream."""
    if not name.endswith(".mp4"):
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        return Waveform(torch.from_numpy(samples.T.copy())[None], rate)
    import av

    with av.open(io.BytesIO(data)) as video:
        rate = video.streams.audio[0].rate
        blocks = [np.atleast_2d(frame.to_ndarray()).mean(axis=0, keepdims=True) for frame in video.decode(audio=0)]
    return Waveform(torch.from_numpy(np.concatenate(blocks, axis=1)).float()[None], rate)


def asked(graph: Graph, node: str) -> str:
    """The text that reaches an output, in the order it is spoken."""
    return " ".join(_texts(graph, node, set()))


def _texts(graph: Graph, node: str, seen: set[str]) -> list[str]:
    if node in seen:
        return []
    seen.add(node)
    kind, inputs = graph[node]["class_type"].removeprefix("IndexTTS2_"), graph[node]["inputs"]
    if kind in ("Speak", "SpeakTakes", "PrepareText") and isinstance(inputs["text"], str):
        return [_read(inputs["text"], graph[inputs["glossary"][0]] if "glossary" in inputs else None)]
    if kind == "ScriptFromText":
        return [_read(line.text) for line in read_script(inputs["text"], inputs["kind"]).lines]
    if kind == "ScriptFromFile":
        return [_read(line.text) for line in read_script_file(EXAMPLES / inputs["file"].split(" [")[0]).lines]
    if kind == "ReplaceLine":
        lines, said = _texts(graph, inputs["lines"][0], seen), _texts(graph, inputs["audio"][0], seen)
        lines[inputs["number"] - 1 : inputs["number"]] = said or [inputs["text"]]
        return lines
    links = [value[0] for value in inputs.values() if isinstance(value, list)]
    return [text for source in links for text in _texts(graph, source, seen)]


def _read(text: str, glossary: Mapping[str, Any] | None = None) -> str:
    """Without tags, and with the readings of a glossary."""
    for line in glossary["inputs"]["lines"].splitlines() if glossary else ():
        term, sign, reading = line.partition("=")
        if sign and not line.startswith("#"):
            text = text.replace(term.strip(), reading.strip())
    return " ".join(TAGS.sub(" ", text).split())


def switched_on(entry: Mapping[str, Any]) -> Graph:
    """The graph of a saved voice as its note asks for: with the file of a run chosen and the grey nodes switched on."""
    canvas = save_voice()
    for node in canvas.nodes:
        node.muted = False
    graph = canvas.api_graph()
    (load,) = (node for node in graph.values() if node["class_type"] == "IndexTTS2_LoadSpeaker")
    (name,) = (number for number, node in graph.items() if node["class_type"] == "PreviewAny")
    load["inputs"]["file"] = entry["outputs"][name]["text"][0]
    return graph


def run_graph(
    host: Host, name: str, checkpoint: str = "", *, tiny: bool = False, thumbnails: bool = False
) -> dict[str, Any]:
    """Run one graph; what it took and what was heard in each of its sounds.

    checkpoint: chosen in place of the graph's own. tiny: with quick values, and without a recogniser. thumbnails: draw
    the picture of the graph from those on its nodes.
    """

    def changed(graph: Graph) -> Graph:
        graph = with_checkpoint(graph, checkpoint) if checkpoint else graph
        return quick(graph) if tiny else graph

    graph = changed(json.loads((API / f"{name}.json").read_text(encoding="utf-8")))
    begun = time.monotonic()
    entry = host.finished(host.start(graph))
    if name == SAVED_VOICE and not host.messages(entry, "execution_error"):
        graph = changed(switched_on(entry))
        entry = host.finished(host.start(graph))
    result: dict[str, Any] = {"run_seconds": round(time.monotonic() - begun, 1), "sounds": []}
    for error in host.messages(entry, "execution_error"):
        result["error"] = f"{error['node_type']}: {error['exception_type']}: {error['exception_message']}".strip()
    if thumbnails:
        info = json.loads((API.parent / f"{name}.json").read_text(encoding="utf-8"))["extra"]["info"]
        pictures = pictures_of(host, graph, entry) or speech_pictures(host, entry)
        save_thumbnail(info["name"], info["description"], pictures, API.parent / f"{name}.jpg")
    for node, file in files_of(entry):
        if graph[node]["class_type"] in SPEAKING:
            continue  # a player of the graph gives the same sound
        waveform = waveform_of(host.get("/view", **file), file["filename"])
        result["sounds"].append(
            {
                "file": graph[node]["_meta"]["title"],
                "seconds": round(waveform.seconds, 2),
                **(lasting(waveform) if tiny else recognised(waveform, asked(graph, node))),
            }
        )
    return result


def recognised(waveform: Waveform, text: str) -> dict[str, Any]:
    """The words that were asked for, those that are heard, and how many differ."""
    heard = transcribe(waveform)
    rates = error_rates([(text, heard)])
    return {"asked": text, "heard": heard, "errors": rates.words.errors, "words": rates.words.reference}


def lasting(waveform: Waveform) -> dict[str, Any]:
    """The same fields for the noise of a tiny checkpoint: an error where it is shorter than a tenth of a second."""
    is_sound = waveform.seconds > SHORTEST and bool(torch.isfinite(waveform.samples).all())
    return {"asked": "noise", "heard": "noise" if is_sound else "", "errors": int(not is_sound), "words": 1}


def different_nodes(host: Host) -> list[str]:
    """Nodes that the host describes otherwise than the golden file of the stand-in."""
    golden, live = json.loads(GOLDEN.read_text(encoding="utf-8")), json.loads(host.get("/object_info"))
    return [
        name for name, entry in golden.items() if name not in live or known_part(comparable(live[name]), entry) != entry
    ]


def warm_up() -> None:
    """The recogniser hears the same sound otherwise the first times in a process that it hears speech."""
    (speech, *_) = built_in_references().values()
    for _ in range(WARM_UP):
        transcribe(read_audio(speech))


def table(results: Mapping[str, Any]) -> str:
    """The results as Markdown."""
    sounds = [sound for result in results.values() for sound in result["sounds"]]
    errors, words = (sum(sound[name] for sound in sounds) for name in ("errors", "words"))
    lines = [
        "# The example graphs in a real ComfyUI",
        "",
        "Every API twin of `workflows/api` was run in ComfyUI on a CPU with the mini as it is in this repository, and "
        "what it saved was read by the Moonshine tiny English recogniser. Made by `python -m tools.real_host "
        "ADDRESS --json docs/figures/mini_workflows.json --markdown docs/figures/mini_workflows.md`; the head of "
        "`tools/real_host.py` says how.",
        "",
        f"{len(results)} graphs, {len(sounds)} sounds, {errors} errors in {words} words: "
        f"{errors / max(words, 1):.1%} in all.",
        "",
        "| graph | sound | seconds | asked | heard | word error |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in sorted(results.items()):
        if "error" in result:
            lines.append(f"| {name} | | | | **{result['error']}** | |")
        for sound in result["sounds"]:
            rate = sound["errors"] / max(sound["words"], 1)
            cells = (name, sound["file"], f"{sound['seconds']:.2f}", sound["asked"], sound["heard"], f"{rate:.0%}")
            lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of a running ComfyUI, such as http://127.0.0.1:8188")
    parser.add_argument("--json", type=Path, required=True, help="where results are kept from run to run")
    parser.add_argument("--markdown", type=Path, help="where the table is written")
    parser.add_argument("--checkpoint", default="", metavar="NAME", help="chosen in every graph (default: its own)")
    parser.add_argument("--tiny", action="store_true", help="with quick values, for a checkpoint with random weights")
    parser.add_argument("--thumbnails", action="store_true", help="draw workflows/*.jpg from the pictures on the nodes")
    parser.add_argument("--graph", action="append", default=[], help="beginning of a name; all graphs without it")
    options = parser.parse_args()
    results = json.loads(options.json.read_text(encoding="utf-8")) if options.json.exists() else {}
    host = Host(options.address)
    different = different_nodes(host)
    sys.stdout.write(f"nodes that differ from the golden file: {', '.join(different) or 'none'}\n")
    poor = bool(different)
    if not options.tiny:
        warm_up()
    for path in sorted(API.glob("*.json")):
        if options.graph and not path.stem.startswith(tuple(options.graph)):
            continue
        results[path.stem] = result = run_graph(
            host, path.stem, options.checkpoint, tiny=options.tiny, thumbnails=options.thumbnails
        )
        options.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if options.markdown:
            options.markdown.write_text(table(results), encoding="utf-8")
        bad = "error" in result or any(s["errors"] > UNRECOGNISABLE * s["words"] for s in result["sounds"])
        poor = poor or bad or not result["sounds"]
        sys.stdout.write(f"{path.stem}: {json.dumps(result, ensure_ascii=False)}{'  LOOK' if bad else ''}\n")
        sys.stdout.flush()
    return int(poor)


if __name__ == "__main__":
    sys.exit(main())
