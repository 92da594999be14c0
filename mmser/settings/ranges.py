"""What a value may be, stated beside an option's type: ``epochs: Annotated[int, Whole(1)]``.

Several of them are alternatives: ``Annotated[int | None, Whole(0), Null()]``. ``str`` of one says
what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

MOST = 10**9
"""No count that a person means is larger."""


@runtime_checkable
class Range(Protocol):
    """``str`` of it continues "expected KEY to be ..."."""

    def holds(self, value: Any) -> bool:
        """Whether the value is allowed."""
        ...


@dataclass(frozen=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int = 0
    most: int = MOST

    def holds(self, value: Any) -> bool:
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.least <= value <= self.most
        )

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Number:
    """A finite number.

    ``least`` and ``most`` are allowed themselves, ``above`` and ``below`` are not.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def holds(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            return False
        fits = [self.least is None or value >= self.least, self.most is None or value <= self.most]
        fits += [self.above is None or value > self.above, self.below is None or value < self.below]
        return all(fits)

    def __str__(self) -> str:
        bounds = {
            "at least": self.least,
            "above": self.above,
            "at most": self.most,
            "below": self.below,
        }
        words = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
        return f"a number {' and '.join(words)}" if words else "a number"


def _yaml_word(choice: object) -> str:
    """A choice as YAML writes it: true and false in small letters."""
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def holds(self, value: Any) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Text:
    """A word or a path: anything written, but not nothing."""

    what: str = "a word"

    def holds(self, value: Any) -> bool:
        return isinstance(value, str) and bool(value.strip()) and "\0" not in value

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class Null:
    """null: none, no limit, not set."""

    def holds(self, value: Any) -> bool:
        return value is None

    def __str__(self) -> str:
        return "null"


class OneOf:
    """One of a few words, numbers or truth values, each as it is written."""

    def __init__(self, *choices: str | int | bool) -> None:
        self.choices = choices

    def holds(self, value: Any) -> bool:
        # 1 equals True: the type has to fit too.
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def __str__(self) -> str:
        return " | ".join(dict.fromkeys(map(_yaml_word, self.choices)))


class ListOf:
    """A list of at least ``least`` items, each of one of ``kinds``.

    ``distinct``: none of them twice.
    """

    def __init__(
        self, *kinds: Range, least: int = 0, most: int | None = None, distinct: bool = False
    ) -> None:
        self.kinds, self.least, self.most, self.distinct = kinds, least, most, distinct

    def holds(self, value: Any) -> bool:
        if not isinstance(value, list | tuple) or len(value) < self.least:
            return False
        if self.most is not None and len(value) > self.most:
            return False
        if self.distinct and len({*map(repr, value)}) < len(value):
            return False
        return all(_is_one_of(item, self.kinds) for item in value)

    def __str__(self) -> str:
        items = " or ".join(map(str, self.kinds))
        count = f"{self.least} " if self.least and self.least == self.most else ""
        twice = ", none twice" if self.distinct else ""
        filled = " (not empty)" if self.least == 1 and self.most is None else ""
        return f"a list{filled} of {count}{items}{twice}"


class MappingOf:
    """Names, each with a value of one of ``kinds`` (none given: any value)."""

    def __init__(self, *kinds: Range, what: str = "") -> None:
        self.kinds, self.what = kinds, what

    def holds(self, value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        return not self.kinds or all(_is_one_of(item, self.kinds) for item in value.values())

    def __str__(self) -> str:
        return self.what or f"a mapping {{name: {' or '.join(map(str, self.kinds)) or 'value'}}}"


def allowed(kinds: tuple[Range, ...]) -> str:
    """What any of ``kinds`` allows, in words."""
    return ", or ".join(map(str, kinds))


def _is_one_of(value: object, kinds: tuple[Range, ...]) -> bool:
    return any(kind.holds(value) for kind in kinds)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False
