"""What is said and how it is said, fused frame by frame with attention, then an LSTM.

Source: Tzirakis, Nguyen, Zafeiriou, Schuller, "Speech emotion recognition using semantic
information", ICASSP 2021 (arXiv 2103.02993), with details from its authors' released code.

Differs:
    torch's LSTM (no peepholes, a second bias, no cell clipping). The score's bias is left out: both
    sides share it, so it does not change the softmax. A stream that an utterance lacks is left out
    of the attention, while silence between words stays a vector of zeros, as published. For one
    label per utterance the LSTM's outputs are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import masked_softmax
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.time.recurrent import Recurrent


class PairAttention(nn.Module):
    """``out = g_u u + g_v v``, with gates from a softmax over two scores.

    A score is ``w^T x / sqrt(D)``, with one w for both.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1, bias=False)

    def forward(
        self, one: Tensor, other: Tensor, present: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """one and other (batch, time, feature), present (batch, 2) bool -> (batch, time, feature).

        Also returns the gates (..., 2).
        """
        both = torch.stack([one, other], dim=2)  # (batch, time, side, feature)
        scores = self.score(both).squeeze(-1) / math.sqrt(one.shape[-1])
        real = (
            torch.ones_like(scores, dtype=torch.bool)
            if present is None
            else present[:, None].expand_as(scores)
        )
        gates = masked_softmax(scores, real)
        return torch.einsum("bts,btsf->btf", gates, both), gates


class SemanticParalinguistic(nn.Module):
    """Two projections -> attention -> a dense layer each for arousal, valence, liking -> LSTM.

    Attention, twice, joins the three dense layers before the LSTM. The streams share one time axis
    (``data.alignment=grid``). ``fuse="concat"`` puts the projections side by side instead of the
    first attention; ``relu`` follows the projections (the released code's default; the paper's are
    linear). `Fused.sequence` has the LSTM's outputs for labels per frame, the vector is their mean.
    One of the two streams alone passes the first attention by.
    """

    stream_names: ClassVar[tuple[str, ...]] = ("semantic", "waveform")

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        size: int = 1024,
        attribute_size: int = 512,
        hidden_size: int = 256,
        fuse: Literal["attention", "concat"] = "attention",
        relu: bool = False,
    ) -> None:
        super().__init__()
        unknown = sorted(set(input_sizes) - set(self.stream_names))
        if unknown or not input_sizes:
            raise MmserError(
                "streams semantic and waveform", ", ".join(unknown) or "none", "Rename the streams."
            )
        if fuse not in ("attention", "concat"):
            raise MmserError("fuse attention or concat", f"'{fuse}'", "Correct fusion.fuse.")
        self.names = tuple(name for name in self.stream_names if name in input_sizes)
        self.relu = relu
        self.projections = nn.ModuleDict(
            {name: nn.Linear(input_sizes[name], size) for name in self.names}
        )
        several = len(self.names) > 1
        self.attention = PairAttention(size) if several and fuse == "attention" else None
        joined = size if self.attention is not None or not several else 2 * size
        self.arousal, self.valence, self.liking = (
            nn.Linear(joined, attribute_size) for _ in range(3)
        )
        self.arousal_liking, self.with_valence = (
            PairAttention(attribute_size),
            PairAttention(attribute_size),
        )
        self.recurrence = Recurrent(attribute_size, hidden_size, cell="lstm", bidirectional=False)
        self.output_size = hidden_size

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, frame, feature) each -> vector (batch, hidden), sequence.

        The sequence is (batch, frame, hidden). Attention: each stream's gate, (batch, frame).
        """
        self._check_axes(streams)
        projected = {name: self.projections[name](streams[name].filled()) for name in self.names}
        if self.relu:
            projected = {name: F.relu(values) for name, values in projected.items()}
        mask = torch.stack([streams[name].mask for name in self.names]).any(dim=0)
        attention: dict[str, Tensor] = {}
        joined = self._joined(projected, streams)
        if self.attention is not None:
            present = torch.stack([streams[name].present for name in self.names], dim=1)
            joined, gates = self.attention(*projected.values(), present)
            if need_attention:
                attention = {
                    name: gates[..., i].masked_fill(~mask, 0.0) for i, name in enumerate(self.names)
                }
        arousal, valence, liking = (
            F.relu(layer(joined)) for layer in (self.arousal, self.valence, self.liking)
        )
        both, _ = self.arousal_liking(arousal, liking)
        states = self.recurrence(self.with_valence(both, valence)[0], mask).outputs
        return Fused(masked_mean(states, mask), attention=attention, sequence=Stream(states, mask))

    def _joined(self, projected: Mapping[str, Tensor], streams: Mapping[str, Stream]) -> Tensor:
        """Side by side, (batch, frame, sum of features), an absent stream as zeros."""
        present = {name: streams[name].present[:, None, None] for name in self.names}
        return torch.cat(
            [values.masked_fill(~present[name], 0.0) for name, values in projected.items()], dim=-1
        )

    def _check_axes(self, streams: Mapping[str, Stream]) -> None:
        lengths = {name: streams[name].mask.shape[1] for name in self.names}
        first, *others = lengths.values()
        if any(other != first for other in others):
            described = ", ".join(f"{length} steps of {name}" for name, length in lengths.items())
            raise MmserError("streams on one time axis", described, "Set data.alignment=grid.")
