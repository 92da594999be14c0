"""Means of losses over rows, or over conversations of the mean inside each.

Source: Dutta, Ganapathy, ICASSP 2022: a conversation of one utterance weighs as much as one of
nine.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Average = Literal["utterances", "conversations"]


def averaged(losses: Tensor, counted: Tensor, dialogue: Tensor, average: Average) -> Tensor:
    """losses, counted (bool) and dialogue (row,) -> their mean, a scalar.

    The mean is over the counted rows, or over conversations of the mean inside each. Nothing
    counted gives zero, with graph.
    """
    weights = counted.to(losses.dtype)
    if average == "conversations":
        together = (dialogue[:, None] == dialogue).to(losses.dtype)
        weights = weights / (together @ weights).clamp(min=1)
    return (losses * weights).sum() / weights.sum().clamp(min=torch.finfo(losses.dtype).tiny)
