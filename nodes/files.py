"""Nodes that save and load speakers, emotions, semantic tokens and mel spectrograms in the host's own folders."""

from __future__ import annotations

from typing import Any, ClassVar

from comfy_api.latest import io, ui

from . import ports, user_files
from .host import services
from .ports import node_schema
from .widgets import choice, words

GROUP = "files"
NOTHING_SAVED = "(nothing saved yet)"


class _Save(io.ComfyNode):
    """A value -> a file below the output folder. Each kind is a class of its own, because node ids are permanent."""

    KIND: ClassVar[str]
    PORT: ClassVar[Any]
    WHAT: ClassVar[str]

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            f"Save{cls.KIND.capitalize()}",
            f"Save {cls.KIND.capitalize()}",
            GROUP,
            f"Save {cls.WHAT} as a safetensors file below the output folder, with the checkpoint that made it. "
            f"Load {cls.KIND.capitalize()} reads it again; files can be shared and put into input/indextts2.",
            inputs=[
                cls.PORT.Input(cls.KIND, tooltip=f"What is saved: {cls.WHAT}."),
                words(
                    "filename_prefix",
                    f"{user_files.SUBFOLDER}/{cls.KIND}",
                    "Folder and start of the file name, below the output folder; a number is appended. Files in "
                    "indextts2 appear in the lists of the load nodes.",
                ),
                words("source", "", "What it was made from, in free words; stored in the file."),
                words("text", "", "What is said in it; stored in the file.", multiline=True),
                words("licence", "", "Who may use it for what, in free words; stored in the file."),
            ],
            outputs=[io.String.Output(display_name="file", tooltip="Name of the file, as the load node lists it.")],
            aliases=[f"export {cls.KIND}", f"store {cls.KIND}"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, filename_prefix: str, source: str, text: str, licence: str, **given: Any) -> io.NodeOutput:
        from ..indextts2.values.files import FileNote, save_value

        value = given[cls.KIND]
        path, name = user_files.new_file(filename_prefix)
        said = text or " ".join(getattr(value, "texts", ()))
        save_value(path, value, FileNote(source=source, text=said, licence=licence))
        return io.NodeOutput(name, ui=ui.PreviewText(f"Saved as {name}"))


class _Load(io.ComfyNode):
    """A file of the output or input folder -> a value."""

    KIND: ClassVar[str]
    PORT: ClassVar[Any]
    WHAT: ClassVar[str]
    MORE: ClassVar[tuple[Any, ...]] = ()  # further inputs

    @classmethod
    def define_schema(cls) -> io.Schema:
        files = user_files.saved_files(cls.KIND) or [NOTHING_SAVED]
        return node_schema(
            f"Load{cls.KIND.capitalize()}",
            f"Load {cls.KIND.capitalize()}",
            GROUP,
            f"Load {cls.WHAT} from a file that Save {cls.KIND.capitalize()} wrote, in output/indextts2 or "
            "input/indextts2.",
            inputs=[choice("file", files, "The file, newest first. Press R to refresh the list."), *cls.MORE],
            outputs=[
                cls.PORT.Output(display_name=cls.KIND, tooltip=f"What was saved: {cls.WHAT}."),
                io.String.Output(display_name="info", tooltip="Source, text, licence, date and checkpoint."),
            ],
            aliases=[f"import {cls.KIND}", f"read {cls.KIND}"],
        )

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        from ..indextts2.values.files import file_info, load_value

        path = user_files.saved_file(file)
        return io.NodeOutput(services.on_intermediate(load_value(path, cls.KIND)), file_info(path).describe())

    @classmethod
    def validate_inputs(cls, file: str | None) -> bool | str:
        """Says why a file cannot be loaded before anything runs; None stands for a linked name, not known yet."""
        from ..indextts2.errors import InputError

        if file is None:
            return True
        if file == NOTHING_SAVED:
            return f"No file of kind '{cls.KIND}' was saved yet. Save one first, or put one into input/indextts2."
        try:
            user_files.saved_file(file)
        except InputError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file: str | None, **unused: Any) -> str:
        return user_files.file_state(file or "")


class SaveSpeaker(_Save):
    KIND, PORT, WHAT = "speaker", ports.Speaker, "a speaker"


class LoadSpeaker(_Load):
    KIND, PORT, WHAT = "speaker", ports.Speaker, "a speaker"
    MORE = (
        ports.Speaker.Input(
            "base_speaker",
            optional=True,
            tooltip="For a file with nothing but a learned speaker condition (.pt or .safetensors): the speaker that "
            "style, prompt and emotion come from. Other files do not need it.",
        ),
    )

    @classmethod
    def execute(cls, file: str, base_speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.loading.learned_speaker import learned_condition, with_learned_condition

        path = user_files.saved_file(file)
        if learned_condition(path) is None:
            return super().execute(file)
        learned = services.on_intermediate(with_learned_condition(path, base_speaker))
        return io.NodeOutput(learned, f"learned speaker condition: {path.name}")


class SaveEmotion(_Save):
    KIND, PORT, WHAT = "emotion", ports.Emotion, "an emotion or a schedule of them"


class LoadEmotion(_Load):
    KIND, PORT, WHAT = "emotion", ports.Emotion, "an emotion or a schedule of them"


class SaveSemantic(_Save):
    KIND, PORT, WHAT = "semantic", ports.Semantic, "semantic tokens (a take of speech without its sound)"


class LoadSemantic(_Load):
    KIND, PORT, WHAT = "semantic", ports.Semantic, "semantic tokens (a take of speech without its sound)"


class SaveMel(_Save):
    KIND, PORT, WHAT = "mel", ports.Mel, "a mel spectrogram"


class LoadMel(_Load):
    KIND, PORT, WHAT = "mel", ports.Mel, "a mel spectrogram"


NODES = (SaveSpeaker, LoadSpeaker, SaveEmotion, LoadEmotion, SaveSemantic, LoadSemantic, SaveMel, LoadMel)
