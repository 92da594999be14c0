"""Which rows of a batch are the turns before a turn: the same speaker's last one, and the other
speaker's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmser.core.batch import Context


def earlier_turns(context: Context) -> tuple[Tensor, Tensor]:
    """(batch,) long each: the row of the same speaker's previous turn and of the interlocutor's, -1
    where none is.

    Only rows of the same dialogue with a lower turn number count, the nearest first.
    """
    same_dialogue = context.dialogue[:, None] == context.dialogue
    before = same_dialogue & (context.turn[None] < context.turn[:, None])
    same_speaker = context.speaker[:, None] == context.speaker
    return _latest(before & same_speaker, context.turn), _latest(
        before & ~same_speaker, context.turn
    )


def _latest(candidates: Tensor, turn: Tensor) -> Tensor:
    """candidates (row, other) bool -> (row,) the candidate with the highest turn, -1
    without any.
    """
    lowest = torch.iinfo(turn.dtype).min
    chosen = turn.expand(len(turn), -1).masked_fill(~candidates, lowest).argmax(dim=1)
    return chosen.masked_fill(~candidates.any(dim=1), -1)
