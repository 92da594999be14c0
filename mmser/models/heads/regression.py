"""Fused vector -> values only (valence, arousal, ...), optionally squashed into [-1, 1]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.dense.feed_forward import Activation, activation


class Regression(nn.Module):
    """Dropout, hidden layers of ``hidden_sizes``, one linear output per value.

    ``bounded`` applies tanh.
    """

    def __init__(
        self,
        input_size: int,
        task: Task,
        hidden_sizes: Sequence[int] = (),
        dropout: float = 0.0,
        activation_name: Activation = "relu",
        bounded: bool = False,
    ) -> None:
        super().__init__()
        values = task.output_size("values")
        if not values:
            raise MmserError(
                "a task with values such as valence",
                f"the classes {', '.join(task.classes)} only",
                "Choose a dimensional protocol, or head=classifier.",
            )
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        size = input_size
        for hidden in hidden_sizes:
            layers += [nn.Linear(size, hidden), activation(activation_name), nn.Dropout(dropout)]
            size = hidden
        layers.append(nn.Linear(size, values))
        if bounded:
            layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers)

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, feature) -> None, values (batch, value)."""
        return None, self.layers(vector)
