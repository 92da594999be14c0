"""A learned weighted sum of the layers of a network.

Source: Yang et al., "SUPERB: speech processing universal performance benchmark", Interspeech 2021,
section 3.2, with S3PRL's Featurizer: one weight a layer, through a softmax, all alike at the start.
Its ``normalize`` (a layer norm without parameters before the sum) is off in SUPERB.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError


class LayerSum(nn.Module):
    """Weights of ``layers`` layers; ``normalise`` brings each vector to mean 0 and variance 1."""

    def __init__(self, layers: int, normalise: bool = False) -> None:
        super().__init__()
        if layers < 2:
            raise MmserError("layers of 2 or more", f"{layers}", "Correct the encoder's argument.")
        self.scores = nn.Parameter(torch.zeros(layers))
        self.normalise = normalise

    @property
    def weights(self) -> Tensor:
        """(layer,), positive, of sum 1."""
        return self.scores.softmax(dim=0)

    def forward(self, values: Tensor) -> Tensor:
        """(*any, layer, feature) -> (*any, feature)."""
        if self.normalise:
            values = F.layer_norm(values, values.shape[-1:])
        return torch.einsum("...lf,l->...f", values, self.weights.to(values.dtype))
