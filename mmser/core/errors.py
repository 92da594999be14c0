"""The exception whose text is meant for the user."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

DEBUG = "MMSER_DEBUG"


class MmserError(Exception):
    """A problem the user can mend, in one line: what was expected, what was found, what to do.

    The command line prints it without a traceback (``--debug`` shows one) and exits with 1.
    """

    def __init__(self, expected: str, found: str, remedy: str) -> None:
        super().__init__(f"expected {expected}; found {found}. {remedy}")
        self.expected = expected
        self.found = found
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[MmserError], tuple[str, str, str]]:
        """It comes back from another process as it was raised there."""
        return type(self), (self.expected, self.found, self.remedy)


def reason_of(error: Exception) -> str:
    """What a library's exception says, in one line of at most 300 characters."""
    return " ".join(str(error).split())[:300] or type(error).__name__


class UsageError(MmserError):
    """The command itself is wrong (unknown name, missing option): exit code 2."""


SHOWN_FAULTS = 10


def listed_faults(expected: str, faults: Sequence[str], remedy: str) -> MmserError:
    """One error for all faults of a file: the first ten, and how many more there are."""
    more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
    return MmserError(expected, "; ".join(faults[:SHOWN_FAULTS]) + more, remedy)


def in_one_line(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """The function, whose MmserError comes without what led to it inside mmser.

    A reader of a notebook sees the error and not the calls below it; MMSER_DEBUG=1 keeps them.
    """

    @wraps(function)
    def called(*arguments: Arguments.args, **options: Arguments.kwargs) -> Answer:
        try:
            return function(*arguments, **options)
        except MmserError as error:
            if os.environ.get(DEBUG):
                raise
            raise error.with_traceback(None) from None

    return called
