"""Fused vector -> hidden layers, if any -> class logits and / or values.

The task says which of the two it asks for.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmser.core.task import Task
from mmser.models.layers.dense.feed_forward import Activation, activation


class Classifier(nn.Module):
    """Dropout, hidden layers, then linear outputs.

    Each hidden layer of ``hidden_sizes`` is followed by activation and dropout. ``input_dropout``
    is the dropout before the first layer (None: as ``dropout``). ``layer_norm`` puts a norm before
    each activation. ``uniform`` draws the output weights from +-uniform with zero bias (None:
    torch's own initialisation).
    """

    def __init__(
        self,
        input_size: int,
        task: Task,
        hidden_sizes: Sequence[int] = (),
        dropout: float = 0.0,
        activation_name: Activation = "relu",
        uniform: float | None = None,
        input_dropout: float | None = None,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        classes, values = task.output_size("logits"), task.output_size("values")
        first_dropout = dropout if input_dropout is None else input_dropout
        layers: list[nn.Module] = [nn.Dropout(first_dropout)]
        size = input_size
        for hidden in hidden_sizes:
            layers.append(nn.Linear(size, hidden))
            if layer_norm:
                layers.append(nn.LayerNorm(hidden))
            layers += [activation(activation_name), nn.Dropout(dropout)]
            size = hidden
        self.hidden = nn.Sequential(*layers)
        self.logits = nn.Linear(size, classes) if classes else None
        self.values = nn.Linear(size, values) if values else None
        for layer in (self.logits, self.values):
            if layer is not None and uniform is not None:
                nn.init.uniform_(layer.weight, -uniform, uniform)
                nn.init.zeros_(layer.bias)

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, feature) -> logits (batch, class), values (batch, value), or None."""
        hidden = self.hidden(vector)
        logits = None if self.logits is None else self.logits(hidden)
        values = None if self.values is None else self.values(hidden)
        return logits, values
