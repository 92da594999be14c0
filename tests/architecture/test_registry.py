"""The config is the registry, in both directions: every target exists, every plug-in class has a
config.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mmser.core.configs import config_dir

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(config_dir().rglob("*.yaml"))


def has(method: str) -> Callable[[type], bool]:
    return lambda made: hasattr(made, method) and not inspect.isabstract(made)


def answers(noun: str) -> Callable[[type], bool]:
    """A module whose ``forward`` returns that noun."""
    return lambda made: (
        "forward" in vars(made) and made.forward.__annotations__.get("return") == noun
    )


def built_with(*names: str) -> Callable[[type], bool]:
    return lambda made: (
        "__init__" in vars(made) and set(names) <= set(inspect.signature(made).parameters)
    )


# Where the plug-ins of a group live, and what marks a class there as one: what its contract asks
# for.
ROOMS: dict[str, tuple[str, Callable[[type], bool]]] = {
    "corpus": ("mmser/corpora", has("utterances")),
    "extractor": ("mmser/extractors", has("extract")),
    "transcriber": ("mmser/media/transcription", has("transcribe")),
    "aligner": ("mmser/extractors/alignment", has("align")),
    "encoder": ("mmser/models/encoders", answers("Stream")),
    "fusion": ("mmser/models/fusion", answers("Fused")),
    "head": ("mmser/models/heads", built_with("input_size", "task")),
    "loss": ("mmser/objectives/losses", built_with("task", "vector_size")),
    "paradigm": ("mmser/objectives/paradigms", built_with("task", "vector_size")),
    "solver": ("mmser/training/solvers", has("__call__")),
}

# Where the configs of a group lie, if not in a folder of its name.
CONFIG_GROUPS = {"loss": "objective", "paradigm": "objective"}


def targets(node: Any) -> Iterator[str]:
    """Every ``_target_`` of a config, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"]
        for value in node.values():
            yield from targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from targets(value)


def named(path: Path) -> str:
    return str(path.relative_to(config_dir()))


@pytest.mark.parametrize("path", CONFIGS, ids=named)
def test_every_target_exists(path: Path) -> None:
    for target in targets(yaml.safe_load(path.read_text(encoding="utf-8"))):
        module, _, attribute = target.rpartition(".")
        try:
            owner = importlib.import_module(module)
        except ModuleNotFoundError:  # a class method: the last part of the module is a class
            module, _, outer = module.rpartition(".")
            owner = getattr(importlib.import_module(module), outer)
        assert hasattr(owner, attribute), f"{target} does not exist"


@pytest.mark.parametrize("path", CONFIGS, ids=named)
def test_every_config_opens_with_the_command_that_uses_it(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines[1] if lines[0].startswith("# @package") else lines[0]
    assert head.startswith("# "), "a comment first"
    if path.parent.name == "system":
        assert f"system={path.stem}" in head


def classes_of(folder: Path) -> Iterator[type]:
    """Public classes defined in the files of a room."""
    for path in sorted(folder.rglob("*.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__ and not name.startswith("_"):
                yield found


@pytest.mark.parametrize("group", ROOMS)
def test_every_plugin_has_a_config(group: str) -> None:
    folder, is_plugin = ROOMS[group]
    text = "\n".join(path.read_text(encoding="utf-8") for path in config_dir().rglob("*.yaml"))
    used = set(re.findall(r"_target_:\s*([\w.]+)", text))
    plugins = [
        f"{made.__module__}.{made.__qualname__}"
        for made in classes_of(ROOT / folder)
        if is_plugin(made)
    ]
    assert plugins, f"no plug-in found in {folder}"
    missing = [f"`_target_: {name}`" for name in plugins if name not in used]
    place = f"configs/{CONFIG_GROUPS.get(group, group)}/<name>.yaml"
    assert not missing, f"no config names it; write {place} with {', '.join(missing)}"


@pytest.mark.parametrize(
    ("group", "method", "parameters"),
    [
        ("loss", "forward", ["self", "outputs", "batch"]),
        ("paradigm", "step", ["self", "model", "batch", "progress"]),
    ],
)
def test_losses_see_no_model_and_paradigms_make_steps(
    group: str, method: str, parameters: list[str]
) -> None:
    folder, is_plugin = ROOMS[group]
    plugins = [made for made in classes_of(ROOT / folder) if is_plugin(made)]
    found = {
        made.__name__: list(inspect.signature(vars(made)[method]).parameters) for made in plugins
    }
    assert found == dict.fromkeys(found, parameters)
