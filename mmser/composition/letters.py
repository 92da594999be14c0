"""Lists and mappings in any alphabet, for Hydra's grammar, which knows ASCII alone.

``{radość: happy}`` is written ``{%%rado%C5%9B%C4%87: happy}``, and read back after composing. Text
that is no key of a mapping only needs quotes.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import yaml
from hydra.core.override_parser.types import Quote, QuotedString

MARK = "%%"
"""How a key begins that was written for the grammar."""
_PLAIN = re.compile(r"[\w./ +-]+", re.ASCII)


def in_ascii(value: str) -> str | None:
    """A list or mapping as the grammar reads it; None where it is none, or cannot be read."""
    if value[:1] not in ("[", "{"):
        return None
    # YAML wants a space after the colon, the grammar does not.
    spaced = re.sub(r":(?=\S)", ": ", value)
    try:
        # The basic loader makes text alone.
        content = yaml.load(spaced, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError):
        return None
    return _written(content)


def read_back(content: Any) -> Any:
    """What was composed, with the keys as the user wrote them."""
    if isinstance(content, dict):
        return {_key(key): read_back(inner) for key, inner in content.items()}
    if isinstance(content, list):
        return [read_back(item) for item in content]
    return content


def _written(content: Any) -> str:
    if isinstance(content, dict):
        pairs = [f"{_key_written(key)}: {_written(inner)}" for key, inner in content.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(content, list):
        return f"[{', '.join(map(_written, content))}]"
    text = str(content)
    plain = _PLAIN.fullmatch(text)
    return text if plain else QuotedString(text, Quote.single).with_quotes()


def _key_written(key: Any) -> str:
    text = str(key)
    return text if _PLAIN.fullmatch(text) else MARK + quote(text, safe="")


def _key(key: Any) -> Any:
    is_written = isinstance(key, str) and key.startswith(MARK)
    return unquote(key.removeprefix(MARK)) if is_written else key
