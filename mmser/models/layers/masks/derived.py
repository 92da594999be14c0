"""What is asked of a mask again and again is worked out once in a forward pass.

A dozen layers ask the same mask for its padding, its lengths and its order: on a GPU each answer is
a kernel of its own, which costs more to start than to run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

Answer = TypeVar("Answer")


class _Known(threading.local):
    """The answers of the forward pass that this thread is in, with what they were asked of."""

    answers: dict[Any, tuple[Any, Any]] | None = None


_known = _Known()


@contextmanager
def one_pass() -> Iterator[None]:
    """Within, `once` remembers. Masks must not be changed in place, as nothing here does."""
    before = _known.answers
    _known.answers = {}
    try:
        yield
    finally:
        _known.answers = before


def once(derive: Callable[..., Answer], *asked: Any) -> Answer:
    """``derive(*asked)``, remembered until the forward pass ends; tensors are told by identity.

    A compiler or an exporter sees the plain call: it finds equal work by itself.
    """
    if torch.compiler.is_compiling() or _known.answers is None:
        return derive(*asked)
    answers = _known.answers
    key = (derive, *(id(part) if isinstance(part, Tensor) else part for part in asked))
    if key not in answers:
        # What was asked is kept, so that its identity cannot pass to another tensor.
        answers[key] = (asked, derive(*asked))
    found: Answer = answers[key][1]
    return found
