"""The options that a search varies, as words of Hydra's grammar for sweeps.

``optimizer.lr=tag(log, interval(1e-5, 1e-2))`` is any number between two, here by its logarithm;
``data.batch_size=int(interval(8, 64))`` any whole one; ``model.fusion.layers=range(1, 5)`` the
steps of a range; ``fusion=gated,tfn`` and ``objective=choice(focal, cross_entropy)`` one of what is
listed; ``fusion=glob(m*)`` one of a group's names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep, RangeSweep

from mmser.composition.words import Word, read_words
from mmser.core.configs import config_names
from mmser.core.errors import UsageError
from mmser.settings.check import shown

LOG = "log"
_CALL = re.compile(r"'(choice|interval|range|glob|tag|int|float)\(")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One option of a search: one of ``choices``, or a number from ``low`` to ``high``.

    Whole numbers where ``whole``; by the logarithm where ``log``.
    """

    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False

    @property
    def ends(self) -> tuple[str, ...]:
        """Values that must be allowed if all others are."""
        return self.choices or (self.text(self.low), self.text(self.high))

    def text(self, value: Any) -> str:
        """A value as an override has it."""
        if self.choices:
            return str(value)
        return str(int(value)) if self.whole else repr(float(value))


def split_space(overrides: Sequence[str]) -> tuple[list[str], dict[str, Dimension]]:
    """(the words that every trial has, the options that are searched).

    Raises UsageError for a space that is empty or that cannot be searched.
    """
    fixed, space = [], {}
    for text, word in zip(overrides, read_words(overrides, sweeps=True), strict=True):
        dimension = _dimension(word)
        if dimension is None:
            fixed.append(text)
        else:
            space[text.partition("=")[0]] = dimension
    if not space:
        raise UsageError(
            "options to search, such as optimizer.lr=tag(log,interval(1e-5,1e-2)) or fusion=a,b",
            "one value for each",
            "Give some of them several values.",
        )
    return fixed, space


def with_values(fixed: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The words of one trial."""
    return [*fixed, *(f"{key}={value}" for key, value in values.items())]


def _dimension(word: Word) -> Dimension | None:
    """What a word asks to vary, None for one with a single value."""
    if word.value is None or word.sign == "~":
        return None
    if _CALL.match(word.value):
        # The grammar could not read it, so that it was taken for a text.
        raise UsageError(
            f"values of {word.key} that Hydra can read",
            shown(word.value),
            f"A list of values is {word.key}=a,b,c.",
        )
    override = OverridesParser.create().parse_override(str(word))
    if not override.is_sweep_override():
        return None
    sweep = override.value()
    if isinstance(sweep, IntervalSweep):
        return _interval(word, sweep)
    if isinstance(sweep, Glob):
        names = tuple(sweep.filter(config_names(word.group)))
    elif isinstance(sweep, RangeSweep):
        names = tuple(map(str, sweep.range()))
    else:
        names = tuple(override.sweep_string_iterator())
    if not names:
        raise UsageError(f"values of {word.key}", "none", "Correct the pattern.")
    return Dimension(names)


def _interval(word: Word, sweep: IntervalSweep) -> Dimension:
    low, high = sweep.start, sweep.end
    ends_are_numbers = isinstance(low, int | float) and isinstance(high, int | float)
    if not ends_are_numbers or not math.isfinite(low + high) or low >= high:  # type: ignore[operator]
        raise UsageError(f"interval(LOW, HIGH) of {word.key}", f"{low}, {high}", "Correct it.")
    log = LOG in sweep.tags
    if log and low <= 0:  # type: ignore[operator]
        raise UsageError(
            f"an interval above 0 for the logarithm of {word.key}", f"{low}, {high}", "Correct it."
        )
    whole = isinstance(low, int) and isinstance(high, int)
    return Dimension(low=float(low), high=float(high), whole=whole, log=log)  # type: ignore[arg-type]
