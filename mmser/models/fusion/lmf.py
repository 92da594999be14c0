"""LMF: tensor fusion whose weight tensor is a sum of ``rank`` outer products.

So the tensor is never built.

Source: Liu, Shen, Lakshminarasimhan, Liang, Zadeh, Morency, "Efficient low-rank multimodal fusion
with modality-specific factors", ACL 2018, with its authors' released code::

    h = sum_r w_r * prod_m (W_m^r [1 ; z_m]) + b

Differs:
    h is a vector of ``size`` that a head reads (the released code predicts with it directly). An
    absent modality is [1 ; 0]: its factor is a constant. Each factor starts at one plus a linear
    map of its modality: the released start near zero makes a product of three vanish, and learning
    with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.time.pooling import last_step


class LMF(nn.Module):
    """Low-rank product of the streams' last steps -> (batch, size).

    Meant for streams of one step (an utterance vector); of a longer one the last step counts.
    """

    def __init__(self, input_sizes: Mapping[str, int], size: int = 64, rank: int = 4) -> None:
        super().__init__()
        self.output_size = size
        self.factors = nn.ParameterDict(
            {
                name: nn.Parameter(torch.empty(rank, width + 1, size))
                for name, width in input_sizes.items()
            }
        )
        self.weights = nn.Parameter(torch.empty(1, rank))
        self.bias = nn.Parameter(torch.zeros(size))
        nn.init.xavier_normal_(self.weights)
        with torch.no_grad():
            for factor in self.factors.values():
                for matrix in factor:
                    nn.init.xavier_normal_(matrix)
                factor[:, 0] = 1.0

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, size)."""
        projected = [
            self._projected(streams[name], factor) for name, factor in self.factors.items()
        ]
        product = torch.stack(projected).prod(dim=0)  # (rank, batch, size)
        return Fused(torch.einsum("r,rbs->bs", self.weights[0], product) + self.bias)

    @staticmethod
    def _projected(stream: Stream, factor: Tensor) -> Tensor:
        """[1 ; z] through one stream's factors: (rank, batch, size)."""
        return F.pad(last_step(stream.values, stream.mask), (1, 0), value=1.0) @ factor
