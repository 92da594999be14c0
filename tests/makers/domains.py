"""A linear model, and batches of rows of several domains."""

from __future__ import annotations

import torch
from torch import nn

from mmser.core.batch import Batch, Outputs, Stream, empty_context


class LinearModel(nn.Module):
    def __init__(self, size=8, out=4):
        super().__init__()
        self.layer, self.head = nn.Linear(size, out), nn.Linear(out, 2)
        self.vector_size = out

    def forward(self, streams, context, need_attention=False):
        vector = self.layer(streams["x"].values[:, 0])
        return Outputs(vector, self.head(vector), encoded={"x": streams["x"]})


def make_batch(values, emotion, **targets):
    rows = len(values)
    stream = Stream(values[:, None], torch.ones(rows, 1, dtype=torch.bool))
    return Batch(
        tuple(map(str, range(rows))),
        {"x": stream},
        empty_context(rows),
        {"emotion": emotion, **targets},
    )


def half_labelled_batch() -> Batch:
    """Four labelled, four unlabelled rows."""
    torch.manual_seed(0)
    return make_batch(torch.randn(8, 8), torch.tensor([0, 1, 0, 1, -100, -100, -100, -100]))
