"""Weights of pretrained extractors: a local path, a hub id with a pinned revision, or ``random``."""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError

RANDOM = "random"
"""What a user writes to get a seeded random initialisation; every artefact made from it says so."""

_SIDECAR_FROM = 64 * 2**20
_CHUNK = 8 * 2**20


def is_random(weights: str) -> bool:
    """Whether random weights were asked for by name."""
    return weights == RANDOM


def local_weights(weights: str, what: str, download: str) -> Path:
    """The existing file or folder that ``weights`` names.

    Raises MmserError saying what to download, from where, and where to put it.
    """
    path = Path(weights).expanduser()
    if path.exists():
        return path
    raise missing_weights(what, str(path), download)


def missing_weights(what: str, found: str, download: str) -> MmserError:
    """The error for pretrained weights that are not on this machine."""
    return MmserError(
        f"the weights of {what}",
        f"nothing at {found}",
        f"Download {download} and put it there, or set `weights` to where it is "
        "(the folder of all weights is `paths.weights`); `weights=random` runs without, and marks all it makes.",
    )


def digest(path: Path) -> str:
    """sha256 of a file, or of all files of a folder with their names; computed once per (size, time of change).

    For large files it is kept in ``<name>.sha256.json`` beside the file where that folder may be written.
    """
    if path.is_file():
        state = path.stat()
        return _file_digest(path.resolve(), state.st_size, state.st_mtime_ns)
    whole = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if file.is_file() and not relative.as_posix().startswith(".") and not file.name.endswith(".sha256.json"):
            whole.update(f"{relative.as_posix()}\0{digest(file)}\n".encode())
    return whole.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, changed_ns: int) -> str:
    sidecar = path.with_name(path.name + ".sha256.json")
    key = {"size": size, "changed_ns": changed_ns}
    if size >= _SIDECAR_FROM and sidecar.is_file():
        with suppress(ValueError, KeyError):
            known = json.loads(sidecar.read_text(encoding="utf-8"))
            if {name: known[name] for name in key} == key:
                return str(known["sha256"])
    value = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            value.update(chunk)
    if size >= _SIDECAR_FROM:
        with suppress(OSError):
            sidecar.write_text(json.dumps({"sha256": value.hexdigest(), **key}), encoding="utf-8")
    return value.hexdigest()


def tensors_of(path: Path, without: str | None = None) -> dict[str, Any]:
    """The tensors in a .safetensors or .pth file, less those whose name starts with ``without``.

    A fairseq checkpoint holds them under ``model``, beside its command line.
    """
    from mmser.models.layers.checkpoint import read_tensors

    state = read_tensors(path, also=[Namespace])
    return {name: tensor for name, tensor in state.items() if without is None or not name.startswith(without)}
