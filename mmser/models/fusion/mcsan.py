"""MCSAN: cross-attention between modalities and self-attention within each, side by side.

Source: Sun, Liu, Tao, Lian, "Multimodal cross- and self-attention network for speech emotion
recognition", ICASSP 2021.

Differs:
    Any number of streams: a cross module for every unordered pair, a self module for every stream
    (the paper has one pair). Dropout (not stated) acts on the attention output and inside the
    feed-forward, not on the attention weights, so that the fused kernel runs; ``weight_dropout``
    puts it there. Positions are fixed sinusoids.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.positions import with_positions
from mmser.models.layers.attention.transformer import TransformerLayer
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import masked_max

Pair = tuple[Stream, Stream]


class MCSAN(nn.Module):
    """Cross modules of every ordered pair and self modules of every stream, side by side.

    Each gives its maximum over time. A stream whose feature size is not ``size`` is first brought
    there by a linear layer. ``cross`` and ``within`` switch the cross- and the self-attention
    modules; with one stream only the self module remains.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        size: int = 128,
        heads: int = 8,
        layers: int = 1,
        inner_size: int = 512,
        dropout: float = 0.1,
        weight_dropout: float = 0.0,
        positions: bool = True,
        cross: bool = True,
        within: bool = True,
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        pairs = list(combinations(self.names, 2)) if cross else []
        if not within and not pairs:
            raise MmserError(
                "a cross- or a self-attention module",
                "neither",
                "Set within=true, or give two streams and cross=true.",
            )
        self.positions = positions
        self.projections = nn.ModuleDict(
            {n: nn.Linear(w, size) for n, w in input_sizes.items() if w != size}
        )

        def stack() -> nn.ModuleList:
            return nn.ModuleList(
                TransformerLayer(size, heads, inner_size, dropout, weight_dropout)
                for _ in range(layers)
            )

        self.within = nn.ModuleDict({name: stack() for name in self.names} if within else {})
        self.cross = nn.ModuleDict()
        for first, second in pairs:
            self.cross[_key(first, second)] = stack()
            self.cross[_key(second, first)] = stack()
        self.pairs = pairs
        self.output_size = size * (len(self.cross) + len(self.within))

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, output_size).

        Attention: ``<query>_over_<key>`` (batch, head, query, key) of the last layer of each
        module.
        """
        longest = max(streams[name].mask.shape[1] for name in self.names)
        prepared = {name: self._prepared(name, streams[name], longest) for name in self.names}
        weights: dict[str, Tensor] = {}
        # What each module gives, beside the stream that asked.
        given: list[tuple[str, Tensor]] = []
        for first, second in self.pairs:
            after = self._crossed(
                first, second, (prepared[first], prepared[second]), need_attention, weights
            )
            given += [(first, after[0].values), (second, after[1].values)]
        for name, layers in self.within.items():
            values, mask = prepared[name].values, prepared[name].mask
            for layer in layers:  # type: ignore[attr-defined]
                values, attended = layer(values, mask, need_weights=need_attention, zeroed=True)
                if attended is not None:
                    weights[_key(name, name)] = attended
            given.append((name, values))
        return Fused(torch.cat(self._maxima(given, prepared), dim=-1), attention=weights)

    def _maxima(
        self, given: list[tuple[str, Tensor]], prepared: Mapping[str, Stream]
    ) -> list[Tensor]:
        """The maximum over time of each module, in order; those of one stream are taken at once."""
        maxima: dict[int, Tensor] = {}
        for name in self.names:
            numbers = [number for number, (asking, _) in enumerate(given) if asking == name]
            if numbers:
                joined = torch.cat([given[number][1] for number in numbers], dim=-1)
                highest = masked_max(joined, prepared[name].mask).chunk(len(numbers), dim=-1)
                maxima |= dict(zip(numbers, highest, strict=True))
        return [maxima[number] for number in range(len(given))]

    def _prepared(self, name: str, stream: Stream, longest: int) -> Stream:
        """Projected where sizes differ, positions added, padding zero."""
        values = stream.values
        if name in self.projections:
            values = self.projections[name](zero_padding(values, stream.mask))
        if self.positions:
            values = with_positions(values, longest)
        return Stream(zero_padding(values, stream.mask), stream.mask)

    def _crossed(
        self, first: str, second: str, pair: Pair, need: bool, weights: dict[str, Tensor]
    ) -> Pair:
        """The cross module of one pair.

        In every layer both sides attend to the other as it was before the layer.
        """
        ahead, back = _key(first, second), _key(second, first)
        for one, other in zip(self.cross[ahead], self.cross[back], strict=True):  # type: ignore[call-overload]
            a, b = pair
            left, to_second = one(a.values, a.mask, b.values, b.mask, need, zeroed=True)
            right, to_first = other(b.values, b.mask, a.values, a.mask, need, zeroed=True)
            pair = Stream(left, a.mask), Stream(right, b.mask)
            if need:
                weights |= {ahead: to_second, back: to_first}
        return pair


def _key(query: str, key: str) -> str:
    return f"{query}_over_{key}"
