"""Names that reach the nodes: files to load, prefixes to save under, voices, presets, checkpoints, adapters."""

from __future__ import annotations

import inspect
import os

import pytest

from tools.attack.mutations import NAMES

SUFFIXES = ("", ".safetensors", ".wav", ".srt")
PLACES = ("", " [input]", " [output]", " [example]", "]", " [")


@pytest.fixture
def folders(machine, tmp_path):
    for name in ("input/voices", "input/indextts2", "output/indextts2"):
        (machine.base / name).mkdir(parents=True, exist_ok=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.safetensors").write_bytes(b"secret")
    (outside / "secret.wav").write_bytes(b"secret")
    (machine.base / "input" / "voices" / "link.wav").symlink_to(outside / "secret.wav")
    for name in ("input", "output"):
        (machine.base / name / "indextts2" / "link.safetensors").symlink_to(outside / "secret.safetensors")
        (machine.base / name / "far").symlink_to(outside)
    return machine.base


def hostile(base) -> list[str]:
    """Names with all their endings, and those of links that lead out."""
    linked = ["indextts2/link", "voices/link", "far/secret", "far/new", str(base / "input" / "voices" / "link")]
    names = [f"{name}{suffix}{place}" for place in PLACES for suffix in SUFFIXES for name in (*NAMES, *linked)]
    return names[::3]  # 29 names, so that each comes with every third ending


def test_no_name_leads_out_of_its_folder_or_ends_in_a_traceback(machine, folders):
    part = machine.pack.part
    voices, user_files, examples = part("nodes.voices"), part("nodes.user_files"), part("nodes.script_examples")
    refused = part("indextts2.errors").IndexTTS2Error
    found = []
    for name in hostile(folders):
        for choose in (user_files.saved_file, user_files.script_file, voices._file_of, examples.offered_file):
            try:
                path = choose(name)
            except refused as error:
                assert len(str(error)) < 2_000 and "\ud800" not in str(error)
            else:
                found.append((name, path))
        for state in (user_files.file_state, user_files.script_state, voices.voice_state):
            assert isinstance(state(name), str)
    assert [(name, path) for name, path in found if path is not None] == []


def test_no_prefix_leads_out_of_the_output_folder(machine, folders):
    user_files, errors = machine.pack.part("nodes.user_files"), machine.pack.part("indextts2.errors")
    outside = sorted((folders / "outside").iterdir())
    root = os.path.realpath(folders / "output")
    for name in hostile(folders):
        try:
            path, _ = user_files.new_file(name)
        except errors.InputError as error:
            assert len(str(error)) < 2_000 and "\ud800" not in str(error)
        else:
            assert os.path.realpath(path).startswith(root + os.sep), name
            path.write_bytes(b"x")  # every name that is let through is one that a file can have
    assert outside == sorted((folders / "outside").iterdir())


@pytest.mark.parametrize(
    "prefix", ["x" * 300, "a/" + "x" * 300 + "/b", "CON", "nul", "a:b", "a\0", "a\nb", "far/new", "~/x"]
)
def test_a_prefix_that_no_system_takes_is_refused_by_name(machine, folders, prefix):
    user_files, errors = machine.pack.part("nodes.user_files"), machine.pack.part("indextts2.errors")
    if prefix in ("CON", "nul"):  # with its number and suffix it is a usual name
        assert user_files.new_file(prefix)[0].name.endswith("_00001_.safetensors")
        return
    with pytest.raises(errors.InputError, match="is no name below the output folder"):
        user_files.new_file(prefix)


def test_a_file_in_the_place_of_a_folder_of_a_prefix_is_refused(machine, folders):
    user_files, errors = machine.pack.part("nodes.user_files"), machine.pack.part("indextts2.errors")
    (folders / "output" / "taken").write_text("x")
    with pytest.raises(errors.InputError, match="is no name below the output folder"):
        user_files.new_file("taken/anna")


def test_hostile_choices_never_keep_a_node_from_being_looked_at(machine, folders):
    """The host asks every node for the state of its inputs before it runs; names come from graphs of anybody."""
    errors = machine.pack.part("indextts2.errors")
    asked = 0
    for number, node in enumerate(machine.pack.nodes.values()):
        if "fingerprint_inputs" not in vars(node):
            continue
        schema = node.GET_SCHEMA()
        words = [port.id for port in schema.inputs or [] if port.get_io_type() in ("COMBO", "STRING")]
        parameters = inspect.signature(node.fingerprint_inputs).parameters
        others = {port.id: getattr(port, "default", None) for port in schema.inputs or [] if port.id in parameters}
        for word in words:
            for name in NAMES[number % 3 :: 3]:
                try:
                    node.fingerprint_inputs(**{**others, word: name})
                except errors.IndexTTS2Error:
                    pass
                asked += 1
    assert asked > 100


def test_choices_that_are_not_offered_are_refused_by_name(machine, folders):
    part = machine.pack.part
    errors, contracts = part("indextts2.errors"), part("indextts2.contracts")
    checkpoints, hosts, loaders = part("nodes.checkpoints"), part("nodes.host.folders"), part("nodes.loaders")
    presets, audio = part("indextts2.stages.emotion.presets"), part("nodes.host.audio")
    weights = contracts.EmotionWeights.of(happy=0.5)
    for name in NAMES:
        for choose in (
            lambda name: checkpoints.chosen(hosts.checkpoints(), name, "checkpoint"),
            lambda name: checkpoints.chosen(hosts.lora_files(), name, "LoRA"),
            loaders.text_to_emotion_folder,
            lambda name: presets.with_preset(weights, name, 1.0, hosts.emotion_presets()),
            lambda name: audio.reference_waveform(None, name),
        ):
            with pytest.raises(errors.IndexTTS2Error) as caught:
                choose(name)
            assert len(str(caught.value)) < 2_100
