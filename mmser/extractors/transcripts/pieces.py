"""Words to sub-word ids, by a checkpoint's tokenizer or, for random weights, by hashing without any
vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np

from mmser.core.errors import MmserError, reason_of
from mmser.core.weights import Weights
from mmser.core.words import normalise_word, word_id
from mmser.extractors.transcripts.dialogue_pieces import Marks

CUT = "only the first"
"""How the note of a text that is longer than the limit begins."""
HASHED_VOCABULARY = 8192
_PAD, _START, _END = 0, 1, 2
_PIECE_LENGTH = 4


@dataclass(frozen=True)
class Pieces:
    """Sub-word ids of one text; ``owners[i]`` is the number of the word that piece i belongs to, -1
    for a mark.
    """

    ids: list[int]
    owners: list[int]


class Tokenizer(Protocol):
    """Words (as written) -> Pieces with start and end marks, at most ``limit`` of them."""

    padding: int

    def __call__(self, words: Sequence[str], limit: int) -> Pieces: ...

    def whole_text(self, text: str, limit: int) -> list[int]:
        """Sub-word ids of a text as it is written, with its marks, at most ``limit`` of them."""
        ...

    def bare(self, text: str) -> list[int]:
        """All sub-word ids of a text as it is written, without marks."""
        ...

    @property
    def marks(self) -> Marks:
        """The marks around a text and between two."""
        ...


class CheckpointTokenizer:
    """The fast tokenizer of a checkpoint; it refuses to be used by two threads at once, so they
    queue.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._turn = Lock()
        self.padding = tokenizer.pad_token_id or 0

    def __call__(self, words: Sequence[str], limit: int) -> Pieces:
        """See `Tokenizer`."""
        with self._turn:
            encoded = self._tokenizer(
                list(words), is_split_into_words=True, truncation=True, max_length=limit
            )
        return Pieces(
            encoded["input_ids"], [-1 if owner is None else owner for owner in encoded.word_ids()]
        )

    def whole_text(self, text: str, limit: int) -> list[int]:
        """See `Tokenizer`."""
        with self._turn:
            encoded = self._tokenizer(text, truncation=True, max_length=limit)
        return list(encoded["input_ids"])

    def bare(self, text: str) -> list[int]:
        """See `Tokenizer`."""
        with self._turn:
            encoded = self._tokenizer(text, add_special_tokens=False, verbose=False)
        return list(encoded["input_ids"])

    @cached_property
    def marks(self) -> Marks:
        """See `Tokenizer`."""
        with self._turn:
            encoded = self._tokenizer("a", "b")
        ids, texts = list(encoded["input_ids"]), encoded.sequence_ids()
        # None stands for a mark, 0 and 1 for the two texts.
        first, second = texts.index(0), texts.index(1)
        last_of_first = len(texts) - 1 - texts[::-1].index(0)
        last = len(texts) - 1 - texts[::-1].index(1)
        return Marks(ids[:first], ids[last_of_first + 1 : second], ids[last + 1 :])


def read_tokenizer(folder: Path, by_word: bool = True) -> CheckpointTokenizer:
    """The tokenizer of a checkpoint, for words or for whole texts as they are written.

    Raises MmserError when the folder holds none that can be read.
    """
    from transformers import AutoTokenizer

    try:
        # Tokenizers that tell a word by the space before it want one before the first word too.
        spaced = {"add_prefix_space": True} if by_word else {}
        return CheckpointTokenizer(AutoTokenizer.from_pretrained(folder, use_fast=True, **spaced))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        remedy = "Name a checkpoint of a text encoder with its tokenizer.json or vocabulary."
        raise MmserError(f"a tokenizer in {folder}", reason_of(error), remedy) from error


class HashedTokenizer:
    """Pieces of up to four characters, hashed into 8192 ids: deterministic, needs no file, knows
    every word.
    """

    padding = _PAD

    def __call__(self, words: Sequence[str], limit: int) -> Pieces:
        """See `Tokenizer`."""
        ids, owners = [_START], [-1]
        for number, word in enumerate(words):
            spelled = normalise_word(word) or word
            for start in range(0, len(spelled), _PIECE_LENGTH):
                piece = ("##" if start else "") + spelled[start : start + _PIECE_LENGTH]
                ids.append(3 + word_id(piece) % (HASHED_VOCABULARY - 3))
                owners.append(number)
        return Pieces([*ids[: limit - 1], _END], [*owners[: limit - 1], -1])

    def whole_text(self, text: str, limit: int) -> list[int]:
        """See `Tokenizer`."""
        return self(text.split(), limit).ids

    def bare(self, text: str) -> list[int]:
        """See `Tokenizer`."""
        words = text.split()
        return self(words, sum(map(len, words)) + 2).ids[1:-1]

    @property
    def marks(self) -> Marks:
        """See `Tokenizer`."""
        return Marks([_START], [_END], [_END])


def tokenizer_of(checkpoint: Weights, by_word: bool = True) -> Tokenizer:
    """The checkpoint's own; hashing where its weights are random, which need no file."""
    return HashedTokenizer() if checkpoint.is_random else read_tokenizer(checkpoint.path, by_word)


def whole_text_within(tokenizer: Tokenizer, text: str, limit: int) -> tuple[list[int], str]:
    """Sub-word ids of a text, at most ``limit``, and the note for the index where some are left
    out.
    """
    # One sub-word more than may stay shows whether some are dropped.
    ids = tokenizer.whole_text(text, limit + 1)
    if len(ids) <= limit:
        return ids, ""
    return tokenizer.whole_text(text, limit), f"{CUT} {limit} sub-words"


def cut_note(kept: int, words: int) -> str:
    """For the index, where the limit leaves words out."""
    return f"{CUT} {kept} of {words} words" if kept < words else ""


def piece_spans(owners: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """owners (piece,), spans (word, 2) -> (piece, 2): each piece has its word's span; marks are
    points at the edges.
    """
    result = spans[np.maximum(owners, 0)]
    result[owners < 0] = spans[int(owners.max(initial=0)), 1]
    result[0] = spans[0, 0] if owners[0] < 0 else result[0]
    return result
