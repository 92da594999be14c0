"""Weights with a value that is no number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    from pathlib import Path


def check_finite(tensors: Mapping[str, Any], source: str | Path) -> None:
    """Raise MmserError where one of the tensors or arrays holds NaN or an infinity.

    ``source`` is the file or folder that they were read from.
    """
    wrong = [name for name, tensor in tensors.items() if not _is_finite(tensor)]
    if wrong:
        raise MmserError(
            f"weights that are numbers in {source}",
            f"NaN or infinity in {wrong[0]} ({len(wrong)} of {len(tensors)} tensors)",
            "The file is damaged, or its training diverged: take another one, or train again at "
            "a lower rate.",
        )


def _is_finite(tensor: Any) -> bool:
    if isinstance(tensor, np.ndarray):
        return bool(np.isfinite(tensor).all())
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())
