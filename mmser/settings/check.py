"""A mapping beside the dataclass that describes it.

Every key is known and every value allowed, or there is one clear error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, get_type_hints

from mmser.core.errors import UsageError
from mmser.settings.ranges import ListOf, OneOf, Range, allowed

SHOWN = 60
"""Characters of a value that an error quotes."""


@cache
def ranges_of(kind: type) -> dict[str, tuple[Range, ...]]:
    """{option: what it may be} of a dataclass of settings.

    () for an option that is not checked here.
    """
    hints = get_type_hints(kind, include_extras=True)
    ranges = {}
    for field in fields(kind):
        # What stands in Annotated beside the type; a type without it is not checked here.
        stated = getattr(hints[field.name], "__metadata__", ())
        ranges[field.name] = tuple(item for item in stated if isinstance(item, Range))
    return ranges


def check_options(kind: type, values: Any, where: str, others: bool = False) -> None:
    """Raise UsageError for the first key that ``kind`` does not know or whose value is not allowed.

    ``where`` is the place of the mapping in the settings, "" at the top. A key that is not given is
    not missed. With ``others`` unknown keys pass.
    """
    if not isinstance(values, Mapping):
        raise UsageError(
            f"{where} to be a mapping of options", shown(values), f"Write {where}.KEY=VALUE."
        )
    known = ranges_of(kind)
    for key, value in values.items():
        place = f"{where}.{key}" if where else str(key)
        if key in known:
            check_value(place, value, known[key])
        elif not others:
            raise unknown_option(place, known)


def check_complete(kind: type, values: Mapping[str, Any], where: str) -> None:
    """Raise UsageError when an option without a default is not among ``values``."""
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        first = f"{where}.{missing[0]}" if where else missing[0]
        remedy = f"Set {first}=VALUE; configs/ says what it means."
        raise UsageError(f"the option {first}", "none", remedy)


def check_value(place: str, value: Any, kinds: tuple[Range, ...]) -> None:
    """Raise UsageError unless ``value`` is one of ``kinds`` (none: anything is allowed)."""
    if kinds and not any(kind.holds(value) for kind in kinds):
        raise UsageError(
            f"{place} to be {allowed(kinds)}", shown(value), _remedy(place, value, kinds)
        )


def unknown_option(place: str, neighbours: Iterable[str]) -> UsageError:
    """The error for a key that is not there, with the nearest ones of its neighbours."""
    parent, dot, key = place.rpartition(".")
    near = difflib.get_close_matches(key, [*neighbours], n=3, cutoff=0.5)
    if near:
        names = ", ".join(f"{parent}{dot}{name}" for name in near)
        hint = f"Did you mean {names}?"
    else:
        first = ", ".join(sorted(neighbours)[:20])
        hint = f"Known: {first or 'none'}."
    return UsageError(f"an option of {parent or 'the command'}", place, hint)


def shown(value: Any) -> str:
    """A value as an error quotes it: short, on one line."""
    quoted = repr(value) if isinstance(value, str) else str(value)
    text = " ".join(quoted.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _remedy(place: str, value: Any, kinds: tuple[Range, ...]) -> str:
    words: list[str] = []
    for kind in kinds:
        if isinstance(kind, OneOf):
            words += map(str, kind.choices)
    near = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
    if near:
        return f"Did you mean {place}={near[0]}?"
    lists = any(isinstance(kind, ListOf) for kind in kinds)
    if lists and isinstance(value, str | int | float) and not isinstance(value, bool):
        return f"A list of one is written {place}=[{value}]."
    return "Correct it."
