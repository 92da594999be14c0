"""Early fusion: aligned streams concatenated at every step, then one recurrence over them.

The classic feature-level baseline. Needs streams that share their steps: ``data.alignment=grid`` or
``word``.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.time.pooling import masked_statistics
from mmser.models.layers.time.recurrent import Cell, Recurrent


class EarlyConcat(nn.Module):
    """Streams side by side at each step -> recurrence -> mean and deviation over time.

    A step also says which of the streams are real there. A step is real when any stream is; a
    stream missing there is zero and says so by its flag.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        hidden_size: int = 128,
        cell: Cell = "lstm",
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        joint = sum(input_sizes.values()) + len(self.names)
        self.dropout = nn.Dropout(dropout)
        self.recurrence = Recurrent(joint, hidden_size, cell, layers=layers, dropout=dropout)
        self.output_size = 2 * self.recurrence.output_size

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) with one common time axis -> vector, sequence.

        The vector is (batch, output_size).
        """
        self._check({name: streams[name].mask.shape[1] for name in self.names})
        masks = torch.stack(
            [streams[name].mask for name in self.names], dim=-1
        )  # (batch, time, stream)
        values: list[Tensor] = [streams[name].filled() for name in self.names]
        joint = torch.cat([*values, masks.to(values[0].dtype)], dim=-1)
        mask = masks.any(dim=-1)
        outputs = self.recurrence(self.dropout(joint), mask).outputs
        return Fused(masked_statistics(outputs, mask), sequence=Stream(outputs, mask))

    @staticmethod
    def _check(steps: Mapping[str, int]) -> None:
        first, *others = steps.values()
        if any(other != first for other in others):
            raise MmserError(
                "streams with the same steps",
                ", ".join(f"{count} of {name}" for name, count in steps.items()),
                "Set data.alignment=grid (or word).",
            )
