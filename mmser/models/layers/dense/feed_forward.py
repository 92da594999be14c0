"""The position-wise feed-forward network, and activations by name."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Activation = Literal["relu", "gelu", "tanh", "silu", "none"]
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "none": nn.Identity,
}


def activation(name: Activation) -> nn.Module:
    """The activation module of that name; ``none`` passes its input on."""
    return _ACTIVATIONS[name]()


class FeedForward(nn.Module):
    """``W2 act(W1 x + b1) + b2`` at every step, with dropout after the activation."""

    def __init__(
        self, size: int, inner_size: int, dropout: float = 0.0, activation_name: Activation = "relu"
    ) -> None:
        super().__init__()
        self.inner = nn.Linear(size, inner_size)
        self.activation = activation(activation_name)
        self.dropout = nn.Dropout(dropout)
        self.outer = nn.Linear(inner_size, size)

    def forward(self, values: Tensor) -> Tensor:
        """(*any, feature) -> (*any, feature)."""
        return self.outer(self.dropout(self.activation(self.inner(values))))
