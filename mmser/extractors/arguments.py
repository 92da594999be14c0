"""Which arguments of an extractor are among its parameters, and so part of its fingerprint.

Two kinds are not. What has no effect on the values: devices, batch sizes, where files lie. And what
was added after caches had been made: its default means what was done before, and is left out, so
that older caches keep their fingerprint; an extractor that is built again for an older cache takes
the default, whatever its config says by now (`mmser.extraction.rebuild`).
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from types import MappingProxyType
from typing import Any

LATER = MappingProxyType({"later": True})
"""Metadata of an argument that was added later: ``field(default=..., metadata=LATER)``."""
WITHOUT_EFFECT = MappingProxyType({"without_effect": True})
"""Metadata of an argument that changes no value."""


def arguments(extractor: Any) -> dict[str, Any]:
    """The arguments of a dataclass that determine its values; later ones only where they differ
    from their default.
    """
    values = asdict(extractor)
    return {
        field.name: values[field.name]
        for field in fields(extractor)
        if not field.metadata.get("without_effect")
        and not (_is_later(field) and values[field.name] == field.default)
    }


def later_arguments(extractor_class: type) -> set[str]:
    """The names of a class's later arguments."""
    if not is_dataclass(extractor_class):
        return set()
    return {field.name for field in fields(extractor_class) if _is_later(field)}


def _is_later(field: Field[Any]) -> bool:
    return bool(field.metadata.get("later")) and field.default is not MISSING
