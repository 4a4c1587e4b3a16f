"""Configurations and text front ends that recipes name.

A recipe says `config: mini`, `config: FILE` or `config: CHECKPOINT`: the sizes of the mini, those of a config.yaml, or
those of a checkpoint in any layout. How text is read comes from there too.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..config import Config
from ..errors import CheckpointError, ConfigError
from ..loading.checkpoint import open_checkpoint
from ..loading.config_file import CONFIG_NAME, read_config
from ..text.front_end import FrontEnd, front_end_for
from .mini import MINI

MINI_NAME = "mini"
MADE_TOKENIZER = ".train/tokenizer/tokenizer.model"
"""File that `train tokenizer` of the recipes writes."""


def config_of(name: str) -> Config:
    """Configuration that a recipe names. Raises ConfigError."""
    if name == MINI_NAME:
        return MINI
    try:
        return read_config(Path(name)).config if os.path.isfile(Path(name)) else open_checkpoint(name).config
    except (CheckpointError, ConfigError) as error:
        raise ConfigError(
            f"The recipe's config should be {MINI_NAME}, a {CONFIG_NAME} or a checkpoint, but got '{name}'. {error}"
        ) from error


def front_end_of(config: Config, name: str, tokenizer: str = "") -> FrontEnd:
    """Text front end of a configuration. Raises ConfigError for a text kind, CheckpointError for a file that is not so.

    name: what the recipe called the configuration. tokenizer: the tokenizer's file, "" for that of the checkpoint
    `name`, or the one that the recipes make where that is none.
    """
    if not tokenizer and name != MINI_NAME and not os.path.isfile(Path(name)):
        checkpoint = open_checkpoint(name)
        checkpoint.require(["tokenizer"])
        tokenizer = str(checkpoint.files["tokenizer"][0])
    return front_end_for(config.text, tokenizer or MADE_TOKENIZER)
