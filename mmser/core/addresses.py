"""Addresses that a page of ours gives a browser."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from urllib.parse import quote


def data_address(content: bytes, kind: str) -> str:
    """The content itself as an address; ``kind`` is its media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def relative_address(path: Path, folder: Path) -> str:
    """The address of a file from a page in ``folder``, whatever bytes its name has."""
    return quote(os.fsencode(os.path.relpath(path.resolve(), folder.resolve())))
