"""Changes of a fine-tune that it does not state: size of its vocabulary, how its text is read, what it leaves out.

A folder of a trainer often holds T2S, tokenizer and configuration alone; everything else comes from a base checkpoint.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Config
from ..errors import CheckpointError, IndexTTS2Error
from .config_check import check_config
from .find import CONFIG_NAME, find_checkpoints
from .foreign_keys import model_names
from .generation import VOCABULARY_SUFFIX, is_zip
from .parts import GROUPS, part_of
from .tensors import is_safetensors, read_section

if TYPE_CHECKING:
    from .opened import Checkpoint

logger = logging.getLogger(__name__)

TEXT_TABLE = "text_embedding.weight"
OFFICIAL_KIND, PLAIN_KIND = "official", "plain"

T2S_PART = "t2s"


def fitted(config: Config, files: Mapping[str, tuple[Path, ...]], said: Collection[str]) -> Config:
    """The configuration as the tokenizer and the text table of the folder show it. said: keys of its config.yaml."""
    tokens = vocabulary_size(config, files)
    if tokens is None:
        return config
    rows = table_rows(config, files)
    if rows is not None and rows - 1 != config.t2s.text_tokens and tokens in (rows - 1, rows):
        logger.info("The vocabulary has %d tokens, not %d as the configuration says.", rows - 1, config.t2s.text_tokens)
        config = replace(config, t2s=replace(config.t2s, text_tokens=rows - 1))
    if "text.kind" not in said and config.text.kind == OFFICIAL_KIND and _is_plain(files["tokenizer"][0]):
        config = replace(config, text=replace(config.text, kind=PLAIN_KIND))
    return config


def check_vocabulary(config: Config, files: Mapping[str, tuple[Path, ...]]) -> None:
    """Raises CheckpointError where text table, tokenizer and configuration do not belong together."""
    rows, tokens = table_rows(config, files), vocabulary_size(config, files)
    if rows is None or tokens is None:
        return
    if rows - 1 != config.t2s.text_tokens or tokens > rows:
        raise CheckpointError(
            f"The text table of {files[T2S_PART][0]} has {rows} rows, the tokenizer {files['tokenizer'][0].name} has "
            f"{tokens} tokens, and config.yaml says {config.t2s.text_tokens}. The table should have one row more than "
            "there are tokens; use tokenizer, weights and configuration of one training run."
        )


def table_rows(config: Config, files: Mapping[str, tuple[Path, ...]]) -> int | None:
    """Rows of the text table, where the file tells shapes without being read whole; None otherwise."""
    path = files[T2S_PART][0] if T2S_PART in files else None
    if path is None or not (is_safetensors(path) or is_zip(path)):
        return None
    row = part_of(T2S_PART, config)
    try:
        tensors = read_section(path, row.sections)
    except CheckpointError:  # said when it is loaded
        return None
    names = model_names(tensors, path, row.anchor)
    return next((value.shape[0] for key, value in tensors.items() if names[key] == TEXT_TABLE), None)


def vocabulary_size(config: Config, files: Mapping[str, tuple[Path, ...]]) -> int | None:
    """Tokens of the folder's tokenizer; None where there is none, or none that can be read."""
    from ..text.byte_pairs import BytePairVocabulary
    from ..text.multilingual import special_tokens
    from ..text.tokenizer import TextTokenizer

    if "tokenizer" not in files:
        return None
    path = files["tokenizer"][0]
    try:
        if path.suffix == VOCABULARY_SUFFIX:
            return len(BytePairVocabulary(path, special_tokens()))
        return len(TextTokenizer(path))
    except CheckpointError:  # said when it is loaded
        return None


def _is_plain(path: Path) -> bool:
    from ..text.plain import is_plain
    from ..text.tokenizer import TextTokenizer

    return is_plain(TextTokenizer(path))


def with_base(
    checkpoint: Checkpoint, named: str, roots: Iterable[Path], opened: Callable[[Path], Checkpoint]
) -> Checkpoint:
    """The checkpoint with the parts it lacks from a base: one that is named, or one that is found for T2S weights.

    named: folder or name of the base, "" to look for one beside the folder and in `roots`. Raises CheckpointError for
    a named base that does not fit. opened: opens a folder without a base of its own.
    """
    lacking = checkpoint.missing
    if lacking and named:
        joined = _joined(checkpoint, opened(_named_base(checkpoint, named, roots)), lacking)
        if T2S_PART in lacking:  # a file that was meant to be it may be another
            _tell(joined)
        return joined
    if not lacking or T2S_PART in lacking:
        return checkpoint
    for folder in _candidates(checkpoint.folder, roots):
        try:
            joined = _joined(checkpoint, opened(folder), lacking)
        except IndexTTS2Error as error:
            logger.debug("%s is no base of %s: %s", folder, checkpoint.folder, error)
            continue
        _tell(joined)
        return joined
    return checkpoint


def _tell(joined: Checkpoint) -> None:
    base = joined.base.folder if joined.base else ""
    logger.warning("%s lacks %s, taken from %s.", joined.folder.name, ", ".join(joined.from_base), base)


def _named_base(checkpoint: Checkpoint, named: str, roots: Iterable[Path]) -> Path:
    from .find import checkpoint_folder

    beside = checkpoint.folder / named
    return beside if os.path.isdir(beside) else checkpoint_folder(named, roots)


def _candidates(folder: Path, roots: Iterable[Path]) -> list[Path]:
    """Folders that may be a base: those above and beside it first, then what is found elsewhere."""
    own = folder.resolve()
    near = [own.parent, *sorted(path for path in own.parent.glob("*") if path.is_dir())]
    known = [path for path in near if (path / CONFIG_NAME).is_file()]
    known += [found.folder for found in find_checkpoints(roots)]
    return [path for path in dict.fromkeys(known) if path.resolve() != own]


def _joined(checkpoint: Checkpoint, base: Checkpoint, lacking: tuple[str, ...]) -> Checkpoint:
    """Raises CheckpointError where the base lacks these parts too, or was made for another kind of T2S."""
    absent = [part for part in lacking if part not in base.files]
    if absent:
        raise CheckpointError(f"The base checkpoint {base.folder} lacks {', '.join(absent)} as well.")
    mine, other = checkpoint.config, base.config
    if (mine.s2m.content, mine.t2s.dim, mine.codec.codebook_size) != (
        other.s2m.content,
        other.t2s.dim,
        other.codec.codebook_size,
    ):
        raise CheckpointError(
            f"The base checkpoint {base.folder} ({other.name}) does not fit {checkpoint.folder} ({mine.name}): the "
            "text-to-semantic models differ in kind or size. Name another one under 'base' in its config.yaml."
        )
    sections = {name for part in lacking for name in part_of(part, other).config_sections}
    config = replace(mine, **{name: getattr(other, name) for name in sections})
    check_config(config)
    files = {**checkpoint.files, **{part: base.files[part] for part in lacking}}
    marks = {
        group: getattr(base.fingerprints, group)
        for group in {part_of(part, other).group for part in lacking}
        if group in GROUPS and (group != T2S_PART or T2S_PART in lacking)
    }
    return replace(
        checkpoint,
        config=config,
        files=files,
        base=base,
        from_base=lacking,
        fingerprints=replace(checkpoint.fingerprints, **marks),
        licence=f"{checkpoint.licence}; of the base: {base.licence}",
    )
