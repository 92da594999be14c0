"""What a model folder from anywhere may ask for: parts of `mmser.models` and plain values.

Stricter than `mmser.core.trust`, which every config meets when it is built: what a ``_target_``
names must be a torch module that a file of `mmser.models` defines, whatever the user trusts, and no
value may name a place. Nothing that runs or reads can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmser.core.errors import MmserError
from mmser.core.trust import IMPLEMENTATIONS, MODELS, find_part
from mmser.core.weights import RANDOM

HYDRA = {"_target_", "_partial_", "_convert_"}


def check_components(node: Any, where: str = "model") -> None:
    """Raise MmserError unless ``node`` has components of mmser and plain values alone."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            _check_key(key, value, f"{where}.{key}")
            check_components(value, f"{where}.{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            check_components(value, f"{where}[{place}]")
    else:
        check_plain(node, where)


def check_plain(value: Any, where: str) -> None:
    """Raise MmserError unless ``value`` is plain.

    That is a number, a truth value, null, or a word that names no place.
    """
    if isinstance(value, str) and (set(value) & set("/\\~") or "${" in value or ".." in value):
        raise _refused("a plain word", where, value)
    if not isinstance(value, str | int | float | bool | None):
        raise _refused("a plain value", where, type(value).__name__)


def check_values(node: Any, where: str) -> None:
    """`check_components` for a place without components: mappings hold values alone."""
    if isinstance(node, Mapping):
        words = [key for key in map(str, node) if key.startswith("_")]
        if words:
            raise _refused("values alone", where, ", ".join(words))
        for key, value in node.items():
            check_values(value, f"{where}.{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            check_values(value, f"{where}[{place}]")
    else:
        check_plain(node, where)


def _check_key(key: Any, value: Any, where: str) -> None:
    if not isinstance(key, str):
        raise _refused("a name", where, repr(key))
    if key == "_target_":
        _check_target(value, where)
    elif key.startswith("_") and key not in HYDRA:
        raise _refused(f"none of Hydra's words but {', '.join(sorted(HYDRA))}", where, key)
    elif key == "weights" and isinstance(value, str) and value != RANDOM:
        raise _refused(f"weights {RANDOM}: the folder's own are read afterwards", where, value)
    elif any(word in key for word in IMPLEMENTATIONS):
        raise _refused("no option that chooses code", where, key)


def _check_target(target: Any, where: str) -> None:
    try:
        is_component = issubclass(find_part(target, where, (MODELS,), own=False), nn.Module)
    except MmserError:
        is_component = False
    if not is_component:
        raise _refused("a part of mmser.models", where, f"{target!r}")


def _refused(expected: str, where: str, found: str) -> MmserError:
    return MmserError(
        f"{expected} at {where} of config.json",
        found,
        "A model folder may only name parts of mmser and plain values; nothing of it was loaded.",
    )
