"""CA-MSER: MFCC and spectrogram decide together which wav2vec 2.0 frames count.

Source: Zou, Si, Chen, Rajan, Chng, "Speech emotion recognition with co-attention based multi-level
acoustic information", ICASSP 2022 (arXiv 2203.15326), with details from its authors' released code.

Differs:
    Utterances of any length: encoders deal in segments, this fusion works segment by segment, the
    head votes. The weights are ReLU gates, as released; the notes speak of attention, which
    ``normalise`` = "softmax" makes of them. Without MFCC and spectrogram every frame counts the
    same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import masked_softmax, zero_padding
from mmser.models.layers.time.pooling import masked_mean


class CoAttention(nn.Module):
    """Per segment [x_s ; x_m ; x_w], where x_s and x_m ask for the frames that make x_w.

    ``x_w = relu(W sum_t alpha_t w_t)`` with ``alpha = relu(W' [x_s ; x_m])``. ``attended`` names
    the streams of frames (``frames`` per segment); all others are vectors per segment, in the order
    of the encoders. ``sequence`` is (batch, segment, feature); ``vector`` its mean, for a head that
    judges segments (configs/head/segment_average.yaml) or one that does not.
    """

    stream_names: ClassVar[tuple[str, ...]] = ("spectrogram", "mfcc", "waveform", "wav2vec2")

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        size: int = 128,
        frames: int = 149,
        normalise: Literal["relu", "softmax"] = "relu",
        dropout: float = 0.1,
        attended: Sequence[str] = ("waveform", "wav2vec2"),
    ) -> None:
        super().__init__()
        if normalise not in ("relu", "softmax"):
            raise MmserError(
                "normalise relu or softmax", f"'{normalise}'", "Correct fusion.normalise."
            )
        self.frames = frames
        self.normalise = normalise
        self.asking = tuple(name for name in input_sizes if name not in attended)
        self.attended = tuple(name for name in input_sizes if name in attended)
        asked_by = sum(input_sizes[name] for name in self.asking)
        self.gates = nn.ModuleDict(
            {n: nn.Linear(asked_by, frames) for n in self.attended if self.asking}
        )
        self.projections = nn.ModuleDict(
            {name: nn.Linear(input_sizes[name], size) for name in self.attended}
        )
        self.dropout = nn.Dropout(dropout)
        self.output_size = asked_by + size * len(self.attended)

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """Asking and attended streams -> vector, sequence.

        Asking streams are (batch, segment, feature), attended ones (batch, segment * frame,
        feature). Attention: each attended stream's weights (batch, segment * frame), not normalised
        unless by softmax.
        """
        given = {
            name: self._segmented(name, streams[name]) for name in (*self.asking, *self.attended)
        }
        count = max(stream.mask.shape[1] for stream in given.values())
        given = {name: _padded(stream, count) for name, stream in given.items()}
        vectors = [given[name].filled() for name in self.asking]
        question = torch.cat(vectors, dim=-1) if vectors else None
        attention: dict[str, Tensor] = {}
        for name in self.attended:
            stream = given[name]  # (batch, segment, frame, feature)
            weights = self._weights(name, question, stream.mask)
            summary = torch.einsum("bsf,bsfd->bsd", weights, stream.values)
            answer = self.projections[name](self.dropout(summary)).relu()
            vectors.append(zero_padding(answer, stream.mask.any(dim=2)))
            if need_attention:
                attention[name] = weights.flatten(1)
        real = torch.stack([_segments(stream) for stream in given.values()]).any(dim=0)
        sequence = Stream(zero_padding(torch.cat(vectors, dim=-1), real), real)
        return Fused(masked_mean(sequence.values, real), attention=attention, sequence=sequence)

    def _weights(self, name: str, question: Tensor | None, mask: Tensor) -> Tensor:
        """question (batch, segment, feature), mask (batch, segment, frame) -> alpha, like mask."""
        if question is None:
            return mask / mask.sum(dim=2, keepdim=True).clamp(min=1)
        scores = self.gates[name](self.dropout(question))
        return masked_softmax(scores, mask) if self.normalise == "softmax" else scores.relu() * mask

    def _segmented(self, name: str, stream: Stream) -> Stream:
        """Attended streams with their frames on an axis of their own.

        The last segment is filled up.
        """
        if name not in self.attended:
            return stream
        short = -stream.mask.shape[1] % self.frames
        values = F.pad(stream.filled(), (0, 0, 0, short)).unflatten(1, (-1, self.frames))
        return Stream(values, F.pad(stream.mask, (0, short)).unflatten(1, (-1, self.frames)))


def _padded(stream: Stream, count: int) -> Stream:
    """The stream with ``count`` segments."""
    short = count - stream.mask.shape[1]
    ahead = (0, 0) * (stream.mask.dim() - 2)
    values = F.pad(zero_padding(stream.values, stream.mask), (0, 0, *ahead, 0, short))
    return Stream(values, F.pad(stream.mask, (*ahead, 0, short)))


def _segments(stream: Stream) -> Tensor:
    """(batch, segment) bool: the stream has anything in this segment."""
    return stream.mask if stream.mask.dim() == 2 else stream.mask.any(dim=2)
