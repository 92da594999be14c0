"""Who spoke before: for each row of a batch, the row of an earlier turn of the same dialogue."""

from __future__ import annotations

import torch
from torch import Tensor

from mmser.core.batch import Context


def previous_turns(
    context: Context, present: Tensor, same_speaker: bool, reach: int
) -> tuple[Tensor, Tensor]:
    """Each row's nearest earlier turn of the same dialogue, by its own speaker or by another.

    Only rows that are ``present`` (batch,) and at most ``reach`` turns back are seen. Returns row
    numbers (batch,) long (0 where there is none) and (batch,) bool: found.
    """
    back = context.turn[:, None] - context.turn[None]  # how many turns column j lies before row i
    speakers_agree = context.speaker[:, None] == context.speaker[None]
    fits = (
        (context.dialogue[:, None] == context.dialogue[None])
        & (speakers_agree if same_speaker else ~speakers_agree)
        & (back > 0)
        & (back <= reach)
        & present[None]
    )
    distance = back.masked_fill(~fits, torch.iinfo(back.dtype).max)
    found = fits.any(dim=1)
    return distance.argmin(dim=1).masked_fill(~found, 0), found
