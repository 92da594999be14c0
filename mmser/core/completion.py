"""A partial part (``_partial_: true``) completed with what only the data say.

That is sizes, the task and parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmser.core.errors import MmserError

SHOWN = 200
"""Characters of the part's own words, and of its arguments, that an error passes on."""


def completed(name: str, part: Callable[..., Any], *positional: Any, **facts: Any) -> Any:
    """``part(*positional, **facts)``, or an error that names the part and its arguments.

    What the part raises becomes that MmserError. A MmserError, a file that cannot be read and an
    interruption pass as they are.
    """
    try:
        return part(*positional, **facts)
    except (MmserError, OSError):
        raise
    except Exception as error:
        # A partial has keywords; a class, which is a part without any argument set, has none.
        keywords: Mapping[str, Any] = getattr(part, "keywords", {})
        message = _short(f"{type(error).__name__}: {error}")
        arguments = ", ".join(f"{key}={value}" for key, value in keywords.items())
        raise MmserError(
            f"arguments that the class of {name} takes",
            message,
            f"Correct them: {_short(arguments) or 'none are set'}.",
        ) from error


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."
