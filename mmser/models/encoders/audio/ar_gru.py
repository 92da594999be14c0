"""AR-GRU: a GRU whose candidate state passes through AReLU.

It is the recurrence alone; its system `iaan` adds the dialogue.

Source: Rajamani, Rajamani, Mallol-Ragolta, Liu, Schuller, "A novel attention-based gated recurrent
unit and its efficacy in speech emotion recognition", ICASSP 2021.

Differs:
    One AReLU per direction (sharing is not stated).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.time.ar_gru import ARGRU, AReLU
from mmser.models.layers.time.group_mean import group_mean


class ARGRUEncoder(nn.Module):
    """Mean over every ``average`` frames -> (AR-)GRU, the state of every step.

    ``activation`` arelu starts from ``alpha`` and ``beta``; tanh is the plain GRU, for comparison.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 128,
        bidirectional: bool = True,
        activation: Literal["arelu", "tanh"] = "arelu",
        alpha: float = 0.01,
        beta: float = 1.0,
        average: int = 5,
    ) -> None:
        super().__init__()
        if activation not in ("arelu", "tanh"):
            raise MmserError(
                "activation arelu or tanh", f"'{activation}'", "Choose one of the two."
            )
        make = partial(AReLU, alpha, beta) if activation == "arelu" else nn.Tanh
        self.average = average
        self.recurrence = ARGRU(input_size, hidden_size, bidirectional, make)
        self.output_size = self.recurrence.output_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, ceil(time / average), output_size)."""
        values, mask = group_mean(stream.values, stream.mask, self.average)
        return Stream(self.recurrence(values, mask), mask)
