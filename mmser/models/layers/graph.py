"""Exact spectral convolution on graphs whose Fourier basis is known in closed form: the line and
the cycle.

The bases are built from cosines and sines with fixed signs: a network between the two transforms is
no odd function, so the sign of a basis vector matters, and an eigensolver would choose it at
random.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Basis = Literal["dct2", "normalised", "cycle"]


def graph_basis(nodes: int, basis: Basis) -> tuple[Tensor, Tensor]:
    """Orthonormal eigenvectors (node, frequency) and eigenvalues (frequency,) of a Laplacian,
    float64.

    ``dct2``: line graph, D - A (the DCT-II). ``normalised``: line graph, D^-1/2 (D - A) D^-1/2 (a
    weighted DCT-I). ``cycle``: cycle graph, D - A; constant, then cosine and sine of each
    frequency, then the alternating vector.
    """
    node, frequency = (
        torch.arange(nodes, dtype=torch.float64)[:, None],
        torch.arange(nodes, dtype=torch.float64),
    )
    if basis == "dct2":
        angle = torch.pi * frequency / nodes
        vectors, values = torch.cos(angle * (node + 0.5)), 2 - 2 * torch.cos(angle)
    elif basis == "normalised":
        angle = torch.pi * frequency / (nodes - 1)
        degree = torch.full((nodes, 1), 2.0, dtype=torch.float64)
        degree[0] = degree[-1] = 1.0
        vectors, values = degree.sqrt() * torch.cos(angle * node), 1 - torch.cos(angle)
    else:
        angle = 2 * torch.pi * ((frequency + 1) // 2) / nodes
        is_sine = (frequency % 2 == 0) & (frequency > 0)
        vectors = torch.where(is_sine, torch.sin(angle * node), torch.cos(angle * node))
        values = 2 - 2 * torch.cos(angle)
    return vectors / vectors.norm(dim=0), values


class SpectralMLP(nn.Module):
    """Linear, batch norm over all rows, ReLU, linear, applied to every spectral row."""

    def __init__(self, input_size: int, inner_size: int, output_size: int) -> None:
        super().__init__()
        self.inner = nn.Linear(input_size, inner_size)
        self.norm = nn.BatchNorm1d(inner_size)
        self.outer = nn.Linear(inner_size, output_size)

    def forward(self, rows: Tensor) -> Tensor:
        """(graph, frequency, feature) -> (graph, frequency, output)."""
        hidden = self.norm(self.inner(rows).flatten(0, 1)).relu()
        return self.outer(hidden).unflatten(0, rows.shape[:2])


class GraphConvolution(nn.Module):
    """``U MLP(U^T H)`` for the fixed basis U; node and frequency counts are the same."""

    basis: Tensor

    def __init__(self, nodes: int, basis: Basis, mlp: nn.Module) -> None:
        super().__init__()
        # Follows from the arguments, so it is not saved.
        self.register_buffer("basis", graph_basis(nodes, basis)[0].float(), persistent=False)
        self.mlp = mlp

    def forward(self, values: Tensor) -> Tensor:
        """(graph, node, feature) -> (graph, node, output)."""
        return self.basis @ self.mlp(self.basis.T @ values)
