"""Hydra composition: override words -> one resolved plain mapping. The only file that touches a DictConfig."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra import main as hydra_main
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mmser.core.configs import config_dir, config_names, load_config
from mmser.core.errors import MmserError, UsageError
from mmser.core.saved import read_saved_yaml
from mmser.core.trust import check_config

SHORT = {"seed": "seeds"}
"""`seed=3` is short for `seeds=[3]`."""

INTERCHANGEABLE = ("encoder", "fusion", "head", "objective", "optimizer", "scheduler")
"""Config groups of which a word may put one member into the place of another."""


def compose(config_name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Compose ``configs/<config_name>.yaml`` with Hydra overrides and resolve every interpolation.

    Raises UsageError for an unknown key, config or malformed word.
    """
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            config = hydra_compose(config_name, overrides=[*map(_expanded, overrides)])
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as error:
        cause = error.__cause__ or error
        reason = f"{error}".strip() if error.__cause__ is None else f"{error} ({cause})"
        raise UsageError(
            f"overrides that fit configs/{config_name}.yaml", reason, "`mmser list` prints the names; see docs/."
        ) from error
    require_mapping(resolved)
    return without_leftovers(resolved, overrides)  # type: ignore[arg-type]


def built(config: Mapping[str, Any]) -> Any:
    """What a config names by ``_target_``, and everything named inside it.

    Raises the MmserError with which a part refused its arguments, or one saying what could not be found or called, or
    may not be (`mmser.core.trust`).
    """
    check_config(config)
    try:
        return instantiate(dict(config), _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, MmserError):
            raise error.__cause__ from error
        raise MmserError(
            "parts that can be found and built",
            " ".join(str(error).split()),
            "Correct their arguments. A class written in a notebook or script (__main__) is known there alone: run the "
            "cell that defines it (its text is in the run's folder, parts/), or move it into a file that Python can "
            "import.",
        ) from error


def without_leftovers(config: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A part that a word chooses (``fusion@model.fusion=gated``, ``optimizer=sgd``) keeps only the arguments it knows.

    Hydra would hand it those that the system had set for its own part. What a word sets stays, known or not.
    """
    asked = {word.lstrip("+").partition("=")[0] for word in overrides}
    for word in overrides:
        choice, _, name = word.lstrip("+").partition("=")
        group, _, place = choice.partition("@")
        if group not in INTERCHANGEABLE:
            continue
        place = place or group
        *parents, last = place.split(".")
        parent = reduce(lambda node, key: node.get(key, {}), parents, config)
        known = load_config(group, name)
        if last in parent:
            part = parent[last].items()
            parent[last] = {key: value for key, value in part if key in known or f"{place}.{key}" in asked}
    return config


def require_mapping(config: Any) -> None:
    """Raise UsageError unless ``config`` is a mapping."""
    if not isinstance(config, dict):
        raise UsageError("a mapping", type(config).__name__, "Check the YAML file.")


def _expanded(word: str) -> str:
    key, sign, value = word.partition("=")
    return f"{SHORT[key]}=[{value}]" if sign and key in SHORT else word


def chosen(overrides: Sequence[str], group: str) -> str | None:
    """The name an override chooses for a config group, e.g. ``corpus=meld`` -> "meld"; None when unnamed."""
    names = [value for key, _, value in (word.partition("=") for word in overrides) if key == group]
    return names[-1] if names else None


def default_protocol(corpus: str) -> str:
    """The protocol config that says ``default: true`` for a corpus config's name. Raises UsageError without one."""
    for name in config_names("protocol"):
        config = load_config("protocol", name)
        if config.get("corpus") == corpus and config.get("default"):
            return name
    fitting = [name for name in config_names("protocol") if load_config("protocol", name).get("corpus") == corpus]
    raise UsageError(f"protocol=NAME for the corpus {corpus}", "none", f"Known: {', '.join(fitting) or 'none yet'}.")


def listed(overrides: Sequence[str], key: str) -> list[str]:
    """The value of a list override such as ``extractors=[mfcc40,glove]``."""
    text = chosen(overrides, key)
    value = yaml.safe_load(text) if text else []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A saved config as a plain mapping. Raises MmserError when there is none, or it is damaged."""
    file = Path(path)
    if not file.is_file():
        raise UsageError("a saved config", f"no file {file}", "Name <run>/config.yaml.")
    return read_saved_yaml(file)


def merged(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A saved config with KEY=VALUE overrides applied; a key it does not have is a UsageError."""
    tree = OmegaConf.create(dict(config))
    OmegaConf.set_struct(tree, True)
    try:
        merged_tree = OmegaConf.merge(tree, OmegaConf.from_dotlist([*map(_expanded, overrides)]))
    except OmegaConfBaseException as error:
        raise UsageError("overrides of keys the saved config has", str(error), "Look into the file.") from error
    resolved = OmegaConf.to_container(merged_tree, resolve=True)
    return resolved  # type: ignore[return-value]


def sweep(config_name: str, overrides: Sequence[str], job: Callable[[dict[str, Any]], float]) -> None:
    """Call ``job`` for every combination of comma-separated override values, through Hydra's own sweeper.

    Sweeper and launcher plug-ins (Optuna, Slurm) are chosen by ``hydra/sweeper=...`` and ``hydra/launcher=...``; what
    ``job`` returns is the number such a sweeper optimises.
    """

    @hydra_main(config_path=str(config_dir()), config_name=config_name, version_base="1.3")
    def one(config: DictConfig) -> float:
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        return job(without_leftovers(resolved, HydraConfig.get().overrides.task))  # type: ignore[arg-type]

    words, sys.argv = sys.argv, ["mmser", "--multirun", *map(_expanded, overrides)]
    try:
        one()
    finally:
        sys.argv = words
