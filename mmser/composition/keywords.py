"""Keywords of a Python call as override words: ``seeds=[0, 1]`` -> ``seeds=[0,1]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from mmser.core.errors import UsageError

SHORT = {"root": "corpus.root"}
"""Keywords that are short for an option of the corpus."""


def keyword_words(options: Mapping[str, Any]) -> list[str]:
    """A word for each keyword; one with a mapping is a word for each of its keys.

    ``trainer={"epochs": 5}`` is ``trainer.epochs=5``, ``root=DIR`` is ``corpus.root=DIR``; None is
    null. Raises UsageError for a value that is no text, number, bool, path, list or mapping.
    """
    return [word for key, value in options.items() for word in _words(SHORT.get(key, key), value)]


def _words(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and key != "labels":
        for name, inner in value.items():
            yield from _words(f"{key}.{name}", inner)
    else:
        yield f"{key}={_text(key, value, inside=False)}"


def _text(key: str, value: Any, inside: bool) -> str:
    """A value as the grammar of a command line has it; text ``inside`` a list is quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | PathLike):
        text = str(fspath(value))
        return QuotedString(text, Quote.single).with_quotes() if inside else text
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = [f"{name}: {_text(key, inner, inside=True)}" for name, inner in value.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, Sequence):
        return f"[{','.join(_text(key, item, inside=True) for item in value)}]"
    raise UsageError(
        f"text, a number, a path, a list or a mapping as {key}",
        type(value).__name__,
        "A part of your own is given as parts={'model.fusion': MyFusion}.",
    )
