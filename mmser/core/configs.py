"""The registry: ``configs/<group>/<name>.yaml``.

It is read as plain YAML, so that listing needs no heavy library.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from mmser.core.errors import UsageError

SELF = "_self_"
"""The place of a config's own content in its defaults list, always the last."""

FEW = 12
"""Names that an error lists."""


def config_dir() -> Path:
    """The configs folder: inside the package of a wheel, beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "configs"
    return shipped if shipped.is_dir() else package.parent / "configs"


def config_names(group: str) -> list[str]:
    """Names of every config of a group, sorted."""
    return sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))


def load_config(group: str, name: str) -> dict[str, Any]:
    """The mapping of one config, with the configs of its group that its defaults list names.

    They are merged as Hydra does it; no interpolation is resolved.

    ``defaults`` keeps the choices of other groups (``{/fusion@model.fusion: gated}``), the parents'
    first. Raises UsageError, with the nearest names, when there is none.
    """
    own = _read(group, name)
    entries = own.pop("defaults", [])
    choices: list[dict[str, str]] = []
    merged: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, dict):
            choices.append(entry)
        elif entry != SELF:
            parent = _load_parent(group, entry)
            choices = [*parent.pop("defaults", []), *choices]
            merged = _over(merged, parent)
    # Every defaults list ends with `_self_`, or has no parents.
    merged = _over(merged, own)
    return {"defaults": choices, **merged} if choices else merged


def _read(group: str, name: str) -> dict[str, Any]:
    import yaml

    path = config_dir() / group / f"{name}.yaml"
    if not path.is_file():
        raise unknown_name(group, name, config_names(group))
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def _load_parent(group: str, entry: str) -> dict[str, Any]:
    """A parent from a defaults list.

    It is ``gated``, or ``counts/meld7@_here_`` in a folder of the group.
    """
    folder, _, name = entry.removesuffix("@_here_").rpartition("/")
    return load_config(f"{group}/{folder}" if folder else group, name)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``above`` over ``below``, key by key in every mapping."""
    merged = dict(below)
    for key, value in above.items():
        old: Any = merged.get(key)
        deep = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _over(old, value) if deep else value
    return merged


def unknown_name(group: str, name: str, names: list[str]) -> UsageError:
    """The error for a name that is not among ``names``, suggesting the nearest ones."""
    article = "an" if group[0] in "aeio" else "a"
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {shortened(names)}."
    return UsageError(f"the name of {article} {group}", f"'{name[:60]}'", hint)


def shortened(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    first = ", ".join(names[:FEW]) or "none"
    if len(names) <= FEW:
        return first
    return f"{first} and {len(names) - FEW} more (`mmser list`)"
