"""MHA: multi-hop attention; audio asks the text, the answer asks the audio, and so on.

Source: Yoon, Byun, Dey, Jung, "Speech emotion recognition using multi-hop attention mechanism",
ICASSP 2019 (arXiv 1904.10788).

Differs:
    Only the abstract could be consulted: the order of the hops is its own (text by audio, then
    audio by that text), the rest (scores are dot products, the last two summaries are classified)
    follows the successor AMH. Streams of unequal size get a linear map from the asking summary to
    the attended stream. With a third stream the hops go on to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.multi_head import dot_attention
from mmser.models.layers.time.pooling import last_step


class MHA(nn.Module):
    """Each hop replaces the summary of one stream by attention over it.

    The summary replaced last asks. The hops go round in ``order`` (the streams it names that are
    here, then the rest). The first question is the last state of the stream at the end of that
    round. ``hops`` = 0 leaves the last states.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        hops: int = 2,
        order: Sequence[str] = ("text", "audio", "face"),
    ) -> None:
        super().__init__()
        if hops < 0:
            raise MmserError(
                "a number of hops of 0 or more", str(hops), "Set fusion.hops to 0 or more."
            )
        ranked = [name for name in order if name in input_sizes] + [
            name for name in input_sizes if name not in order
        ]
        self.names = tuple(input_sizes)
        self.visits = tuple(ranked[hop % len(ranked)] for hop in range(hops))
        self.asking = (ranked[-1], *self.visits[:-1])
        self.output_size = sum(input_sizes.values())
        self.questions = nn.ModuleList(
            nn.Identity()
            if input_sizes[one] == input_sizes[other]
            else nn.Linear(input_sizes[one], input_sizes[other])
            for one, other in zip(self.asking, self.visits, strict=False)
        )

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, sum of features).

        Attention: ``hop<n>_<stream>`` (batch, time), n from 1.
        """
        summaries = {
            name: last_step(streams[name].values, streams[name].mask) for name in self.names
        }
        attention: dict[str, Tensor] = {}
        for hop, (name, question) in enumerate(
            zip(self.visits, self.questions, strict=True), start=1
        ):
            asked = question(summaries[self.asking[hop - 1]])
            summaries[name], weights = dot_attention(
                asked, streams[name].values, streams[name].mask
            )
            if need_attention:
                attention[f"hop{hop}_{name}"] = weights
        return Fused(
            torch.cat([summaries[name] for name in self.names], dim=-1), attention=attention
        )
