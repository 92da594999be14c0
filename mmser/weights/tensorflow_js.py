"""Weights as TensorFlow.js stores them: a manifest (JSON) and one binary file, some quantised.

The manifest is a list by itself, or a part of the JSON of a whole graph.
"""

from __future__ import annotations

import json
import math
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmser.core.errors import MmserError

_BYTES = {"float32": 4, "float16": 2, "int32": 4, "uint8": 1, "uint16": 2, "bool": 1}


def read_tensors(manifest: Path, binary: Path) -> dict[str, Tensor]:
    """{name: float32 tensor}, in TensorFlow's layout; what is quantised as scale * number + min.

    Raises MmserError when the two files do not fit each other.
    """
    stored = json.loads(manifest.read_text(encoding="utf-8"))
    groups = stored["weightsManifest"] if isinstance(stored, dict) else stored
    entries = list(chain.from_iterable(group["weights"] for group in groups))
    content = binary.read_bytes()
    tensors, start = {}, 0
    for entry in entries:
        values, start = _values(entry, content, start, binary)
        tensors[str(entry["name"])] = torch.from_numpy(values)
    if start != len(content):
        raise _unfit(binary, f"{len(content)} bytes where the manifest has {start}")
    return tensors


def _values(
    entry: dict[str, Any], content: bytes, start: int, binary: Path
) -> tuple[np.ndarray, int]:
    """The values of one entry, and where the next one starts."""
    quantisation = entry.get("quantization", {})
    stored = quantisation.get("dtype", entry["dtype"])
    if stored not in _BYTES:
        raise _unfit(binary, f"numbers of kind '{stored}'")
    count = math.prod(entry["shape"])
    end = start + count * _BYTES[stored]
    if end > len(content):
        raise _unfit(binary, f"{len(content)} bytes, {end} or more wanted")
    dtype = np.dtype("uint8" if stored == "bool" else stored).newbyteorder("<")
    numbers = np.frombuffer(content, dtype, count, start).astype(np.float32)
    if "scale" in quantisation:
        scale, least = np.float32(quantisation["scale"]), np.float32(quantisation["min"])
        numbers = numbers * scale + least
    return numbers.reshape(entry["shape"]).copy(), end


def _unfit(binary: Path, found: str) -> MmserError:
    return MmserError(
        "the binary file of a TensorFlow.js manifest",
        f"{binary}: {found}",
        "Take both files from the same package.",
    )
