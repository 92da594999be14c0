"""Texts by row, packed into one buffer.

A process that is forked shares it: of texts as objects of Python it would copy each that it looks
at, since it counts the references to them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class PackedTexts:
    """Row -> text."""

    def __init__(self, texts: Iterable[str]) -> None:
        encoded = [text.encode(errors="surrogatepass") for text in texts]
        self._content = b"".join(encoded)
        self._ends = np.cumsum([0, *map(len, encoded)])

    def __getitem__(self, row: int) -> str:
        begin, end = self._ends.item(row), self._ends.item(row + 1)
        return self._content[begin:end].decode(errors="surrogatepass")
