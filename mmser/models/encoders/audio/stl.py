"""STL: convolutions and a BiLSTM make one vector of an utterance; transformer layers refine it.

Source: Wang, Wang, Qi, Su, Wang, Zhou, "A novel end-to-end speech emotion recognition network with
stacked transformer layers", ICASSP 2021; features and transformer modules also from its authors'
released code.

Differs:
    Layer widths were never published; these meet both published totals (356 K and 468 K) within 2
    %. A clip under 10 s is not filled with silence: what is missing counts as zeros (the band's
    mean) and takes no part in batch statistics. The vector is one token, so every attention weight
    is 1, queries and keys get no gradient (they are frozen), and a layer is a residual network;
    ``stl_on="sequence"`` runs the layers on the BiLSTM's steps instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.positions import with_positions
from mmser.models.layers.attention.transformer import TransformerLayer
from mmser.models.layers.checkpoints.pretrained import freeze
from mmser.models.layers.convolution.average_pooling import average_pool_2d
from mmser.models.layers.convolution.conv_block import ConvBlock
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import AttentionPooling, masked_mean
from mmser.models.layers.time.recurrent import Recurrent


class STL(nn.Module):
    """6 x [conv 3x3, ELU, average pool 2x2] -> BiLSTM -> convolution -> transformer layers.

    The convolution runs over ``steps`` steps. ``layers`` 0 is the truncated system: the BiLSTM's
    last states (``truncated`` last) or their attention-weighted sum (attention). Utterances longer
    than ``steps`` steps after pooling (320 frames) are cut.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (32, 64, 96, 96, 96, 112),
        hidden_size: int = 20,
        steps: int = 5,
        layers: int = 5,
        heads: int = 4,
        stl_on: Literal["vector", "sequence"] = "vector",
        truncated: Literal["last", "attention"] = "last",
        dropout: float = 0.1,
        pool_dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if stl_on not in ("vector", "sequence") or truncated not in ("last", "attention"):
            choices = f"'{stl_on}', '{truncated}'"
            raise MmserError(
                "stl_on vector or sequence and truncated last or attention", choices, "Correct it."
            )
        sizes = [1, *channels]
        self.blocks = nn.ModuleList(
            ConvBlock(inner, outer, (3, 3), bias=True, activation=F.elu)
            for inner, outer in zip(sizes, channels, strict=False)
        )
        self.pool_dropout = nn.Dropout(pool_dropout)
        self.steps = steps
        bands = -(-input_size // 2 ** len(channels))
        self.recurrence = Recurrent(channels[-1] * bands, hidden_size, "lstm")
        size = self.output_size = self.recurrence.output_size
        self.whole = layers > 0 and stl_on == "vector"
        self.attention = AttentionPooling(size) if not layers and truncated == "attention" else None
        self.summary = nn.Conv1d(size, size, steps) if self.whole else None
        self.layers = nn.ModuleList(
            TransformerLayer(size, heads, 4 * size, dropout, pre_norm=True) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(size) if layers else None
        if self.whole:
            # With one token these two never get a gradient.
            for layer in self.layers:
                freeze(layer.attention.query)  # type: ignore[union-attr,arg-type]
                freeze(layer.attention.key)  # type: ignore[union-attr,arg-type]

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, band) -> (batch, 1, output_size)."""
        values, mask = self.steps_of(stream)
        recurred = self.recurrence(values, mask)
        outputs = recurred.outputs
        vector = self._refined(outputs, mask) if len(self.layers) else recurred.final
        if self.attention is not None:
            vector, _ = self.attention(outputs, mask)
        return Stream(vector[:, None], stream.present[:, None])

    def steps_of(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """(batch, time, band) -> (batch, ``steps``, channel x band) and its mask."""
        longest = self.steps * 2 ** len(self.blocks)
        values, mask = stream.filled()[:, None], stream.mask
        if torch.compiler.is_exporting():  # the cut has to have one size
            values, mask = F.pad(values, (0, 0, 0, longest)), F.pad(mask, (0, longest))
        values, mask = values[:, :, :longest], mask[:, :longest]
        for block in self.blocks:
            values, mask = average_pool_2d(block(values, mask), mask, (2, 2))
            values = self.pool_dropout(values)
        missing = self.steps - mask.shape[1]
        # (batch, channel, step, band) -> (batch, step, channel x band)
        steps = values.transpose(1, 2).flatten(2)
        return F.pad(steps, (0, 0, 0, missing)), F.pad(mask, (0, missing))

    def _refined(self, outputs: Tensor, mask: Tensor) -> Tensor:
        """outputs (batch, step, feature) -> (batch, feature)."""
        if self.summary is not None:
            # All steps become one token: (batch, 1, feature).
            tokens = self.summary(outputs.transpose(1, 2)).transpose(1, 2)
            mask = torch.ones_like(mask[:, :1])
        else:
            tokens = zero_padding(with_positions(outputs), mask)
        for layer in self.layers:
            tokens, _ = layer(tokens, mask)
        return masked_mean(self.norm(tokens), mask)  # type: ignore[misc]
