"""Numbers of a saved config are of a size that somebody could have meant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mmser.core.errors import MmserError

LARGEST = 2**20


def count_values(node: Any) -> int:
    """How many values a tree of a config holds."""
    children: Iterable[Any] = ()
    if isinstance(node, Mapping):
        children = node.values()
    elif isinstance(node, list | tuple):
        children = node
    return 1 + sum(count_values(child) for child in children)


def check_scale(node: Any, usual: Any, factor: float, where: str) -> None:
    """Raise MmserError for a number far out of proportion to the same one in ``usual``.

    That is a number below ``node`` of more than ``factor`` times its counterpart, or of less than a
    hundredth of it; one without a counterpart may be up to LARGEST. A list is compared as a whole.
    """
    check_numbers(node, where)
    if isinstance(node, Mapping) and isinstance(usual, Mapping):
        for key in node.keys() & usual.keys():
            check_scale(node[key], usual[key], factor, f"{where}.{key}")
        return
    usual_sizes = [abs(number) for number in _numbers(usual) if number]
    if not usual_sizes:
        return
    least, most = min(usual_sizes) / 100, max(usual_sizes) * factor
    for number in _numbers(node):
        if number and not least <= abs(number) <= most:
            expected = f"{where} from {least:g} to {most:g}, as for its kind"
            raise MmserError(expected, f"{number:g}", "The config is damaged.")


def _numbers(node: Any) -> list[float]:
    if isinstance(node, list | tuple):
        numbers: list[float] = []
        for item in node:
            numbers += _numbers(item)
        return numbers
    # Python counts True and False among the integers.
    is_number = isinstance(node, int | float) and not isinstance(node, bool)
    return [node] if is_number else []


def check_numbers(node: Any, where: str) -> None:
    """Raise MmserError unless every number below ``node`` is finite and no larger than LARGEST."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            check_numbers(value, f"{where}.{key}")
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            check_numbers(value, f"{where}[{place}]")
    elif isinstance(node, int | float) and not (math.isfinite(node) and abs(node) <= LARGEST):
        raise MmserError(
            f"a number up to {LARGEST:,} at {where}", f"{node:.0e}", "The config is damaged."
        )
