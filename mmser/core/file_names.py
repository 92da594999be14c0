"""Names that people gave (speakers, folds, stages, recordings) as names of files, one to one.

Plain names stay what they are, spaces and other scripts too. A slash, a backslash, a control
character, a leading dot and the percent sign itself are written as in addresses (``a/b`` is
``a%2Fb``), so that no name leads to another folder.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote_to_bytes

_UNSAFE = re.compile(r"[%/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]|^\.")
EMPTY = "%"
LONGEST = 200
"""Bytes of a file's name without its ending; file systems allow 255."""


def file_name(name: str) -> str:
    """The name of a file, without its ending, that stands for ``name`` alone.

    A name too long for a file is cut and given a digest: `name_of` does not bring such a one back.
    """
    written = _UNSAFE.sub(_percent, name) or EMPTY
    if len(written.encode()) <= LONGEST:
        return written
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{written.encode()[: LONGEST - 17].decode(errors='ignore')}%{digest}"


def name_of(file: str) -> str:
    """The name that `file_name` wrote as ``file``."""
    return "" if file == EMPTY else unquote_to_bytes(file).decode("utf-8", "surrogatepass")


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
