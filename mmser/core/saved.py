"""What a run or a model says of itself in YAML and JSON, read with bounds: the file may be somebody
else's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.core.moved_names import with_current_names

YAML_BYTES, JSON_BYTES = 2**20, 2**26
"""The largest config of a system takes 20 kB; a fold's record with ten thousand
annotators, 1 MB.
"""

DEPTH, NODES = 100, 1_000_000


def read_saved_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises MmserError when it is none, is damaged, or is larger than
    any config.

    So does an interpolation: what is saved is resolved, and ``${oc.env:...}`` would tell what this
    machine knows. Parts that have moved since are named as they are today.
    """
    import yaml

    content = _read(path, YAML_BYTES, yaml.safe_load, yaml.YAMLError)
    if not isinstance(content, dict):
        raise _damaged(path, f"{type(content).__name__} instead of a mapping")
    _refuse_interpolations(content, path)
    config: dict[str, Any] = with_current_names(content)
    return config


def read_saved_json(path: Path) -> Any:
    """What a JSON file holds. Raises MmserError as `read_saved_yaml` does, but for a mapping that
    is none.
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
    if nodes > NODES:  # written out: in YAML, one list can stand in many places
        raise _damaged(path, f"more than {NODES:,} values")
    return content


def _size(node: Any, depth: int, known: dict[int, int]) -> int:
    """How many values a tree holds, repetitions counted; a list that holds itself is deeper than
    any ``depth``.
    """
    if not isinstance(node, Mapping | list):
        if not isinstance(node, str | int | float | bool | None):
            raise ValueError(f"a plain value was expected, not {type(node).__name__} {node}")
        return 1
    if not depth:
        raise ValueError(f"nested more than {DEPTH} deep")
    if id(node) not in known:
        parts = node.values() if isinstance(node, Mapping) else node
        known[id(node)] = 1 + sum(_size(part, depth - 1, known) for part in parts)
    return known[id(node)]


def _refuse_interpolations(node: Any, path: Path) -> None:
    if isinstance(node, Mapping | list):
        for part in [*node, *node.values()] if isinstance(node, Mapping) else node:
            _refuse_interpolations(part, path)
    elif isinstance(node, str) and "${" in node:
        raise MmserError(f"plain values in {path}", f"'{node[:100]}'", "Write what it stands for.")


def _damaged(path: Path, found: str) -> MmserError:
    return MmserError(f"an undamaged {path}", found, "Get the folder again from where it came.")
