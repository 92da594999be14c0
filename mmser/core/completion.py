"""A partial part (``_partial_: true``) completed with what only the data tell: sizes, the task,
parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmser.core.errors import MmserError

SHOWN = 200
"""Characters of the part's own words, and of its arguments, that an error passes on."""


def completed(name: str, part: Callable[..., Any], *given: Any, **facts: Any) -> Any:
    """``part(*given, **facts)``. What it raises becomes a MmserError that names the part and its
    arguments.

    A MmserError, a file that cannot be read and an interruption pass as they are.
    """
    try:
        return part(*given, **facts)
    except (MmserError, OSError):
        raise
    except Exception as error:
        keywords: Mapping[str, Any] = getattr(part, "keywords", {})
        said = _short(f"{type(error).__name__}: {error}")
        arguments = ", ".join(f"{key}={value}" for key, value in keywords.items())
        raise MmserError(
            f"arguments that the class of {name} takes",
            said,
            f"Correct them: {_short(arguments) or 'none are set'}.",
        ) from error


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."
