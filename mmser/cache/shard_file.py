"""Writing arrays as one safetensors file, from where they lie in memory: none is copied.

The bytes are those of the library's own `save`, which would hold the whole file twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mmser.cache.atomic import written_aside

_NAMES = {"f2": "F16", "i4": "I32", "f4": "F32", "i8": "I64"}
_ORDER = {name: place for place, name in enumerate(("I64", "F32", "I32", "F16"))}
"""The library puts wider types first, so that every array is aligned."""
_ALIGNMENT = 8


def write_arrays(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
    digested: bool = True,
) -> str:
    """Write a file whole or not at all; its SHA-256, hexadecimal, where it is to be ``digested``.

    As `contents_of` the arrays and ``metadata``.
    """
    return write_contents(path, contents_of(arrays, metadata), digested)


def contents_of(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> list[memoryview | bytes]:
    """The bytes of a file, piece by piece; those of the arrays are where they lie in memory.

    The arrays are of the types that caches store. Of several ``metadata`` the library would write
    the order at random; one is usual.
    """
    kinds = {key: _NAMES[array.dtype.str[1:]] for key, array in arrays.items()}
    keys = sorted(arrays, key=lambda key: (_ORDER[kinds[key]], key.encode()))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for key in keys:
        end = at + arrays[key].nbytes
        shape = list(arrays[key].shape)
        header[key] = {"dtype": kinds[key], "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return [len(text).to_bytes(8, "little"), text, *(_bytes(arrays[key]) for key in keys)]


def write_contents(path: Path, contents: Sequence[memoryview | bytes], digested: bool) -> str:
    """Write `contents_of` a file, as `write_arrays` does."""
    with ThreadPoolExecutor(1, thread_name_prefix="digest") as other:
        digest = other.submit(_digest, contents) if digested else None
        with written_aside(path) as aside, aside.open("wb") as file:
            for content in contents:
                file.write(content)
            file.flush()
        return digest.result() if digest else ""


def _bytes(array: np.ndarray) -> memoryview | bytes:
    # An array without a value has no memory to be seen as bytes.
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.nbytes else b""


def _digest(contents: Sequence[memoryview | bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()
