"""Pretrained word vectors as the start of trainable embeddings (AMH: GloVe 300, then trained).

The vocabulary is the training fold's and knows words by their numbers alone, so the file is read
line by line and a line is kept when its word's number is in the vocabulary; nothing of the file's
other words reaches the model.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mmser.core.contracts import WordEncoder
from mmser.core.errors import MmserError
from mmser.core.words import word_id
from mmser.data.vocabulary import FIRST, Vocabulary

log = logging.getLogger(__name__)


def read_word_vectors(path: str | Path, vocabulary: Vocabulary, size: int) -> torch.Tensor:
    """(vocabulary, size) float32: the vector of each known word, NaN where the file has none.

    ``path`` is a text file of ``word value value ...`` lines (GloVe, word2vec, fastText). Raises
    MmserError when there is no such file, it holds no vector of this size for any of the words, or
    one of theirs is damaged.
    """
    file = Path(path)
    if not file.is_file():
        raise MmserError(
            "a file of word vectors",
            f"no file {file}",
            "Correct `word_vectors`, or set it to null.",
        )
    rows = {int(number): FIRST + row for row, number in enumerate(vocabulary.hashes)}
    vectors = np.full((len(vocabulary), size), np.nan, np.float32)
    vector_count = 0
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            row = rows.get(word_id(line.partition(" ")[0]))
            if row is None:
                continue
            # From the right: some published files hold "words" with spaces inside, which are not
            # the word we know.
            word, *values = line.rstrip().rsplit(" ", size)
            if " " not in word and len(values) == size:
                vectors[row] = _numbers(values, word, file)
                vector_count += 1
    if not vector_count:
        raise MmserError(
            f"vectors of {size} numbers for the training fold's words in {file}",
            "not one",
            "Point `word_vectors` to a GloVe text file of the encoder's embedding_size.",
        )
    return torch.from_numpy(vectors)


def _numbers(values: Sequence[str], word: str, file: Path) -> np.ndarray:
    try:
        numbers = np.array([float(value) for value in values], np.float32)
    except ValueError:
        numbers = np.full(len(values), np.nan, np.float32)
    if not np.isfinite(numbers).all():
        shown = f"{word} {' '.join(values[:4])} ..."
        raise MmserError(
            f"{len(values)} finite numbers after each word in {file}", shown, "Download it again."
        )
    return numbers


def start_embeddings(
    encoders: nn.ModuleDict, transforms: Mapping[str, object], path: str | Path
) -> None:
    """Give every encoder with word embeddings its vectors, and say how many words have one.

    Raises MmserError when no encoder of the system has word embeddings.
    """
    vocabularies = {
        name: transform
        for name, transform in transforms.items()
        if isinstance(transform, Vocabulary)
    }
    of_words = {
        name: encoder
        for name, encoder in encoders.items()
        if isinstance(encoder, WordEncoder) and name in vocabularies
    }
    if not of_words:
        raise MmserError(
            "an encoder with word embeddings", "none in this system", "Set `word_vectors` to null."
        )
    for name, encoder in of_words.items():
        size = encoder.vector_size
        vectors = read_word_vectors(path, vocabularies[name], size)
        encoder.set_vectors(vectors)
        covered_words = int((~vectors.isnan().any(dim=1)).sum())
        words = len(vocabularies[name]) - FIRST  # without the rows for padding and unknown words
        log.info("%s: %d of %d words start from %s", name, covered_words, words, path)
