"""``info.json`` of a store: what made it, and whether it is finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmser.cache.layout import INFO, split_store_name
from mmser.cache.remedy import rebuild
from mmser.core.errors import MmserError

_REQUIRED = {
    "extractor": str,
    "class": str,
    "version": int,
    "parameters": dict,
    "fingerprint": str,
    "dtype": str,
}
_OPTIONAL = {
    "transcript": dict | None,
    "feature_shape": list | None,
    "random_weights": bool,
    "ok": int | None,
    "failed": int | None,
    "complete": bool,
    "share": str,
}


def read_info(directory: Path) -> dict[str, Any]:
    """The facts of a store.

    Raises MmserError when the file is missing, no JSON, or not what preprocessing writes.
    """
    path = directory / INFO
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MmserError(f"a readable {path}", str(error), rebuild(directory)) from error
    problem = _problem(content, directory)
    if problem:
        raise MmserError(f"{path} as preprocessing writes it", problem, rebuild(directory))
    return content


def _problem(content: Any, directory: Path) -> str:
    """What is wrong, "" when nothing is."""
    if not isinstance(content, dict):
        return f"a {type(content).__name__} where facts are expected"
    for key, kind in _REQUIRED.items():
        if not isinstance(content.get(key), kind):
            return f"{key}={content.get(key)!r}"
    for key, optional in _OPTIONAL.items():
        if key in content and not isinstance(content[key], optional):
            return f"{key}={content[key]!r}"
    if content.get("transcript") and not isinstance(content["transcript"].get("source"), str):
        return f"transcript={content['transcript']!r}"
    store_name = split_store_name(directory.name)
    if store_name and store_name[1] != content["fingerprint"]:
        return f"fingerprint {content['fingerprint']} in the folder {directory.name}"
    return ""
