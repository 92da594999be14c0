"""KS-Transformer: key-sparse attention and cascaded cross-attention blocks between modalities.

The blocks are called CCAB; a deep fusion follows them.

Source: Chen, Xing, Xu, Yang, Pang, "Key-sparse transformer for multimodal speech emotion
recognition", ICASSP 2022 (arXiv 2106.11532), with details from its authors' released code.

Differs:
    Padding has no influence (``padding="released"`` brings it back: it is counted among the keys of
    which a share survives, it votes, and the layers after the first cross-attention of a CCAB as
    well as the mean over time see it). One skip connection around the interaction, as the figure
    shows; the released code has two (``double_skip``). Positions are sinusoids; in the released
    code an initialiser overwrites them by frozen noise (``position="released_noise"``). More than
    two streams: a chain of CCABs for every source, their outputs summed. A single stream goes from
    its own module straight to deep fusion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.fusion.ks_transformer.layer import KeySparseAttention, KeySparseLayer
from mmser.models.layers.attention.positions import step_positions
from mmser.models.layers.masks.derived import once
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import masked_mean

Position = Literal["sinusoid", "released_noise"]
NOISE_STEPS = 2000
"""Rows of the released position tables: the longest sequence they can place."""

MakeLayer = Callable[..., KeySparseLayer]


class KSTransformer(nn.Module):
    """Own transformer layers -> CCABs over every other stream -> key-sparse layers -> one vector.

    The CCABs have a skip connection; the vector is the mean over time. ``feature_layers``,
    ``cascades`` (0 to 4 in the paper) and ``deep_layers`` count the layers of the three stages;
    ``inner_share`` is the size of the feed-forward as a share of the stream's. The vectors of the
    streams are concatenated: ``output_size`` is the sum of their sizes, each divisible by
    ``heads``.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        heads: int = 8,
        feature_layers: int = 5,
        cascades: int = 3,
        deep_layers: int = 2,
        keep: float = 0.5,
        inner_share: float = 0.5,
        dropout: float = 0.1,
        weight_dropout: float = 0.1,
        padding: Literal["masked", "released"] = "masked",
        double_skip: bool = False,
        position: Position = "sinusoid",
        renormalise: bool = False,
    ) -> None:
        super().__init__()
        if padding not in ("masked", "released"):
            raise MmserError("padding masked or released", f"'{padding}'", "Choose one of the two.")
        self.names = tuple(input_sizes)
        self.released = padding == "released"
        self.double_skip = double_skip
        self.output_size = sum(input_sizes.values())

        def layer(size: int, key_size: int | None = None, share: float = keep) -> KeySparseLayer:
            attention = KeySparseAttention(
                size, heads, key_size, share, weight_dropout, renormalise, self.released
            )
            return KeySparseLayer(attention, size, max(1, round(size * inner_share)), dropout)

        def block(size: int, count: int, share: float) -> _Block:
            return _Block([layer(size, share=share) for _ in range(count)], size, position)

        self.features = nn.ModuleDict(
            {n: block(size, feature_layers, 1.0) for n, size in input_sizes.items()}
        )
        self.deep = nn.ModuleDict(
            {n: block(size, deep_layers, keep) for n, size in input_sizes.items()}
        )
        self.interactions = nn.ModuleDict()
        pairs = permutations(self.names, 2) if cascades else ()
        for query, key in pairs:
            sizes = input_sizes[query], input_sizes[key]
            chain = [_CCAB(layer, *sizes, position) for _ in range(cascades)]
            self.interactions[_key(query, key)] = nn.ModuleList(chain)
        self.apply(_xavier)

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, sum of features).

        Attention, (batch, head, query, key), zero at dropped keys: ``<query>_over_<key>`` of the
        last CCAB, ``<name>_over_<name>`` of the last deep layer.
        """
        weights: dict[str, Tensor] = {}
        own = {name: self._own(name, streams[name]) for name in self.names}
        pooled = []
        for name in self.names:
            mask = self._rows(streams[name].mask)
            values = self._interacted(name, own, streams, need_attention, weights)
            values, attended = self.deep[name](values, mask, need_weights=need_attention)
            if attended is not None:
                weights[_key(name, name)] = attended
            pooled.append(masked_mean(values, mask))
        return Fused(torch.cat(pooled, dim=-1), attention=weights)

    def _own(self, name: str, stream: Stream) -> Tensor:
        filled = zero_padding(stream.values, stream.mask)
        values, _ = self.features[name](filled, self._rows(stream.mask), keys=stream.mask)
        return values

    def _interacted(
        self,
        name: str,
        own: Mapping[str, Tensor],
        streams: Mapping[str, Stream],
        need: bool,
        weights: dict[str, Tensor],
    ) -> Tensor:
        """What the stream's own values become next to those of every other stream."""
        skip, mask = own[name], self._rows(streams[name].mask)
        total = skip * (2.0 if self.double_skip else 1.0)
        for other in self.names:
            if _key(name, other) not in self.interactions:
                continue
            # Every block of the cascade asks the same memory: the other stream's own values.
            values, attended = skip, None
            for block in self.interactions[_key(name, other)]:  # type: ignore[attr-defined]
                values, attended = block(values, mask, own[other], streams[other].mask, need)
            if attended is not None:
                weights[_key(name, other)] = attended
            total = total + values
        return total

    def _rows(self, mask: Tensor) -> Tensor:
        """The steps that count as queries: the real ones.

        As released, they are every step of a stream that is present.
        """
        return once(_steps_of_present, mask) if self.released else mask


