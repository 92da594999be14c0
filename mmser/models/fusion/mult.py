"""MulT: every stream attends to every other, at the other's own rate, before its own transformer.

Source: Tsai, Bai, Liang, Kolter, Morency, Salakhutdinov, "Multimodal transformer for unaligned
multimodal language sequences", ACL 2019, with its authors' released code.

Differs:
    Padding is masked. No mask over the future (an option of the released code). A single stream has
    its own transformer only. A stream whose partner is absent gets zeros from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.attention.positions import with_positions
from mmser.models.layers.attention.transformer import TransformerLayer
from mmser.models.layers.convolution.masked import MaskedConv1d
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import last_step


class MulT(nn.Module):
    """Convolution -> cross-modal transformers -> own transformer -> last step -> residual block.

    The convolution brings a stream to ``size``. ``kernels`` gives the convolution width per stream
    (3 where it is silent). ``layers`` counts the layers of each cross-modal transformer; the own
    transformers have at least ``own_layers``. ``input_dropout`` acts on text, ``dropout`` on the
    embeddings, inside and after each sub-layer, ``weight_dropout`` on attention weights (0 lets the
    fused CPU kernel run).
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        size: int = 40,
        heads: int = 10,
        layers: int = 4,
        own_layers: int = 3,
        kernels: Mapping[str, int] | None = None,
        input_dropout: float = 0.3,
        dropout: float = 0.25,
        weight_dropout: float = 0.0,
        output_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        widths = kernels or {}
        self.input_dropout = nn.Dropout(input_dropout)
        self.convolutions = nn.ModuleDict(
            {
                n: MaskedConv1d(wide, size, widths.get(n, 3), bias=False)
                for n, wide in input_sizes.items()
            }
        )
        joint = size * max(1, len(self.names) - 1)

        def stack(width: int, count: int) -> _Transformer:
            return _Transformer(width, heads, count, dropout, weight_dropout)

        pairs = permutations(self.names, 2)
        self.cross = nn.ModuleDict({_key(*pair): stack(size, layers) for pair in pairs})
        self.own = nn.ModuleDict(
            {name: stack(joint, max(layers, own_layers)) for name in self.names}
        )
        self.output_size = joint * len(self.names)
        self.residual = nn.Sequential(
            nn.Linear(self.output_size, self.output_size),
            nn.ReLU(),
            nn.Dropout(output_dropout),
            nn.Linear(self.output_size, self.output_size),
        )

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, streams * (streams - 1) * size).

        Attention of the last layers: ``<query>_over_<key>`` (batch, head, query, key).
        """
        embedded = {name: self._embedded(name, streams[name]) for name in self.names}
        weights: dict[str, Tensor] = {}

        def run(stack: nn.Module, key: str, query: Stream, memory: Stream | None = None) -> Tensor:
            """The stack's output; its weights, where asked for, are noted under ``key``."""
            values, attended = stack(query, memory, need_attention)
            if attended is not None:
                weights[key] = attended
            return values

        last = []
        for name, own in embedded.items():
            crossed = []
            for other in self.names:
                if other != name:
                    key = _key(name, other)
                    crossed.append(run(self.cross[key], key, own, embedded[other]))
            # A single stream has no other: it goes on as it is.
            joint = Stream(torch.cat(crossed, dim=-1), own.mask) if crossed else own
            last.append(last_step(run(self.own[name], _key(name, name), joint), own.mask))
        vector = torch.cat(last, dim=-1)
        return Fused(vector + self.residual(vector), attention=weights)

    def _embedded(self, name: str, stream: Stream) -> Stream:
        values = stream.filled()
        if name == "text":
            values = self.input_dropout(values)
        return Stream(*self.convolutions[name](values, stream.mask))


class _Transformer(nn.Module):
    """``sqrt(size)`` times the input plus positions, pre-norm layers, a last norm.

    Keys share the norm of the queries.
    """

    def __init__(
        self, size: int, heads: int, layers: int, dropout: float, weight_dropout: float
    ) -> None:
        super().__init__()
        self.scale = size**0.5
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(size, heads, 4 * size, dropout, weight_dropout, pre_norm=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(size)

    def forward(
        self, query: Stream, memory: Stream | None, need: bool
    ) -> tuple[Tensor, Tensor | None]:
        """query, memory (batch, time, size), zero in padding -> (batch, time, size), weights.

        Weights are given when asked for.
        """
        values, weights = self._placed(query), None
        keys = None if memory is None else self._placed(memory)
        for layer in self.layers:
            if keys is None or memory is None:
                values, weights = layer(values, query.mask, need_weights=need)
            else:
                normed = layer.attention_norm(keys)  # type: ignore[operator]
                values, weights = layer(values, query.mask, normed, memory.mask, need)
        return zero_padding(self.norm(values), query.mask), weights

    def _placed(self, stream: Stream) -> Tensor:
        return self.dropout(with_positions(self.scale * stream.values))


def _key(query: str, key: str) -> str:
    return f"{query}_over_{key}"
