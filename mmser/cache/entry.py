"""One result on its way into a store: checked, cast, and described as an index row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmser.cache.index import FAILED, OK
from mmser.cache.rows import Row
from mmser.core.clip import Failure, FailureReason, Features


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What was made of one utterance, and the digest of the content it was made from."""

    id: str
    digest: str
    result: Features | Failure


def value_key(identifier: str) -> str:
    """Key of an utterance's values (time, *feature) inside its shard."""
    return f"values:{identifier}"


def span_key(identifier: str) -> str:
    """Key of an utterance's spans (time, 2) inside its shard."""
    return f"spans:{identifier}"


def dimension_text(shape: tuple[int, ...]) -> str:
    """The feature shape (without time) as text: "768", "3x64", "" for a bare sequence."""
    return "x".join(map(str, shape))


def prepare(entry: Entry, dtype: str, dimension: str | None) -> tuple[Row, dict[str, np.ndarray]]:
    """The index row and the tensors of one entry; unusable values become a failed row.

    ``dimension`` is what earlier entries of the store had, None for the first one.
    """
    result = entry.result
    if isinstance(result, Features):
        result = _checked(entry.id, result, dtype, dimension)
    if isinstance(result, Failure):
        return failed_row(entry, result), {}
    tensors = {value_key(entry.id): np.ascontiguousarray(result.values)}
    if result.spans is not None:
        tensors[span_key(entry.id)] = np.ascontiguousarray(result.spans, dtype=np.float32)
    row = _row(entry, OK) | {
        "key": value_key(entry.id),
        "length": len(result.values),
        "dimension": dimension_text(result.values.shape[1:]),
        "frame_rate": None if result.frame_rate is None else float(result.frame_rate),
        "spans": result.spans is not None,
        "notes": result.notes,
    }
    return row, tensors


def failed_row(entry: Entry, failure: Failure) -> Row:
    """A row of the failure ledger."""
    return _row(entry, FAILED) | {"error": failure.reason, "detail": failure.detail}


def _row(entry: Entry, status: str) -> Row:
    row: Row = {
        "id": entry.id,
        "shard": "",
        "key": "",
        "length": 0,
        "dimension": "",
        "frame_rate": None,
    }
    row |= {"status": status, "error": "", "detail": "", "spans": False, "notes": ""}
    return row | {"digest": entry.digest, "commit": 0, "checksum": ""}


def _checked(
    identifier: str, features: Features, dtype: str, dimension: str | None
) -> Features | Failure:
    """The features as they will be stored, or why they cannot be."""

    def failure(reason: FailureReason, detail: str) -> Failure:
        return Failure(identifier, reason, detail)

    values = np.asarray(features.values)
    if values.ndim == 0 or values.dtype.kind not in "fiub":
        return failure("extractor error", f"values of shape {values.shape} and type {values.dtype}")
    if values.size == 0:
        return failure("zero length", f"values of shape {values.shape}")
    shape = dimension_text(values.shape[1:])
    if dimension is not None and shape != dimension:
        return failure(
            "extractor error", f"feature shape {shape}, where this store has {dimension}"
        )
    if features.spans is not None and np.shape(features.spans) != (len(values), 2):
        return failure(
            "extractor error", f"spans of shape {np.shape(features.spans)} for {len(values)} rows"
        )
    if values.dtype.kind == "f" and not is_finite(values):
        return failure("not finite", f"{int((~np.isfinite(values)).sum())} of {values.size} values")
    if values.dtype.kind == "f" and np.dtype(dtype).kind != "f":
        return failure("extractor error", f"{values.dtype} values where {dtype} was promised")
    if values.dtype != dtype:
        with np.errstate(over="ignore"):
            values = values.astype(dtype)
        if not is_finite(values):
            return failure("not finite", f"a value too large for {dtype}")
    return Features(values, features.frame_rate, features.spans, features.notes)


def is_finite(values: np.ndarray) -> bool:
    """Whether no value is NaN or infinite."""
    if values.dtype != np.float16:
        return bool(np.isfinite(values).all())
    # By their bits, in a twentieth of the time: all ones in the exponent.
    magnitudes = values.view(np.uint16) & np.uint16(0x7FFF)
    return bool(magnitudes.max(initial=0) < 0x7C00)
