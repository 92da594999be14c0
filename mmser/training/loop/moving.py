"""Batches on the device where they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from mmser.core.batch import Batch


def moved(batches: Iterable[Batch], device: torch.device) -> Iterator[Batch]:
    """Each batch on ``device``.

    From pinned memory the copy is only ordered, so that the next batch is read while the GPU still
    works on the one before.
    """
    if device.type == "cpu":
        yield from batches
        return
    for batch in batches:
        there = batch.context.dialogue.device.type == device.type
        yield batch if there else batch.to(device, non_blocking=True)
