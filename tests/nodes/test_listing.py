"""Files that lie around never break a listing of the nodes; a damaged one is listed and says why when it is chosen."""

from __future__ import annotations

import json
import struct

import pytest

SAVED = "indextts2"


def header(metadata: dict[str, str]) -> bytes:
    text = json.dumps({"__metadata__": metadata}).encode()
    return struct.pack("<Q", len(text)) + text


OURS = {"format": "indextts2-value", "format_version": "1", "kind": "speaker"}
HOSTILE = {
    "a thousand brackets": header({**OURS, "fields": "[" * 1_000}),
    "closed brackets": header({**OURS, "fields": "[" * 1_000 + "]" * 1_000}),
    "a list": header({**OURS, "fields": "[1, 2]"}),
    "no fields": header(OURS),
    "a huge number": header({**OURS, "fields": '{"seconds": ' + "9" * 400 + "}"}),
    "an infinite number": header({**OURS, "fields": '{"seconds": 1e999}'}),
    "text that is no JSON": header({**OURS, "fields": "{"}),
    "nothing": b"",
    "eight bytes": b"\xff" * 8,
    "a header without an end": struct.pack("<Q", 1 << 60) + b"{",
    "a header that is no JSON": struct.pack("<Q", 2) + b"[[",
}
FOREIGN = {
    "another program's file": header({"format": "pt"}),
    "another kind": header({**OURS, "kind": "soul"}),
    "a later version": header({**OURS, "format_version": "2"}),
}


@pytest.fixture
def folders(machine, tmp_path):
    for name in ("input", "output"):
        (machine.base / name / SAVED).mkdir(parents=True, exist_ok=True)
    return machine.base


@pytest.mark.parametrize("content", [*HOSTILE.values(), *FOREIGN.values()], ids=[*HOSTILE, *FOREIGN])
def test_a_file_that_lies_around_never_keeps_the_schemas_from_being_built(machine, folders, content):
    for name in ("input", "output"):
        (folders / name / SAVED / "bad.safetensors").write_bytes(content)
    for node in machine.pack.nodes.values():
        node.define_schema()


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_file_is_listed_and_says_why_when_it_is_chosen(machine, folders, content):
    user_files = machine.pack.part("nodes.user_files")
    files, errors = machine.pack.part("indextts2.values.files"), machine.pack.part("indextts2.errors")
    (folders / "output" / SAVED / "bad.safetensors").write_bytes(content)
    assert user_files.saved_files("speaker") == ["indextts2/bad.safetensors [output]"]
    with pytest.raises(errors.InputError, match="bad.safetensors") as caught:
        files.load_value(user_files.saved_file("indextts2/bad.safetensors [output]"), "speaker")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_program_is_not_listed(machine, folders, content):
    (folders / "output" / SAVED / "other.safetensors").write_bytes(content)
    assert machine.pack.part("nodes.user_files").saved_files("speaker") == []


@pytest.mark.parametrize("loop", ["itself", "a folder above", "nothing"])
def test_links_that_lead_in_circles_or_nowhere_break_no_listing(machine, folders, loop):
    place = folders / "output" / SAVED
    target = {"itself": place / "loop.safetensors", "a folder above": place.parent, "nothing": place / "gone"}[loop]
    (place / "loop.safetensors").symlink_to(target)
    assert machine.pack.part("nodes.user_files").saved_files("speaker") in ([], ["indextts2/loop.safetensors [output]"])


CONFIGURATIONS = {
    "brackets": b"[" * 100_000,
    "an alias bomb": b"a: &a [1]\nb: &b [*a, *a]\n" * 1_000,
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
    "a word": b"hello",
}


@pytest.mark.parametrize("content", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_broken_checkpoint_or_lora_breaks_no_listing(machine, content):
    for place in ("models/indextts2/broken/config.yaml", "models/loras/broken.safetensors", "input/broken.srt"):
        path = machine.base / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (machine.base / "models/indextts2/broken/gpt.pth").write_bytes(content)
    for node in machine.pack.nodes.values():
        node.define_schema()


@pytest.mark.parametrize(
    "name", ["x" * 300, "a\0b", "\ud800", "../../x", "/etc/passwd", "C:\\x", "..\\..\\x", "~", "", " "]
)
def test_impossible_names_are_refused_by_name(machine, folders, name):
    user_files, errors = machine.pack.part("nodes.user_files"), machine.pack.part("indextts2.errors")
    for choose in (
        lambda: user_files.saved_file(f"{name}.safetensors [output]"),
        lambda: user_files.saved_file(f"{name} [input]"),
        lambda: user_files.script_file(name),
    ):
        with pytest.raises(errors.InputError):
            choose()
