"""From a checked mapping to the frozen dataclass that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mmser.core.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")


def read_options(
    kind: type[Options],
    values: Mapping[str, Any],
    usual: Mapping[str, Any] | None = None,
    where: str = "",
) -> Options:
    """The options of ``kind`` in ``values``, sections of it as their own dataclasses.

    What ``values`` does not say is as in ``usual``, or as the dataclass has it: a run of an earlier
    version lacks the options that are younger. Raises UsageError for an option that none of them
    has. Keys that ``kind`` does not know are left out: they were checked when the run was composed.
    """
    hints = _hints(kind)
    merged = {**(usual or {}), **values}
    options: dict[str, Any] = {}
    for field in fields(kind):
        place = f"{where}.{field.name}" if where else field.name
        if field.name in merged:
            below = (usual or {}).get(field.name)
            options[field.name] = _read(hints[field.name], merged[field.name], below, place)
        elif field.default is MISSING:
            raise UsageError(f"the option {place}", "none", f"Set {place}=VALUE.")
    return kind(**options)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any, usual: Any, where: str) -> Any:
    """``value`` as its type says: a section, a mapping of sections, or what it is."""
    alternatives = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None and NoneType in alternatives:
        return None
    section = usual if isinstance(usual, Mapping) else None
    if _is_section(hint):
        return read_options(hint, value or {}, section, where)
    if get_origin(hint) is Mapping and _is_section(get_args(hint)[-1]):
        item = get_args(hint)[-1]
        sections = (value or {}).items()
        return {name: read_options(item, one, None, f"{where}.{name}") for name, one in sections}
    return value


def _is_section(hint: Any) -> bool:
    return isinstance(hint, type) and is_dataclass(hint)
