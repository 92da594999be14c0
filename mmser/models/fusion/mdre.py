"""MDRE: one recurrent encoder per modality, each summary halved by a linear layer, concatenated.

Source: Yoon, Byun, Jung, "Multimodal speech emotion recognition using audio and text", SLT 2018
(arXiv 1810.04635), with its authors' released code; with a third modality as in the comparisons of
Yoon et al., ICASSP 2020.

Differs:
    Each projection has a bias vector (the released code adds one shared number). Utterance-level
    prosody, which the paper appends to the audio summary, is one more stream here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.time.pooling import last_step


class MDRE(nn.Module):
    """[W_1 last(stream 1) ; W_2 last(stream 2) ; ...], W_m from size d_m to d_m / 2; no activation.

    An absent stream contributes the bias of its projection. Weights start within +-``uniform``.
    """

    def __init__(self, input_sizes: Mapping[str, int], uniform: float = 0.25) -> None:
        super().__init__()
        self.output_size = sum(max(1, size // 2) for size in input_sizes.values())
        self.projections = nn.ModuleDict()
        for name, size in input_sizes.items():
            projection = nn.Linear(size, max(1, size // 2))
            nn.init.uniform_(projection.weight, -uniform, uniform)
            nn.init.zeros_(projection.bias)
            self.projections[name] = projection

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, half the sum of features)."""
        vectors = [
            project(last_step(streams[n].values, streams[n].mask))
            for n, project in self.projections.items()
        ]
        return Fused(torch.cat(vectors, dim=-1))
