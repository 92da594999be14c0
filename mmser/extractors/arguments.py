"""Arguments that an extractor was given after caches had been made with it.

Their defaults mean what was done before. They are left out of ``parameters()`` at their default, so
that older caches keep their fingerprint; and an extractor that is built again for an older cache
takes the default, whatever its config says by now (`mmser.evaluation.rebuild`).
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields, is_dataclass
from types import MappingProxyType
from typing import Any

LATER = MappingProxyType({"later": True})
"""Metadata of the dataclass field of such an argument: ``field(default=..., metadata=LATER)``."""


def arguments(extractor: Any) -> dict[str, Any]:
    """Every argument of a dataclass, later ones only where they differ from their default."""
    unchanged = {
        f.name
        for f in fields(extractor)
        if _is_later(f) and getattr(extractor, f.name) == f.default
    }
    return {name: value for name, value in asdict(extractor).items() if name not in unchanged}


def later_arguments(extractor_class: type) -> set[str]:
    """The names of a class's later arguments."""
    return (
        {f.name for f in fields(extractor_class) if _is_later(f)}
        if is_dataclass(extractor_class)
        else set()
    )


def _is_later(one: Any) -> bool:
    return bool(one.metadata.get("later")) and one.default is not MISSING
