"""Listener-adaptive emotion recognition: one network, steered by who listens.

Source: Ando, Masumura, Sato, Moriya, Ashihara, Ijima, Toda, "Speech emotion recognition based on
listener-dependent emotion perception models", ICASSP 2021.

Differs:
    The inner form of the adapters is this project's: scale and shift of pre-activations
    (`layers.dense.modulation`), the smallest form that all three kinds of layer share. Batch norm,
    pooling and attention see real frames only; the last layer of the attention has no bias (it
    would not change a softmax over time).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.convolution.masked import MaskedConv2d, max_pool_2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.dense.modulation import ModulatedLSTM, Modulation
from mmser.models.layers.masks.padding import masked_softmax
from mmser.models.layers.time.recurrent import Recurrent

ADAPTERS = ("convolution", "recurrence", "linear", "output")


class ListenerAdaptive(nn.Module):
    """Convolutions -> BiLSTM -> self-attention -> linear -> ReLU, once per listener.

    3 x (convolution, batch norm, ReLU, pooling) come first. ``adapt`` names the layers that the
    listener's code steers: "linear" (AFC, the published best), "recurrence" (ALSTM), "convolution"
    (ACNN), "output" (AFC on the last layer, which is the head's: each listener's features end with
    their code of ``code_size``, for a head with the same two arguments). Listeners with fewer than
    ``min_labels`` labels in training share one code. The vector holds ``size`` features for each
    listener that `Context.listeners` asks for, or for every one with a code of their own (the
    shared code where nobody has) when it asks for the consensus: the head ``listener_mean`` reads
    it. Without listeners in the task it is the baseline network, with ``size`` features.
    """

    stream_names: ClassVar[tuple[str, ...]] = ("audio",)
    group: Tensor
    consensus: Tensor

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        task: Task | None = None,
        adapt: Sequence[str] = ("linear",),
        code_size: int = 32,
        min_labels: int = 100,
        channels: Sequence[int] = (16, 24, 32),
        hidden_size: int = 128,
        heads: int = 4,
        attention_size: int = 64,
        size: int = 64,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self._check(input_sizes, adapt)
        (self.name,) = input_sizes
        task = task or Task()
        groups = task.listener_groups(min_labels)
        self.has_listeners = len(task.listeners) > 0
        self.register_buffer("group", torch.tensor(groups), persistent=False)
        self.register_buffer("consensus", torch.arange(max(1, groups[-1])), persistent=False)
        pairs = pairwise((1, *channels))
        self.convolutions = nn.ModuleList(MaskedConv2d(one, other, (3, 3)) for one, other in pairs)
        self.norms = nn.ModuleList(MaskedBatchNorm(width) for width in channels)
        bins = input_sizes[self.name] // 2 ** len(channels)
        self.recurrence = Recurrent(
            channels[-1] * bins, hidden_size, cell="lstm", bidirectional=True
        )
        inner = self.recurrence.output_size
        self.attention = nn.Sequential(
            nn.Linear(inner, attention_size),
            nn.Tanh(),
            nn.Linear(attention_size, heads, bias=False),
        )
        self.linear = nn.Linear(heads * inner, size)
        self.dropout = nn.Dropout(dropout)
        wanted = set(adapt) if self.has_listeners else set()
        self.appends_code = "output" in wanted
        self.output_size = (size + code_size * self.appends_code) * len(self.consensus)
        self.codes = nn.Embedding(groups[-1] + 1, code_size) if wanted else None
        self.on_convolutions = nn.ModuleList(
            Modulation(code_size, width) for width in (channels if "convolution" in wanted else ())
        )
        self.on_recurrence = (
            ModulatedLSTM(code_size, self.recurrence) if "recurrence" in wanted else None
        )
        self.on_linear = Modulation(code_size, size) if "linear" in wanted else None

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """audio (batch, time, bin) -> vector (batch, listener x (size [+ code])).

        Attention: (batch, head, time).
        """
        stream = streams[self.name]
        rows = _Rows(*self._asked(len(stream.mask), context))
        values, mask = stream.filled()[:, None], stream.mask
        layers = zip(self.convolutions, self.norms, strict=True)
        for layer, (convolution, norm) in enumerate(layers):
            values, mask = convolution(values, mask)
            values = norm(values, mask)
            if self.on_convolutions:
                values, mask = rows.spread(values), rows.spread_mask(mask)
                values = self.on_convolutions[layer].applied(values, self._codes(rows))  # type: ignore[operator]
            values, mask = max_pool_2d(F.relu(values), mask, (2, 2))
        # (row, channel, step, bin) -> (row, step, feature)
        hidden = self._recurred(values.transpose(1, 2).flatten(2), mask, rows)
        mask = mask if len(mask) == len(hidden) else rows.spread_mask(mask)
        # (row, step, head)
        weights = masked_softmax(self.attention(hidden), mask[..., None], dim=1)
        pooled = self.linear(self.dropout(torch.einsum("rth,rtf->rhf", weights, hidden).flatten(1)))
        if self.on_linear is not None:
            pooled = self.on_linear.applied(rows.spread(pooled), self._codes(rows))
        vector = rows.spread(self.dropout(F.relu(pooled)))
        if self.appends_code:
            vector = torch.cat([vector, self._codes(rows)], dim=1)
        heads = rows.spread(weights).transpose(1, 2).unflatten(0, (rows.batch, -1)).mean(dim=1)
        return Fused(
            vector.reshape(rows.batch, -1), attention={self.name: heads} if need_attention else {}
        )

    def _recurred(self, values: Tensor, mask: Tensor, rows: _Rows) -> Tensor:
        if self.on_recurrence is None:
            return self.dropout(self.recurrence(values, mask).outputs)
        values, mask = rows.spread(values), rows.spread_mask(mask)
        codes = self.codes.weight  # type: ignore[union-attr]
        return self.dropout(self.on_recurrence(self.recurrence, values, mask, codes, rows.groups))

    def _asked(self, batch: int, context: Context) -> tuple[Tensor, Tensor]:
        """The code (batch, listener) long of each listener asked for, and which are any, bool."""
        if context.listeners is None or not self.has_listeners:
            everyone = self.consensus.expand(batch, -1)
            return everyone, torch.ones_like(everyone, dtype=torch.bool)
        real = context.listeners != UNLABELLED
        return self.group[torch.where(real, context.listeners, len(self.group) - 1)], real

    def _codes(self, rows: _Rows) -> Tensor:
        return self.codes(rows.groups)  # type: ignore[misc]

    @staticmethod
    def _check(input_sizes: Mapping[str, int], adapt: Sequence[str]) -> None:
        if len(input_sizes) != 1:
            raise MmserError(
                "one stream, a spectrogram",
                ", ".join(input_sizes) or "none",
                "Name one under encoders.",
            )
        unknown = sorted(set(adapt) - set(ADAPTERS))
        if unknown:
            raise MmserError(
                f"adapt of {', '.join(ADAPTERS)}", ", ".join(unknown), "Correct fusion.adapt."
            )


class _Rows:
    """One row per (utterance, listener asked for), in that order.

    ``asked`` and ``real`` are (batch, listener).
    """

    def __init__(self, asked: Tensor, real: Tensor) -> None:
        self.batch, self.each = asked.shape
        self.groups, self.real = asked.flatten(), real.flatten()

    def spread(self, values: Tensor) -> Tensor:
        """(batch, *any) -> (row, *any); what has been spread already stays."""
        if len(values) == len(self.groups) and self.each > 1:
            return values
        return values.repeat_interleave(self.each, dim=0)

    def spread_mask(self, mask: Tensor) -> Tensor:
        """(batch, time) -> (row, time), all False for a row without a listener.

        Such a row has no real step, so that it moves no statistics.
        """
        return self.spread(mask) & self.real[:, None]
