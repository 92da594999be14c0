"""Who spoke before: for each row of a batch, the row of an earlier turn of the same dialogue."""

from __future__ import annotations

import torch
from torch import Tensor

from mmser.core.batch import Context


def previous_turn(
    context: Context, same_speaker: bool, present: Tensor | None = None, reach: int | None = None
) -> Tensor:
    """The row (batch,) of the nearest earlier turn by the row's own speaker, or by another one.

    Only rows of the same dialogue that are ``present`` (batch,) and at most ``reach`` turns back
    are seen (None: all). -1 where there is no such turn.
    """
    back = context.turn[:, None] - context.turn[None]  # how many turns column j lies before row i
    speakers_agree = context.speaker[:, None] == context.speaker[None]
    candidates = (
        (context.dialogue[:, None] == context.dialogue[None])
        & (speakers_agree if same_speaker else ~speakers_agree)
        & (back > 0)
    )
    if reach is not None:
        candidates = candidates & (back <= reach)
    if present is not None:
        candidates = candidates & present[None]
    distance = back.masked_fill(~candidates, torch.iinfo(back.dtype).max)
    return distance.argmin(dim=1).masked_fill(~candidates.any(dim=1), -1)


def vectors_of(rows: Tensor, vectors: Tensor) -> Tensor:
    """vectors (batch, feature) of the rows (batch,) named; zeros where the row is -1."""
    return vectors.index_select(0, rows.clamp(min=0)).masked_fill((rows < 0)[:, None], 0.0)
