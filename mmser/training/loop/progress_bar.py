"""A bar of the batches of an epoch, where a person looks at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from mmser.core.batch import Batch


@contextmanager
def with_bar(batches: Iterable[Batch], count: int, epoch: int) -> Iterator[Iterable[Batch]]:
    """The same batches, counted on the terminal; without one nothing is written."""
    if not sys.stderr.isatty():
        yield batches
        return
    bar = tqdm(batches, f"epoch {epoch + 1}", count, leave=False, file=sys.stderr)
    try:
        yield bar
    finally:
        bar.close()


def write_above_bar(line: str) -> None:
    """A line on stderr, above a bar that may stand there."""
    if sys.stderr.isatty():
        tqdm.write(line, file=sys.stderr, end="")
    else:
        sys.stderr.write(line)
