"""Numbers of a saved config are of a size that somebody could have meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mmser.core.errors import MmserError

LARGEST = 2**20


def count_values(node: Any) -> int:
    """How many values a tree of a config holds."""
    parts = (
        node.values()
        if isinstance(node, Mapping)
        else node
        if isinstance(node, list | tuple)
        else ()
    )
    return 1 + sum(map(count_values, parts))


def check_scale(node: Any, usual: Any, factor: float, where: str) -> None:
    """Raise MmserError when a number below ``node`` is out of all proportion to the same one below
    ``usual``.

    That is more than ``factor`` times it, or less than a hundredth; a number without a counterpart
    may be up to LARGEST. A list is compared as a whole.
    """
    check_numbers(node, where)
    if isinstance(node, Mapping) and isinstance(usual, Mapping):
        for key in node.keys() & usual.keys():
            check_scale(node[key], usual[key], factor, f"{where}.{key}")
        return
    known = [abs(number) for number in _numbers(usual) if number]
    for number in _numbers(node) if known else ():
        least, most = min(known) / 100, max(known) * factor
        if number and not least <= abs(number) <= most:
            expected = f"{where} from {least:g} to {most:g}, as for its kind"
            raise MmserError(expected, f"{number:g}", "The config is damaged.")


def _numbers(node: Any) -> list[float]:
    if isinstance(node, list | tuple):
        return [number for part in node for number in _numbers(part)]
    return [node] if isinstance(node, int | float) and not isinstance(node, bool) else []


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
