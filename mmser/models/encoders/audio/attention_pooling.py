"""Attention pooling: a convolutional network over 2 s spectrograms, pooled by one attention map.

The map is the same for all classes.

Source: Li, Song, McLoughlin, Guo, Dai, "An attention pooling based representation learning method
for speech emotion recognition", Interspeech 2018.

Differs:
    The class maps ("top-down", 1x1 convolutions without bias) and the attention-weighted sum over
    cells commute, so the encoder sums the feature maps and a linear head without bias gives the
    class scores: the same numbers. Channel counts of the first two convolutions (only in a picture)
    are 8 each. What is scaled to [-1, 1] (not stated) is the log magnitude of each segment. The
    zeros that bring 197 frames to 200 columns, or a shorter clip to 2 s, are put in after
    companding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.convolution.two_shapes import TwoShapes
from mmser.models.layers.time.segments import cut_segments, put_back

SEGMENTS_AT_ONCE = 64
"""Segments computed at a time outside training."""


class AttentionPoolingNet(nn.Module):
    """Segments -> mu-law -> `TwoShapes` -> softmax over cells -> one vector per segment.

    A segment has ``segment`` steps. Segments start every ``hop`` steps in training and every
    ``test_hop`` steps otherwise; ``columns`` is the width of a map. ``scale`` log: log magnitudes,
    smallest -1 and largest 1; magnitude: [0, 1] of the largest. ``softmax`` off gives plain
    second-order (rank one) pooling.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (8, 32, 48, 64, 80),
        segment: int = 197,
        columns: int = 200,
        hop: int = 100,
        test_hop: int = 40,
        mu: float = 255.0,
        scale: Literal["log", "magnitude"] = "log",
        softmax: bool = True,
    ) -> None:
        super().__init__()
        if scale not in ("log", "magnitude"):
            raise MmserError("scale log or magnitude", f"'{scale}'", "Choose one of the two.")
        self.segment, self.columns, self.hop, self.test_hop = segment, columns, hop, test_hop
        self.mu, self.scale, self.softmax = mu, scale, softmax
        self.trunk = TwoShapes(channels, pooled=(0, 1, 2))
        self.output_size = self.trunk.output_size
        self.bottom_up = nn.Linear(self.output_size, 1, bias=False)

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, bin) of log power -> (batch, segment, channel)."""
        hop = self.hop if self.training else self.test_hop
        segments, real, exists = cut_segments(stream, self.segment, hop)
        if not len(segments):
            return put_back(segments.new_zeros(0, self.output_size), exists)
        maps = self.maps(segments, real)
        chunks = [maps] if self.training else maps.split(SEGMENTS_AT_ONCE)
        return put_back(torch.cat([self.pool(self.trunk(chunk))[0] for chunk in chunks]), exists)

    def maps(self, segments: Tensor, real: Tensor) -> Tensor:
        """Companded maps (n, column, bin) of segments (n, step, bin) of log power.

        ``real`` (n, step) is the mask of the segments.
        """
        values = segments / 2 if self.scale == "log" else torch.exp(segments / 2)
        inside = real[..., None]
        highest = values.masked_fill(~inside, -torch.inf).amax(dim=(1, 2), keepdim=True)
        lowest = values.masked_fill(~inside, torch.inf).amin(dim=(1, 2), keepdim=True)
        if self.scale == "log":
            scaled = 2 * (values - lowest) / (highest - lowest).clamp(min=1e-6) - 1
        else:
            scaled = values / highest.clamp(min=1e-12)
        companded = compand(scaled, self.mu).masked_fill(~inside, 0.0)
        return F.pad(companded, (0, 0, 0, self.columns - segments.shape[1]))

    def pool(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features (n, channel, time, bin) -> (n, channel) and the weights (n, cell)."""
        cells = features.flatten(2).transpose(1, 2)
        scores = self.bottom_up(cells).squeeze(-1)
        weights = scores.softmax(dim=1) if self.softmax else scores
        return torch.einsum("nc,ncf->nf", weights, cells), weights


def compand(values: Tensor, mu: float = 255.0) -> Tensor:
    """``sgn(x) ln(1 + mu |x|) / ln(1 + mu)``, any shape: mu-law companding (ITU-T G.711).

    Small values are spread and large ones squeezed; [-1, 1] is mapped onto itself.
    """
    return values.sign() * torch.log1p(mu * values.abs()) / math.log1p(mu)
