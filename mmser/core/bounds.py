"""Numbers of a saved config are of a size that somebody could have meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mmser.core.errors import MmserError

LARGEST = 2**20


def check_numbers(node: Any, where: str) -> None:
    """Raise MmserError unless every number below ``node`` is finite and no larger than LARGEST."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            check_numbers(value, f"{where}.{key}")
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            check_numbers(value, f"{where}[{place}]")
    elif isinstance(node, int | float) and not (math.isfinite(node) and abs(node) <= LARGEST):
        raise MmserError(f"a number up to {LARGEST:,} at {where}", f"{node:.0e}", "The config is damaged.")
