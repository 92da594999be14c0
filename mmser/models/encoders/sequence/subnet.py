"""A small network from a feature sequence to one vector: the modality embeddings of TFN and LMF.

Source: Zadeh et al., EMNLP 2017; Liu et al., ACL 2018, with the latter's released code: audio and
face are averaged over time and pass three dense layers with ReLU, text passes an LSTM and one
linear layer.

Differs: no batch norm before the dense layers; features are standardised by the stream's
``normalise: zscore``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.time.recurrent import Recurrent

Kind = Literal["dense", "lstm"]


class Subnet(nn.Module):
    """One vector per utterance, by ``kind``.

    ``dense``: mean over time, dropout, ``layers`` times linear and ReLU; ``lstm``: final state,
    dropout, linear. Either way one step of ``output_size`` comes out; an absent stream stays
    absent.
    """

    def __init__(
        self,
        input_size: int,
        kind: Kind = "dense",
        hidden_size: int = 32,
        output_size: int = 32,
        layers: int = 3,
        dropout: float = 0.15,
    ) -> None:
        super().__init__()
        if kind not in ("dense", "lstm"):
            raise MmserError("kind dense or lstm", f"'{kind}'", "Choose one of the two.")
        self.output_size = output_size
        self.dropout = nn.Dropout(dropout)
        self.recurrence: Recurrent | None = None
        sizes = [input_size, *[hidden_size] * (layers - 1), output_size]
        if kind == "lstm":
            self.recurrence = Recurrent(input_size, hidden_size, "lstm", bidirectional=False)
            sizes = [hidden_size, output_size]
        self.linear = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(sizes))

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, 1, output_size)."""
        if self.recurrence is not None:
            vector = self.linear[0](self.dropout(self.recurrence(stream.values, stream.mask).final))
        else:
            vector = self.dropout(masked_mean(stream.values, stream.mask))
            for layer in self.linear:
                vector = torch.relu(layer(vector))
        present = stream.present[:, None]
        return Stream(zero_padding(vector[:, None], present), present)