def _steps_of_present(mask: Tensor) -> Tensor:
    """Every step of a row that has any: (batch, time)."""
    return mask.any(dim=1, keepdim=True).expand_as(mask)


class _Block(nn.Module):
    """LayerNorm, then layers of self-attention that share their positions."""

    def __init__(self, layers: list[KeySparseLayer], size: int, position: Position) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.places = _Places(size, position)
        self.layers = nn.ModuleList(layers)

    def forward(
        self, values: Tensor, mask: Tensor, keys: Tensor | None = None, need_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """values (batch, time, feature), finite -> the same shape.

        ``keys`` (batch, time) may be attended to (default: ``mask``).
        """
        values, places, weights = self.norm(values), self.places(values), None
        for layer in self.layers:
            values, weights = layer(
                values, mask, places, memory_mask=keys, need_weights=need_weights
            )
        return values, weights


class _CCAB(nn.Module):
    """Cascaded cross-attention block: ``y = cross(q = A, kv = B); z = self(y)``.

    Each stands behind its LayerNorm.
    """

    def __init__(self, layer: MakeLayer, size: int, key_size: int, position: Position) -> None:
        super().__init__()
        self.query_norm, self.key_norm = nn.LayerNorm(size), nn.LayerNorm(key_size)
        self.query_places, self.key_places = _Places(size, position), _Places(key_size, position)
        self.cross = layer(size, key_size)
        self.within = _Block([layer(size)], size, position)

    def forward(
        self, values: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """values (batch, time, feature), memory (batch, key, key feature) -> values, weights.

        Weights are those of the cross-attention, when asked for.
        """
        values, weights = self.cross(
            self.query_norm(values),
            mask,
            self.query_places(values),
            self.key_norm(memory),
            memory_mask,
            self.key_places(memory),
            need_weights,
        )
        return self.within(values, mask)[0], weights


class _Places(nn.Module):
    """Positions (time, feature) for values (batch, time, feature).

    Sinusoids, or a frozen table of noise.
    """

    table: Tensor

    def __init__(self, size: int, position: Position) -> None:
        super().__init__()
        self.noise = position == "released_noise"
        if position not in ("sinusoid", "released_noise"):
            raise MmserError(
                "position sinusoid or released_noise", f"'{position}'", "Choose one of the two."
            )
        if self.noise:
            self.register_buffer("table", nn.init.xavier_uniform_(torch.empty(NOISE_STEPS, size)))

    def forward(self, values: Tensor) -> Tensor:
        time = values.shape[1]
        if not self.noise:
            return step_positions(values)
        if time > NOISE_STEPS:
            raise MmserError(
                f"at most {NOISE_STEPS} steps",
                str(time),
                "Set a limit for the stream, or position=sinusoid.",
            )
        return self.table[:time]


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def _key(query: str, key: str) -> str:
    return f"{query}_over_{key}"
