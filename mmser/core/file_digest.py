"""The digest of a file or a folder, computed once."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_SIDECAR_FROM = 64 * 2**20
_CHUNK = 8 * 2**20


def digest(path: Path) -> str:
    """sha256 of a file, or of all files of a folder with their names.

    It is computed once per (size, time of change). For large files it is kept in
    ``<name>.sha256.json`` beside the file where that folder may be written.
    """
    if path.is_file():
        state = path.stat()
        return _file_digest(path.resolve(), state.st_size, state.st_mtime_ns)
    whole = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        # Neither hidden files nor digests stored by an earlier call are content.
        is_content = not name.startswith(".") and not name.endswith(".sha256.json")
        if is_content and file.is_file():
            whole.update(f"{name}\0{digest(file)}\n".encode())
    return whole.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, changed_ns: int) -> str:
    sidecar = path.with_name(path.name + ".sha256.json")
    key = {"size": size, "changed_ns": changed_ns}
    if size >= _SIDECAR_FROM and sidecar.is_file():
        with suppress(ValueError, KeyError):
            record = json.loads(sidecar.read_text(encoding="utf-8"))
            if {name: record[name] for name in key} == key:
                return str(record["sha256"])
    value = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            value.update(chunk)
    if size >= _SIDECAR_FROM:
        with suppress(OSError):
            sidecar.write_text(json.dumps({"sha256": value.hexdigest(), **key}), encoding="utf-8")
    return value.hexdigest()
