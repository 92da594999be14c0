"""All vectors of a file in the text format of GloVe and word2vec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmser.cache.atomic import written_aside
from mmser.core.errors import MmserError


class Vectors(NamedTuple):
    """Words, the most frequent first, and their vectors (word, feature) float32."""

    words: list[str]
    values: Tensor


def read_vectors(path: str | Path) -> Vectors:
    """Every vector of a file in the text format of GloVe and word2vec, in its order.

    Raises MmserError when the file is damaged.
    """
    source = Path(path)
    if not source.is_file():
        raise MmserError("a text file of word vectors", f"no file {source}", "Correct the path.")
    words: list[str] = []
    rows: list[np.ndarray] = []
    with source.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            word, *numbers = line.rstrip().split(" ")
            if number == 0 and len(numbers) == 1:
                continue
            if rows and len(numbers) != len(rows[0]):
                raise MmserError(
                    f"{len(rows[0])} numbers per line in {source}",
                    f"{len(numbers)} in line {number + 1}",
                    "Correct that line.",
                )
            words.append(word)
            rows.append(_finite(numbers, f"line {number + 1} of {source}"))
    if not rows:
        raise MmserError(
            f"word vectors in {source}", "an empty file", "Train or download it again."
        )
    return Vectors(words, torch.from_numpy(np.stack(rows)))


def _finite(numbers: Sequence[str], place: str) -> np.ndarray:
    try:
        row = np.array(numbers, dtype=np.float32)
    except ValueError:
        row = np.full(len(numbers), np.nan, dtype=np.float32)
    if not np.isfinite(row).all():
        shown = " ".join(numbers[:4])
        raise MmserError(
            f"finite numbers in {place}", f"{shown} ...", "Train or download it again."
        )
    return row


def write_vectors(vectors: Vectors, path: str | Path) -> None:
    """Write the same format, whole or not at all."""
    with written_aside(Path(path)) as aside, aside.open("w", encoding="utf-8") as file:
        for word, row in zip(vectors.words, vectors.values.tolist(), strict=True):
            file.write(f"{word} {' '.join(format(value, '.6g') for value in row)}\n")
