"""MSCNN-SPU and MSCNN-SPU-ATT: multi-scale convolutions and statistical pooling.

With ATT the audio statistics attend to the text.

Source: Peng, Lu, Pan, Liu, "Efficient speech emotion recognition using multi-scale CNN and
attention", ICASSP 2021 (arXiv 2106.04133). The authors published no code; sizes are from the
paper's figure.

Differs:
    Statistics and attention run over real steps; ``fixed_lengths`` pads or cuts every stream to a
    length and counts its padding, as published (zeros lower mean and deviation of short clips). The
    printed double sum of the convolution (s + 1 taps, a free feature index) is read as s taps over
    all features, one output per step. The attention's equations carry no scale index: by default
    the r-th audio scale asks the r-th text scale, as in the figure; ``pairs`` = "all" asks every
    one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import masked_softmax, zero_padding
from mmser.models.layers.time.pooling import masked_max, masked_mean, masked_std

Pairs = Literal["none", "rank", "all"]


class ScaleBank(nn.Module):
    """One convolution over time per scale (its number of taps), each with ReLU and same padding."""

    def __init__(self, input_size: int, scales: Sequence[int], filters: int) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.convolutions = nn.ModuleList(nn.Conv1d(input_size, filters, taps) for taps in scales)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, time, feature), mask (batch, time) -> (batch, time, scale, filter).

        Padding comes out zero.
        """
        channels = zero_padding(values, mask).transpose(1, 2)
        scales = []
        for taps, convolution in zip(self.scales, self.convolutions, strict=True):
            # Same padding; of an even number of taps one more lies behind.
            before, behind = taps // 2, taps - 1 - taps // 2
            scales.append(convolution(F.pad(channels, (before, behind))).relu())
        # (batch, filter, scale, time) -> (batch, time, scale, filter)
        return zero_padding(torch.stack(scales, dim=2).permute(0, 3, 2, 1), mask)


def pooled_statistics(values: Tensor, mask: Tensor) -> Tensor:
    """SPU: maximum, mean and deviation over the real steps.

    (batch, time, scale, filter) -> (batch, scale, 3, filter).
    """
    return torch.stack(
        [masked_max(values, mask), masked_mean(values, mask), masked_std(values, mask)], dim=2
    )


def statistics_attention(
    statistics: Tensor, values: Tensor, mask: Tensor, every: bool
) -> tuple[Tensor, Tensor]:
    """Each statistic asks the steps by unscaled products: no parameters.

    statistics (batch, scale, 3, filter), values (batch, time, scale, filter), mask (batch, time) ->
    summaries (batch, scale or pair, 3, filter) and weights (batch, scale or pair, 3, time).
    ``every``: all pairs of scales.
    """
    if every:
        # Pair (asking scale, asked scale) in that order along the scale axis.
        asked = values.shape[2]
        values = values.repeat(1, 1, statistics.shape[1], 1)
        statistics = statistics.repeat_interleave(asked, dim=1)
    scores = torch.einsum("brgf,btrf->brgt", statistics, values)
    weights = masked_softmax(scores, mask[:, None, None])
    return torch.einsum("brgt,btrf->brgf", weights, values), weights


class MSCNNSPU(nn.Module):
    """[statistics of each convolved stream ; attention ; utterance vectors ; SWEM], concatenated.

    ``scales`` names the streams to convolve and the taps of each; any other stream is an utterance
    vector (an X-vector) and is appended as it is, the mean of its steps. ``pairs`` other than none
    lets the statistics of ``asking`` attend to the steps of ``asked``, when both are here. ``swem``
    appends maximum and mean over the raw steps of ``asked`` (pooled word embeddings).
    ``fixed_lengths`` gives streams the length all of them then have.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        scales: Mapping[str, Sequence[int]],
        filters: int = 128,
        pairs: Pairs = "none",
        asking: str = "audio",
        asked: str = "text",
        swem: bool = False,
        fixed_lengths: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        if pairs not in get_args(Pairs):
            raise MmserError(
                f"pairs to be one of {', '.join(get_args(Pairs))}",
                f"'{pairs}'",
                "Correct fusion.pairs.",
            )
        self.banks = nn.ModuleDict(
            {
                name: ScaleBank(input_sizes[name], taps, filters)
                for name, taps in scales.items()
                if name in input_sizes
            }
        )
        self.vectors = tuple(name for name in input_sizes if name not in scales)
        self.asking, self.asked, self.pairs = asking, asked, pairs
        self.attends = pairs != "none" and {asking, asked} <= set(self.banks)
        self.swem = swem and asked in self.banks
        self.fixed_lengths = dict(fixed_lengths or {})
        blocks = sum(len(scales[name]) for name in self.banks)
        if self.attends:
            blocks += self._pair_count(len(scales[asking]), len(scales[asked]))
        self.output_size = blocks * 3 * filters + sum(input_sizes[name] for name in self.vectors)
        self.output_size += 2 * input_sizes[asked] if self.swem else 0

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, output_size).

        Attention: ``<asking>_over_<asked>`` (batch, scale or pair, statistic, step), statistics
        being maximum, mean and deviation.
        """
        convolved, statistics = {}, {}
        for name, bank in self.banks.items():
            stream = self._fixed(name, streams[name])
            convolved[name] = Stream(bank(stream.values, stream.mask), stream.mask)
            statistics[name] = pooled_statistics(convolved[name].values, stream.mask)
        vector = [each.flatten(1) for each in statistics.values()]
        attention: dict[str, Tensor] = {}
        if self.attends:
            asked = convolved[self.asked]
            attended, weights = statistics_attention(
                statistics[self.asking], asked.values, asked.mask, every=self.pairs == "all"
            )
            vector.append(attended.flatten(1))
            if need_attention:
                attention[f"{self.asking}_over_{self.asked}"] = weights
        vector += [masked_mean(streams[name].values, streams[name].mask) for name in self.vectors]
        if self.swem:
            words = streams[self.asked]
            vector += [masked_max(words.values, words.mask), masked_mean(words.values, words.mask)]
        return Fused(torch.cat(vector, dim=-1), attention=attention)

    def _fixed(self, name: str, stream: Stream) -> Stream:
        """The stream as it is or, with a fixed length, cut or padded.

        The zeros that pad it count as real.
        """
        length = self.fixed_lengths.get(name)
        if length is None:
            return stream
        values = stream.filled()[:, :length]
        values = F.pad(values, (0, 0, 0, length - values.shape[1]))
        return Stream(values, stream.present[:, None].expand(-1, length))

    def _pair_count(self, asking: int, asked: int) -> int:
        if self.pairs == "all":
            return asking * asked
        if asking != asked:
            raise MmserError(
                "as many scales of the stream that asks as of the one asked, for pairs=rank",
                f"{asking} and {asked}",
                "Give equal numbers of scales, or set fusion.pairs=all.",
            )
        return asking
