"""A table of word vectors in the text format of GloVe (and word2vec, fastText), read word by word.

The published files hold up to 2.2 million words in 5 GB. One pass over the file notes where each
word's line starts (12 bytes a word); afterwards only the lines of words that occur are read and
parsed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from mmser.core.errors import MmserError


class VectorFile:
    """``word value value ...`` per line; a first line ``count size`` (word2vec, fastText) is
    skipped.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self._keys, self._starts = self._index()
        self._seen: dict[str, np.ndarray | None] = {}

    def get(self, word: str) -> np.ndarray | None:
        """(size,) float32, None for a word the file does not hold. Raises MmserError where its line
        is damaged.
        """
        if word not in self._seen:
            self._seen[word] = self._read(word)
        return self._seen[word]

    def _index(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys of all words, ascending, and the byte at which each one's line starts."""
        keys: list[int] = []
        starts: list[int] = []
        position = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines):
                start, position = position, position + len(line)
                if number == 0 and len(line.split()) == 2:
                    continue
                if number < 2:
                    self._check(line)
                keys.append(_key(line.split(b" ", 1)[0]))
                starts.append(start)
        if not keys:
            raise MmserError(f"word vectors in {self.path}", "an empty file", "Download it again.")
        order = np.argsort(np.array(keys, dtype=np.uint64), kind="stable")
        return np.array(keys, dtype=np.uint64)[order], np.array(starts, dtype=np.int64)[order]

    def _check(self, line: bytes) -> None:
        """The first vector has the expected size and is made of numbers."""
        found = len(line.split()) - 1
        if found != self.size or _parsed(line, self.size) is None:
            raise MmserError(
                f"lines of one word and {self.size} numbers in {self.path}",
                f"a first line of one word and {found} further columns",
                "Set `size` to the file's dimension, or point `weights` to a GloVe text file.",
            )

    def _read(self, word: str) -> np.ndarray | None:
        encoded = word.encode("utf-8")
        key = np.uint64(_key(encoded))
        first = int(np.searchsorted(self._keys, key, side="left"))
        last = int(np.searchsorted(self._keys, key, side="right"))
        with self.path.open("rb") as lines:
            for start in self._starts[first:last].tolist():
                lines.seek(start)
                line = lines.readline()
                if line.rstrip(b"\n").rsplit(b" ", self.size)[0] == encoded:
                    return self._checked(line)
        return None

    def _checked(self, line: bytes) -> np.ndarray:
        values = _parsed(line, self.size)
        if values is None or not np.isfinite(values).all():
            shown = line[:60].decode("utf-8", errors="replace").strip()
            raise MmserError(
                f"{self.size} finite numbers after each word in {self.path}",
                shown,
                "Download it again.",
            )
        return values


def _key(word: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "big")


def _parsed(line: bytes, size: int) -> np.ndarray | None:
    try:
        values = np.array(line.split()[-size:], dtype=np.float32)
    except ValueError:
        return None
    return values if len(values) == size else None
