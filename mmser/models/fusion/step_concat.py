"""Keep the steps of one stream, and put the means of the others beside each.

For heads that judge step by step. The fusion of systems that cut an utterance into segments, judge
each and average (head ``segment_average``).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.time.pooling import masked_mean


class StepConcat(nn.Module):
    """sequence[t] = [leading stream at t ; mean of each other stream].

    The vector is its mean over the real steps. ``leading`` names the stream whose steps are kept
    (None: the first). A row without it has one step of zeros there.
    """

    def __init__(self, input_sizes: Mapping[str, int], leading: str | None = None) -> None:
        super().__init__()
        self.leading = leading or next(iter(input_sizes))
        if self.leading not in input_sizes:
            raise MmserError(
                f"a stream among {', '.join(input_sizes)}",
                f"'{leading}'",
                "Correct fusion.leading.",
            )
        self.others = tuple(name for name in input_sizes if name != self.leading)
        self.output_size = sum(input_sizes.values())

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, sum of features), sequence.

        The sequence has the leading stream's time axis and the same features.
        """
        lead = streams[self.leading]
        mask = torch.cat([lead.mask[:, :1] | ~lead.present[:, None], lead.mask[:, 1:]], dim=1)
        means = [masked_mean(streams[name].values, streams[name].mask) for name in self.others]
        beside = [mean[:, None].expand(-1, mask.shape[1], -1) for mean in means]
        sequence = Stream(torch.cat([lead.filled(), *beside], dim=-1), mask)
        return Fused(masked_mean(sequence.values, mask), sequence=Stream(sequence.filled(), mask))
