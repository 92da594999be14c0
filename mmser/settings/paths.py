"""Which options are places on the disk, and where their relative paths begin.

The value of such an option is taken as it is written, from the folder where the run was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmser.core.paths import is_there

BASE = "base"
"""``paths.base`` of a run's config: the folder in which its relative paths began."""

ALWAYS = ("root", "weights_folder", "label_file", "detector")
"""Last names of keys that are places wherever they stand."""

TOP = ("cache", "run", "out", "word_vectors", "weights")
GROUPS = (
    "paths",
    "extractor",
    "transcriber",
    "aligner",
    "model",
    "stages",
    "data",
    "corpus",
    "protocol",
    "domains",
)
LOADED = ("weights", "folder", "model")
"""Last names of keys that are places in parts that load something.

``weights`` of an objective are numbers.
"""


def is_path(key: str) -> bool:
    """Whether the value of a dotted key, as in an override, is the path of a file or folder."""
    names = key.split(".")
    if names[-1] in ALWAYS or (len(names) == 1 and key in TOP):
        return True
    if names[0] == "paths" and len(names) == 2:
        return True
    if names[-1] not in LOADED or "objective" in names or len(names) < 2:
        return False
    if names[-1] == "model":
        return names[0] in ("transcriber", "aligner")
    return (
        names[0] in ("extractor", "transcriber", "aligner")
        or "encoders" in names
        or "augmentation" in names
    )


def with_base(settings: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The settings with the folder in which their relative paths begin."""
    return {**settings, "paths": {**(settings.get("paths") or {}), BASE: str(base)}}


def rooted(settings: dict[str, Any], here: Path) -> dict[str, Any]:
    """The settings of a run, with paths as they are from the folder ``here``.

    What lies in the folder where the run was made is found there. A path of which nothing lies
    there (the run was moved, or made by an earlier version) stays as it is.
    """
    base = (settings.get("paths") or {}).get(BASE)
    if not isinstance(base, str) or Path(base) == here:
        return settings
    here_settings: dict[str, Any] = _rooted(settings, "", Path(base))
    return here_settings


def _rooted(node: Any, key: str, base: Path) -> Any:
    if isinstance(node, Mapping):
        prefix = f"{key}." if key else ""
        return {name: _rooted(value, f"{prefix}{name}", base) for name, value in node.items()}
    if isinstance(node, list):
        return [_rooted(item, key, base) for item in node]
    if isinstance(node, str) and is_path(key) and node and is_there(base / node, Path.exists):
        return str(base / node)
    return node
