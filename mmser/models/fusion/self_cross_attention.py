"""Self-attention, cross-attention, or both, then statistics over the resulting vectors.

Source: Rajan, Brutti, Cavallaro, "Is cross-attention preferable to self-attention for multi-modal
emotion recognition?", ICASSP 2022, with its authors' released code. The two models differ only in
where queries come from::

    self   r_m  = mean_t MHA_m(e_m, e_m, e_m)           every stream m
    cross  r_ms = mean_t MHA_ms(Q = e_m, K = V = e_s)   every ordered pair m != s

Differs:
    Attention and means leave padding out (with the encoders' ``layout: released`` every padded step
    counts as real). Vectors of an absent stream take no part in the statistics; the deviation of a
    single vector is that of equal ones (undefined in the paper). Streams of another feature size
    are first brought to ``size``. A single stream has no pair: its self module stands in. Dropout
    acts on what attention gives, not on its weights, so that the fused kernel runs;
    ``weight_dropout=0.1`` puts it where the paper has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, permutations

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.multi_head import MultiHeadAttention
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import masked_mean


class SelfCrossAttention(nn.Module):
    """[deviation ; mean] over the vectors of the modules -> linear to ``output_size``.

    No activation follows. ``within`` and ``cross`` choose self- and cross-attention (both: their
    pooled vectors are concatenated). ``statistics=False`` is the paper's noSP: the vectors
    themselves are concatenated.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        within: bool = True,
        cross: bool = False,
        statistics: bool = True,
        size: int = 120,
        heads: int = 6,
        output_size: int = 60,
        dropout: float = 0.1,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not within and not cross:
            raise MmserError(
                "a self- or a cross-attention module", "neither", "Set within=true or cross=true."
            )
        self.names = tuple(input_sizes)
        self.statistics = statistics
        self.projections = nn.ModuleDict(
            {n: nn.Linear(w, size) for n, w in input_sizes.items() if w != size}
        )
        own = [(name, name) for name in self.names]
        pairs = list(permutations(self.names, 2)) if cross else []
        self.groups = [group for group in (own if within or not pairs else [], pairs) if group]
        self.attention = nn.ModuleDict()
        for pair in chain.from_iterable(self.groups):
            self.attention[_key(*pair)] = MultiHeadAttention(size, heads, dropout=weight_dropout)
        self.dropout = nn.Dropout(dropout)
        pooled = 2 * len(self.groups) if statistics else len(self.attention)
        self.embedding = nn.Linear(pooled * size, output_size)
        self.output_size = output_size

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, output_size).

        Attention: ``<query>_over_<key>`` (batch, head, query, key).
        """
        prepared = {name: self._prepared(name, streams[name]) for name in self.names}
        weights: dict[str, Tensor] = {}
        pooled = []
        for group in self.groups:
            vectors = torch.stack(
                [self._vector(pair, prepared, need_attention, weights) for pair in group], dim=1
            )
            present = torch.stack(
                [prepared[q].present & prepared[k].present for q, k in group], dim=1
            )
            pooled.append(
                set_statistics(vectors, present) if self.statistics else vectors.flatten(1)
            )
        return Fused(self.embedding(torch.cat(pooled, dim=-1)), attention=weights)

    def _prepared(self, name: str, stream: Stream) -> Stream:
        values = zero_padding(stream.values, stream.mask)
        if name in self.projections:
            values = zero_padding(self.projections[name](values), stream.mask)
        return Stream(values, stream.mask)

    def _vector(
        self,
        pair: tuple[str, str],
        streams: Mapping[str, Stream],
        need: bool,
        weights: dict[str, Tensor],
    ) -> Tensor:
        """The mean over the query's real steps of one attention module: (batch, size).

        Zero where either stream is absent.
        """
        query, key = (streams[name] for name in pair)
        attended, attention_weights = self.attention[_key(*pair)](
            query.values, key.values, key.mask, need_weights=need, finite=True
        )
        if attention_weights is not None:
            weights[_key(*pair)] = attention_weights
        return masked_mean(self.dropout(attended), query.mask)


def _key(query: str, key: str) -> str:
    return f"{query}_over_{key}"


def set_statistics(vectors: Tensor, present: Tensor, epsilon: float = 1e-8) -> Tensor:
    """[deviation ; mean] over the present vectors of a set, whose order does not matter.

    vectors (batch, vector, feature), present (batch, vector) bool -> (batch, 2 feature).
    The variance is unbiased; ``epsilon`` under the root keeps the gradient finite where the vectors
    coincide. With a single vector the deviation is that of coinciding ones; without any, everything
    is zero.
    """
    count = present.sum(dim=1, keepdim=True).to(vectors.dtype)
    mean = zero_padding(vectors, present).sum(dim=1) / count.clamp(min=1)
    squares = zero_padding(vectors - mean[:, None], present).square().sum(dim=1)
    deviation = (squares / (count - 1).clamp(min=1) + epsilon).sqrt()
    return torch.cat([deviation.masked_fill(count == 0, 0.0), mean], dim=-1)
