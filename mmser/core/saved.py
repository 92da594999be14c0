"""Configs and records in YAML and JSON, read with bounds: the file may be somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.core.moved_names import with_current_names

YAML_BYTES, JSON_BYTES = 2**20, 2**26
"""The largest config of a system takes 20 kB; a record with ten thousand annotators, 1 MB."""

DEPTH, NODES = 100, 1_000_000


def read_saved_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises MmserError when it is no mapping, is damaged, is larger than any config, or holds an
    interpolation: what is saved is resolved, and ``${oc.env:...}`` would reveal an environment
    variable of this machine. Parts that have moved since then get their present names.
    """
    import yaml

    content = _read(path, YAML_BYTES, yaml.safe_load, yaml.YAMLError)
    if not isinstance(content, dict):
        raise _damaged(path, f"{type(content).__name__} instead of a mapping")
    _refuse_interpolations(content, path)
    config: dict[str, Any] = with_current_names(content)
    return config


def read_saved_json(path: Path) -> Any:
    """What a JSON file holds, which need not be a mapping.

    Raises MmserError when it is damaged or larger than any record.
    """
    return _read(path, JSON_BYTES, json.loads, ValueError)


def _read(path: Path, largest: int, parse: Callable[[str], Any], wrong: type[Exception]) -> Any:
    if path.stat().st_size > largest:
        raise _damaged(path, f"{path.stat().st_size} bytes where {largest} are plenty")
    try:
        content = parse(path.read_text(encoding="utf-8"))
        nodes = _size(content, DEPTH, {})
    except (wrong, ValueError, RecursionError) as error:
        raise _damaged(path, " ".join(str(error).split())[:300] or type(error).__name__) from error
    if nodes > NODES:
        raise _damaged(path, f"more than {NODES:,} values")
    return content


def _size(node: Any, depth: int, sizes: dict[int, int]) -> int:
    """How many values a tree holds, repetitions counted.

    A list that holds itself is deeper than any ``depth``.
    """
    if not isinstance(node, Mapping | list):
        if not isinstance(node, str | int | float | bool | None):
            raise ValueError(f"a plain value was expected, not {type(node).__name__} {node}")
        return 1
    if not depth:
        raise ValueError(f"nested more than {DEPTH} deep")
    # In YAML one list can stand in many places: it is counted through once.
    if id(node) not in sizes:
        children = node.values() if isinstance(node, Mapping) else node
        sizes[id(node)] = 1 + sum(_size(child, depth - 1, sizes) for child in children)
    return sizes[id(node)]


def _refuse_interpolations(node: Any, path: Path) -> None:
    if isinstance(node, Mapping):
        for key, value in node.items():
            _refuse_interpolations(key, path)
            _refuse_interpolations(value, path)
    elif isinstance(node, list):
        for item in node:
            _refuse_interpolations(item, path)
    elif isinstance(node, str) and "${" in node:
        raise MmserError(f"plain values in {path}", f"'{node[:100]}'", "Write what it stands for.")


def _damaged(path: Path, found: str) -> MmserError:
    return MmserError(f"an undamaged {path}", found, "Get the folder again from where it came.")
