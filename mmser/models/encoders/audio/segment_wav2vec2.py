"""Waveform of 3-second segments -> wav2vec 2.0, fine-tuned: a branch of CA-MSER.

It gives the network's frames, segment after segment.

Sources: Zou, Si, Chen, Rajan, Chng, "Speech emotion recognition with co-attention based multi-level
acoustic information", ICASSP 2022, and its authors' released code; Baevski et al., "wav2vec 2.0",
NeurIPS 2020.

Differs:
    The last segment is followed by zeros; the released code puts them in front of it, so that its
    frames mean other times than those of the other branches. Each segment's real samples are
    brought to mean 0 and variance 1, then padded (the released code normalises zeros along). No
    pre-emphasis, which the pretrained network was not trained on, unless ``preemphasis`` is set
    (0.97 as released). Neither LayerDrop nor masking of latent frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.models.layers.checkpoints.pretrained import freeze, pretrained
from mmser.models.layers.masks.padding import extent, zero_padding
from mmser.models.layers.time.segments import LastSegment, covering_starts, put_back, segments_at

HOP = 160
"""Samples between two frames of the other branches: segments are counted in those frames, so that
all agree.
"""


class SegmentWav2Vec2(nn.Module):
    """Segments -> wav2vec 2.0 -> states of the last layer, the same number for each segment.

    A clip of n samples has 1 + n // 160 frames, as a centred spectrogram has, and segments of
    ``segment_frames`` of them. See `pretrained` for ``weights``. ``freeze_convolutions`` keeps the
    convolutions as they are.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        weights: str,
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        segment_frames: int = 300,
        last: LastSegment = "released",
        preemphasis: float = 0.0,
        freeze_convolutions: bool = False,
    ) -> None:
        super().__init__()
        from transformers import Wav2Vec2Model

        network: Any = pretrained(Wav2Vec2Model, weights, revision, weights_folder, configuration)
        network.config.layerdrop = 0.0
        network.config.apply_spec_augment = False
        # The vector that hides latent frames in pre-training is of no use here.
        network.masked_spec_embed = None
        self.network = network
        self.output_size: int = network.config.hidden_size
        self.segment_frames = segment_frames
        self.last: LastSegment = last
        self.preemphasis = preemphasis
        if freeze_convolutions:
            freeze(network.feature_extractor)

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) at 16 kHz -> (batch, segment * frame, output_size).

        3 seconds give 149 frames.
        """
        waveform, samples = self._emphasised(stream.filled().flatten(1)), extent(stream.mask)
        frames = torch.where(samples > 0, 1 + samples // HOP, 0)
        starts, exists = covering_starts(frames, self.segment_frames, self.last)
        size = self.segment_frames * HOP
        segments = segments_at(waveform, samples, starts * HOP, exists, size)
        if not len(segments.values):
            empty = waveform.new_zeros(len(exists), self._frames(), self.output_size)
            return Stream(empty, torch.zeros_like(empty[..., 0], dtype=torch.bool))
        output = self.network(standardised(segments.values, segments.inside))
        states = put_back(output.last_hidden_state, exists).values
        # (batch, segment, frame, feature) -> (batch, segment * frame, feature)
        return Stream(states.flatten(1, 2), exists.repeat_interleave(states.shape[2], dim=1))

    def _emphasised(self, waveform: Tensor) -> Tensor:
        if not self.preemphasis:
            return waveform
        return waveform - self.preemphasis * F.pad(waveform, (1, 0))[:, :-1]

    def _frames(self) -> int:
        """Frames of one segment."""
        return int(self.network._get_feat_extract_output_lengths(self.segment_frames * HOP))


def standardised(values: Tensor, mask: Tensor) -> Tensor:
    """Segments whose real samples have mean 0 and variance 1; zeros elsewhere.

    values and mask (segment, sample) -> the same shape.
    """
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    values = zero_padding(values, mask)
    centred = zero_padding(values - values.sum(dim=1, keepdim=True) / count, mask)
    return centred * torch.rsqrt(centred.square().sum(dim=1, keepdim=True) / count + 1e-7)
