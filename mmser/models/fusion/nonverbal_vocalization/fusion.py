"""Verbal phrases and nonverbal sounds of a turn, read in sequence.

Each has an emotion embedding and a sound embedding.

Source: Hsu, Su, Wu, Chen, "Speech emotion recognition considering nonverbal vocalization in
affective conversations", IEEE/ACM TASLP 29, 2021, with details from the first author's released
code.

Differs:
    Embeddings are means over all frames of a segment (the released pooling forgets trailing frames;
    option). For one label per turn the states of its segments are averaged. An utterance whose
    segments are unknown is one segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.fusion.nonverbal_vocalization.masked_resnet import MaskedResNet
from mmser.models.fusion.nonverbal_vocalization.turn_reader import TurnReader
from mmser.models.layers.time.pooling import masked_mean

FEATURES = ("sound", "emotion")


class NonverbalVocalization(nn.Module):
    """Spectrogram cut at the segments -> one ResNet-18 per embedding -> LSTM over the turn.

    The LSTM is an attentive sequence-to-sequence one. The stream ``segments`` holds start and end
    in seconds (its first two columns), ``audio`` a spectrogram of ``frame_rate`` frames per second.
    ``features`` names the embeddings: both is fusion at feature level, one alone a model for fusion
    at decision level. Without ``sequence`` it ends at the embeddings, side by side in the order of
    ``features``: the stage in which they are trained. `Fused.sequence` has one step per segment. Of
    a model without the audio, the segments' own columns are all there is; a linear layer reads
    them.
    """

    stream_names: ClassVar[tuple[str, ...]] = ("audio", "segments")

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        features: Sequence[str] = FEATURES,
        sequence: bool = True,
        frame_rate: float = 22_050 / 512,
        width: int = 64,
        hidden_size: int = 128,
        pooling: Literal["mean", "released"] = "mean",
        gate: Literal["scaled", "released"] = "scaled",
    ) -> None:
        super().__init__()
        unknown = [f"stream {name}" for name in input_sizes if name not in self.stream_names]
        unknown += [f"feature {name}" for name in features if name not in FEATURES]
        if unknown or not input_sizes or not features:
            raise MmserError(
                "streams audio and segments, features sound and emotion",
                ", ".join(unknown),
                "Correct them.",
            )
        self.names, self.frame_rate = tuple(input_sizes), frame_rate
        has_audio = "audio" in input_sizes
        self.extractors = nn.ModuleDict(
            {name: MaskedResNet(width, pooling) for name in features} if has_audio else {}
        )
        size = sum(extractor.output_size for extractor in self.extractors.values()) or 8 * width  # type: ignore[misc]
        self.described = None if has_audio else nn.Linear(input_sizes["segments"], size)
        self.reader = TurnReader(size, hidden_size, gate) if sequence else None
        self.output_size = hidden_size if sequence else size

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """audio (batch, frame, bin), segments (batch, segment, column) -> vector (batch, size).

        The sequence has one step per segment. Attention: ``segments`` (batch, segment).
        """
        if self.described is not None:
            turn = streams["segments"]
            embedded, mask = self.described(turn.filled()), turn.mask
        else:
            embedded, mask = self._embedded(streams["audio"], streams.get("segments"))
        attention: dict[str, Tensor] = {}
        if self.reader is not None:
            embedded, weights = self.reader(embedded, mask)
            attention = {"segments": weights} if need_attention else {}
        return Fused(
            masked_mean(embedded, mask), attention=attention, sequence=Stream(embedded, mask)
        )

    def _embedded(self, audio: Stream, segments: Stream | None) -> tuple[Tensor, Tensor]:
        """Embeddings (batch, segment, feature) of the segments, and their mask.

        Zero where there is no segment.
        """
        first, last, mask = self._bounds(audio, segments)
        row, place = torch.nonzero(mask, as_tuple=True)
        size = sum(extractor.output_size for extractor in self.extractors.values())  # type: ignore[misc]
        if not len(row):
            return audio.values.new_zeros((*mask.shape, size)), mask
        first, lengths = first[row, place], (last - first)[row, place]
        step = torch.arange(int(lengths.max()), device=row.device)
        index = (first[:, None] + step).clamp(max=audio.mask.shape[1] - 1)
        spectra = audio.filled()[row[:, None], index]  # (segment, frame, bin)
        real = step < lengths[:, None]
        each = [extractor(spectra, real) for extractor in self.extractors.values()]
        embeddings = torch.cat(each, dim=-1)
        # Of the extractors' type: under autocast that is not the sound's.
        return embeddings.new_zeros((*mask.shape, size)).index_put((row, place), embeddings), mask

    def _bounds(self, audio: Stream, segments: Stream | None) -> tuple[Tensor, Tensor, Tensor]:
        """First frame, last + 1 and mask of every segment, (batch, segment) each.

        Every segment has a frame.
        """
        lengths = audio.lengths[:, None]
        if segments is None:
            return torch.zeros_like(lengths), lengths, lengths > 0
        frames = (segments.filled()[..., :2].float() * self.frame_rate).round().long()
        first = torch.minimum(frames[..., 0].clamp(min=0), (lengths - 1).clamp(min=0))
        last = torch.minimum(torch.maximum(frames[..., 1], first + 1), lengths)
        mask = segments.mask & audio.present[:, None]
        # A turn with sound but without segments is one segment: all of it.
        whole = audio.present & ~segments.present
        start = torch.arange(mask.shape[1], device=mask.device) == 0
        only = whole[:, None] & start
        return first.masked_fill(only, 0), torch.where(only, lengths, last), mask | only
