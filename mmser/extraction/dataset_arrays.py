"""Arrays in a folder of Hugging Face's `datasets` (``save_to_disk``), read by pyarrow alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mmser.core.clip import Features
from mmser.core.errors import MmserError, reason_of
from mmser.corpora.drafts.arrow_folder import arrow_files
from mmser.corpora.drafts.hugging_face import KEY

LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def read_dataset(folder: Path, column: str, spans: str, ids: str = "id") -> dict[str, Features]:
    """{utterance id: its array of ``column``}, with times where the dataset has them.

    A list of numbers is one step. Raises MmserError where there are no such columns or arrays.
    """
    found: dict[str, Features] = {}
    for path, _ in arrow_files(folder):
        try:
            for name, features in _rows(path, column, spans, ids):
                if name in found:
                    raise ValueError(f"{name} twice")
                found[name] = features
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise MmserError(
                f"the columns {ids} and {column} (arrays of numbers) in {path}",
                reason_of(error),
                "Name the array with --array.",
            ) from error
    return found


def _rows(path: Path, column: str, spans: str, ids: str) -> Iterator[tuple[str, Features]]:
    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
        told = (reader.schema.metadata or {}).get(KEY, b"{}")
        kinds = json.loads(told).get("info", {}).get("features", {})
        for batch in reader:
            for number, name in enumerate(batch.column(ids).to_pylist()):
                rate = (
                    batch.column("frame_rate")[number].as_py()
                    if _has(batch, "frame_rate")
                    else None
                )
                times = _array(batch, number, spans, kinds) if _has(batch, spans) else None
                values = _array(batch, number, column, kinds)
                if values is not None:
                    yield str(name), Features(values, rate, times)


def _array(
    batch: pa.RecordBatch, number: int, column: str, kinds: Mapping[str, Any]
) -> np.ndarray | None:
    """(time, *feature) of one row; None where it has none."""
    cells = batch.column(column)
    # `datasets` has types of its own for arrays, where it is loaded.
    cells = cells.storage if isinstance(cells, pa.ExtensionArray) else cells
    cell = cells.slice(number, 1)
    if cell.null_count:
        return None
    depths = []
    while any(is_list(cell.type) for is_list in LISTS):
        cell = cell.flatten()
        depths.append(len(cell))
    if not depths:
        raise ValueError(f"no lists of numbers in {column}")
    shape = kinds.get(column, {}).get("shape") or [None, -1]
    steps = 1 if len(depths) == 1 else depths[0]
    return np.array(cell.to_numpy(zero_copy_only=False)).reshape(steps, *shape[1:])


def _has(batch: pa.RecordBatch, column: str) -> bool:
    return column in batch.schema.names
