"""Compact graph network: the frames of a 1.2 s chunk are the nodes of a line or cycle graph.

The graph convolution is exact.

Source: Shirian, Guha, "Compact graph architecture for speech emotion recognition", ICASSP 2021,
with details from its authors' released code.

Differs:
    The line graph's default basis is the DCT-II (what the paper claims), which belongs to the
    combinatorial Laplacian; ``basis="normalised"`` is the normalised one that the released code
    decomposes. A clip under 1.2 s repeats its last frame (dropped in the paper); the clip's
    decision is the mean of its chunks' probabilities.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.time.segments import cut_segments, put_back

Basis = Literal["dct2", "normalised", "cycle"]

Pooling = Literal["sum", "mean", "max"]
_POOLINGS = {"sum": lambda nodes: nodes.sum(dim=1), "mean": lambda nodes: nodes.mean(dim=1)} | {
    "max": lambda nodes: nodes.amax(dim=1)
}


class CompactGCN(nn.Module):
    """Chunks of ``nodes`` frames -> two graph convolutions -> one vector per chunk.

    2 x graph convolution, ReLU -> sum over nodes -> linear, dropout, PReLU. ``basis``: cycle, dct2
    or normalised (line). ``unit_range`` says that the stream is scaled to [0, 1] (data's
    ``minmax``), and stretches it to [-1, 1] as the released code has it.
    """

    def __init__(
        self,
        input_size: int,
        nodes: int = 120,
        basis: Basis = "cycle",
        size: int = 64,
        inner_size: int = 128,
        pooling: Pooling = "sum",
        output_size: int = 128,
        dropout: float = 0.5,
        unit_range: bool = False,
    ) -> None:
        super().__init__()
        if basis not in ("cycle", "dct2", "normalised") or pooling not in _POOLINGS:
            raise MmserError(
                "basis cycle, dct2 or normalised, and pooling sum, mean or max",
                f"'{basis}', '{pooling}'",
                "Correct it.",
            )
        self.nodes, self.pooling, self.unit_range = nodes, pooling, unit_range
        self.convolutions = nn.ModuleList(
            GraphConvolution(nodes, basis, SpectralMLP(inner, inner_size, size))
            for inner in (input_size, size)
        )
        self.outer = nn.Sequential(
            nn.Linear(size, output_size), nn.Dropout(dropout), nn.PReLU(output_size)
        )
        self.output_size = output_size
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, stream: Stream) -> Stream:
        """(batch, frame, feature) -> (batch, chunk, output_size).

        What follows the last whole chunk is dropped.
        """
        chunks, _, exists = cut_segments(stream, self.nodes, self.nodes, repeat_last=True)
        if not len(chunks):
            return put_back(chunks.new_zeros(0, self.output_size), exists)
        return put_back(
            self.outer(self.embedding(chunks * 2 - 1 if self.unit_range else chunks)), exists
        )

    def embedding(self, graphs: Tensor) -> Tensor:
        """(graph, node, feature) -> (graph, size)."""
        for convolution in self.convolutions:
            graphs = torch.relu(convolution(graphs))
        return _POOLINGS[self.pooling](graphs)


def graph_basis(nodes: int, basis: Basis) -> tuple[Tensor, Tensor]:
    """Orthonormal eigenvectors (node, frequency) and eigenvalues (frequency,) of a Laplacian.

    Both are float64. They are built from cosines and sines with fixed signs: the network between
    the two transforms is not an odd function, so the sign of an eigenvector matters, and an
    eigensolver would choose it at random.

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
