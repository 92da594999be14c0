"""GRU or LSTM over a feature sequence, one or two directions."""

from __future__ import annotations

from torch import nn

from mmser.core.batch import Stream
from mmser.models.layers.time.recurrent import Cell, Merge, Recurrent, orthogonal


class RecurrentEncoder(nn.Module):
    """Input dropout -> recurrence; the states of every real step come out, at the input's rate.

    ``merge`` joins the directions; ``orthogonal_start`` sets the recurrence orthogonal with zero
    biases, but for those of a GRU's reset and update gates, which start at ``gate_bias``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 128,
        cell: Cell = "gru",
        bidirectional: bool = True,
        layers: int = 1,
        merge: Merge = "concat",
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        orthogonal_start: bool = False,
        gate_bias: float | None = None,
    ) -> None:
        super().__init__()
        self.input_dropout = nn.Dropout(input_dropout)
        self.recurrence = Recurrent(
            input_size, hidden_size, cell, bidirectional, layers, dropout, merge
        )
        self.output_size = self.recurrence.output_size
        if orthogonal_start:
            orthogonal(self.recurrence, gate_bias)

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, time, output_size), same mask."""
        # The recurrence leaves padding out, whatever stands in it.
        values = self.input_dropout(stream.values)
        return Stream(self.recurrence(values, stream.mask).outputs, stream.mask)
