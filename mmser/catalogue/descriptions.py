"""A line on what a config is: its own comment, or its class's docstring and what sets it apart."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmser.core.configs import config_dir, config_names, load_config

COMMAND = "mmser "
"""How the first comment of a config begins: a command that uses it."""


def description(group: str, name: str, config: Mapping[str, Any]) -> str:
    """The config's title, or the comment below its command, or its class's first sentence.

    With the last stand the arguments in which it differs from its class's other configs.
    """
    if config.get("title"):
        return str(config["title"])
    comment = comments(group, name)[1]
    if comment:
        return comment
    line = docstring_line(str(config.get("_target_", "")))
    apart = [f"{key} {_shown(value)}" for key, value in _own_arguments(group, name).items()]
    return " ".join([line, *([f"[{', '.join(apart)}]"] if apart else [])])


@cache
def comments(group: str, name: str) -> tuple[str, str]:
    """The command in a config's first line, and the comments right below it as one line."""
    lines = (config_dir() / group / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    top: list[str] = []
    for line in lines:
        if line.startswith("# @package"):
            continue
        if not line.startswith("#"):
            break
        top.append(line.removeprefix("#").strip())
    command = top.pop(0) if top and top[0].startswith(COMMAND) else ""
    return command, " ".join(top)


def _own_arguments(group: str, name: str) -> dict[str, Any]:
    """The plain arguments that not every config of the same class has alike."""
    config = load_config(group, name)
    kin = _by_target(group)[str(config.get("_target_", ""))]
    return {
        key: value
        for key, value in config.items()
        if not key.startswith("_")
        and isinstance(value, str | int | float)
        and "${" not in str(value)
        and any(other.get(key) != value for other in kin)
    }


@cache
def _by_target(group: str) -> dict[str, list[dict[str, Any]]]:
    """{class: its configs}."""
    kin: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in config_names(group):
        config = load_config(group, name)
        kin[str(config.get("_target_", ""))].append(config)
    return kin


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def docstring_line(target: str) -> str:
    """First docstring paragraph of the class (or else the module) that a ``_target_`` names.

    The source is parsed, not imported.
    """
    module, _, attribute = target.rpartition(".")
    package = Path(__file__).resolve().parents[1]
    parts = module.split(".")[1:]
    candidates = [
        package.joinpath(*parts).with_suffix(".py"),
        package.joinpath(*parts, "__init__.py"),
    ]
    source = next((path for path in candidates if parts and path.is_file()), None)
    if source is None:
        return target
    tree = ast.parse(source.read_text(encoding="utf-8"))
    named = [node for node in tree.body if getattr(node, "name", None) == attribute]
    documented = [node for node in named if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    text = (
        (ast.get_docstring(documented[0]) if documented else None)
        or ast.get_docstring(tree)
        or target
    )
    return " ".join(text.split("\n\n")[0].split())
