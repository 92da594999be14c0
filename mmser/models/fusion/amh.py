"""AMH-N: attentive modality hopping.

Source: Yoon, Dey, Lee, Jung, "Attentive modality hopping mechanism for speech emotion recognition",
ICASSP 2020, with details from its authors' released code.

Differs:
    torch's GRU cell (in the encoders) instead of TensorFlow's: reset gate after the product, two
    bias vectors. A stream without a real step summarises to zeros (the released code attends
    uniformly over padding).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.multi_head import dot_attention
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import last_step


class AMH(nn.Module):
    """Each hop replaces the summary of one stream by attention over it, asked by the others.

    Summaries start as last states. The hops go round in ``order`` (the streams it names that are
    here, then the rest): face, audio, text, face, ... Every hop has parameters of its own. ``hops``
    = 0 leaves the last states; there is no upper limit. With a single stream its own summary asks.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        hops: int = 7,
        order: Sequence[str] = ("face", "audio", "text"),
        uniform: float = 0.25,
    ) -> None:
        super().__init__()
        if hops < 0:
            raise MmserError(
                "a number of hops of 0 or more", str(hops), "Set fusion.hops to 0 or more."
            )
        self.names = tuple(input_sizes)
        ranked = [name for name in order if name in input_sizes] + [
            name for name in self.names if name not in order
        ]
        self.visits = tuple(ranked[hop % len(ranked)] for hop in range(hops))
        self.output_size = sum(input_sizes.values())
        self.queries = nn.ModuleList()
        for name in self.visits:
            query = nn.Linear(
                sum(input_sizes[other] for other in self._asking(name)), input_sizes[name]
            )
            nn.init.uniform_(query.weight, -uniform, uniform)
            nn.init.zeros_(query.bias)
            self.queries.append(query)

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, sum of features).

        Attention: ``hop<n>_<stream>`` (batch, time), n from 1.
        """
        # Every hop reads a stream again: its padding is set to zero here.
        values = {n: zero_padding(streams[n].values, streams[n].mask) for n in self.names}
        summaries = {name: last_step(values[name], streams[name].mask) for name in self.names}
        attention: dict[str, Tensor] = {}
        for hop, (name, query) in enumerate(zip(self.visits, self.queries, strict=True), start=1):
            question = query(torch.cat([summaries[other] for other in self._asking(name)], dim=-1))
            summaries[name], weights = dot_attention(
                question, values[name], streams[name].mask, zeroed=True
            )
            if need_attention:
                attention[f"hop{hop}_{name}"] = weights
        return Fused(
            torch.cat([summaries[name] for name in self.names], dim=-1), attention=attention
        )

    def _asking(self, visited: str) -> list[str]:
        """The streams whose summaries form the query of a visit."""
        return [name for name in self.names if name != visited] or [visited]
