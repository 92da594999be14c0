"""Heads of published emotion networks that no class of transformers has.

Sources: Wagner et al., "Dawn of the transformer era in speech emotion recognition", TPAMI 2023
(audEERING's dimensional wav2vec 2.0); Goncalves et al., "Odyssey 2024 speech emotion recognition
challenge", Odyssey 2024 (its WavLM baselines); pooling: Okabe et al., "Attentive statistics pooling
for deep speaker embedding", Interspeech 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DenseTanhHead(nn.Module):
    """Linear -> tanh -> linear over the mean of the frames (audEERING)."""

    def __init__(self, size: int, inner_size: int, labels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(size, inner_size)
        self.out_proj = nn.Linear(inner_size, labels)

    def pooled(self, frames: Tensor) -> Tensor:
        """frames (batch, time, size) without padding -> (batch, size)."""
        return frames.mean(dim=1)

    def forward(self, vector: Tensor) -> Tensor:
        """vector (batch, size) -> answers (batch, label)."""
        return self.out_proj(torch.tanh(self.dense(vector)))


class AttentiveStatisticsHead(nn.Module):
    """Attentive mean and deviation -> linear, layer norm, ReLU, ... -> linear (Odyssey 2024)."""

    def __init__(self, size: int, inner_size: int, layers: int, labels: int) -> None:
        super().__init__()
        self.sap_linear = nn.Linear(size, size)
        self.attention = nn.Parameter(torch.zeros(size, 1))
        sizes = [2 * size, *[inner_size] * layers]
        self.fc = nn.ModuleList(
            nn.Sequential(nn.Linear(sizes[layer], inner_size), nn.LayerNorm(inner_size), nn.ReLU())
            for layer in range(layers)
        )
        self.out = nn.Linear(inner_size, labels)

    def pooled(self, frames: Tensor) -> Tensor:
        """frames (batch, time, size) without padding -> (batch, 2 size)."""
        scores = torch.tanh(self.sap_linear(frames)) @ self.attention
        weights = scores.softmax(dim=1)
        mean = (frames * weights).sum(dim=1)
        variance = (frames.square() * weights).sum(dim=1) - mean.square()
        return torch.cat([mean, variance.clamp(min=1e-5).sqrt()], dim=1)

    def forward(self, vector: Tensor) -> Tensor:
        """vector (batch, 2 size) -> answers (batch, label)."""
        for layer in self.fc:
            vector = layer(vector)
        return self.out(vector)
