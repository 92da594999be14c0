"""How much a model's learned sums take of each layer of a pretrained network.

Source: Yang et al., "SUPERB: speech processing universal performance benchmark", Interspeech 2021.
"""

from __future__ import annotations

import pandas as pd
from torch import nn

from mmser.models.layers.dense.layer_sum import LayerSum

WEIGHT_COLUMNS = ("sum", "layer", "weight")


def layer_weights(model: nn.Module) -> pd.DataFrame:
    """WEIGHT_COLUMNS: the weight of each layer in each learned sum of ``model``; empty without one.

    ``sum`` is the stream whose encoder holds the sum, or else its name in the network. ``layer``
    counts from 0, in the order in which the sum is given the layers.
    """
    rows: list[tuple[str, int, float]] = []
    for name, module in model.named_modules():
        if isinstance(module, LayerSum):
            weights = module.weights.detach().float().cpu().tolist()
            rows += [(_stream(name), layer, weight) for layer, weight in enumerate(weights)]
    return pd.DataFrame(rows, columns=list(WEIGHT_COLUMNS))


def _stream(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == "encoders" and len(parts) > 1 else name
