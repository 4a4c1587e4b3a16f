"""Training runs become a native checkpoint, part by part; parts that are not given stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ...atomic import copy_tree
from ...config import Config, FlowPlan
from ...errors import CheckpointError, TrainingError
from ...loading.checkpoint import empty_model, open_checkpoint
from ...loading.config_file import CONFIG_NAME, read_config
from ...loading.fingerprint import Fingerprints
from ...loading.native import About, write_native
from ...loading.parts import group_of, module_parts, part_of
from ...loading.tensors import check_names, check_numbers, read_section
from ..data.features import STATISTICS
from ..emotion.bank import BANK_FILE
from .state import MODULES, export_weights, load_state

PLAN = "flow"
"""Key of the identity of a run that distilled a flow: how it is solved."""


def export_checkpoint(
    folder: Path,
    runs: Mapping[str, Path],
    about: About,
    *,
    config: Config | None = None,
    bank: Path | None = None,
    tokenizer: Path | None = None,
    text_to_emotion: Path | None = None,
) -> Config:
    """Write the averaged weights of `runs` (part -> folder of its run) into a native checkpoint.

    config: None takes the folder's own. bank: a file of `write_bank`; its group sizes enter the configuration. The
    codec's run also gives the statistics. Fingerprints of the parts that are replaced change, those of others stay.
    Raises TrainingError without a finished run, CheckpointError where its weights do not fit the configuration.
    """
    config, marks = _before(folder, config)
    parts: dict[str, dict[str, Tensor]] = {}
    for part, run in runs.items():
        if part not in module_parts():
            raise TrainingError(f"There is no part '{part}' to export; known are {', '.join(module_parts())}.")
        parts[part] = _weights(part, run, config)
        if part == "s2m":
            config = with_flow_of(config, run)
        if part == "codec":
            parts["statistics"] = export_weights(run, STATISTICS)
    if bank is not None:
        parts["emotion_bank"] = read_section(bank)
        config = replace(config, emotion_bank=replace(config.emotion_bank, group_sizes=bank_group_sizes(bank)))
    replaced = {group_of(part) for part in (*parts, *(["tokenizer"] if tokenizer else []))}
    kept = Fingerprints(**{name: mark for name, mark in marks.items() if name not in replaced})
    if text_to_emotion is not None:
        copy_tree(text_to_emotion, folder / part_of("text_to_emotion", config).native_file(config), TrainingError)
    write_native(folder, config, parts, about, tokenizer=tokenizer, declared=kept)
    return config


def with_flow_of(config: Config, run: Path) -> Config:
    """The configuration with the plan by which a semantic-to-mel is solved that comes out of `run`.

    A distilled flow brings its own plan. What is not distilled keeps the plan from before; where that was the plan of a
    distilled flow, it gets the official one.
    """
    plan = config.s2m.defaults
    if (run / CONFIG_NAME).is_file():
        found = open_checkpoint(run).config.s2m.defaults
    else:
        state = load_state(run) or {}
        found = FlowPlan(**state.get("identity", {}).get(PLAN, {}))
    if found.distilled or plan.distilled:
        plan = found
    return replace(config, s2m=replace(config.s2m, defaults=plan))


def bank_group_sizes(path: Path) -> tuple[int, ...]:
    """Rows per emotion, out of the metadata of a bank's file. Raises CheckpointError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("group_sizes", "")
        return tuple(int(size) for size in text.split(","))
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} is not an emotion bank with group sizes: {error}. Make it again.") from error


def _before(folder: Path, config: Config | None) -> tuple[Config, dict[str, str]]:
    """The configuration to write with, and the fingerprints of the folder as it is."""
    if not (folder / CONFIG_NAME).is_file():
        if config is None:
            raise TrainingError(f"{folder} is no checkpoint yet, so a configuration is needed.")
        return config, {}
    file = read_config(folder / CONFIG_NAME)
    marks = dict(file.metadata.get("fingerprints", {}))
    if config is None:
        return file.config, marks
    if (folder / BANK_FILE).is_file():  # its rows are what the folder says, whatever the configuration asks for
        config = replace(
            config, emotion_bank=replace(config.emotion_bank, group_sizes=file.config.emotion_bank.group_sizes)
        )
    return config, marks


def _weights(part: str, run: Path, config: Config) -> dict[str, Tensor]:
    weights = export_weights(run, MODULES.get(part, part))
    check_names(empty_model(config, part), weights, run)
    check_numbers(weights, run)
    return {key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")}
