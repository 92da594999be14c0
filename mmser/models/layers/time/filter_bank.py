"""The filter bank that wav2vec2-BERT reads: Kaldi's, as transformers' SeamlessM4TFeatureExtractor.

80 log-mel bands of 25 ms every 10 ms, each band with mean 0 and variance 1 over the utterance's
real frames, two frames side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.masks.padding import length_mask, zero_padding

BANDS, FFT, WINDOW, HOP = 80, 512, 400, 160
PREEMPHASIS = 0.97
SCALE = 2.0**15
"""Kaldi reads 16-bit samples."""
FLOOR = 1.192092955078125e-07


class FilterBank(nn.Module):
    """Waveform -> (batch, frame of 20 ms, 160); nothing in it learns."""

    filters: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        from transformers.audio_utils import mel_filter_bank, window_function

        filters = mel_filter_bank(
            num_frequency_bins=FFT // 2 + 1,
            num_mel_filters=BANDS,
            min_frequency=20,
            max_frequency=8000,
            sampling_rate=16000,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
        window = window_function(WINDOW, "povey", periodic=False)
        for name, values in (("filters", filters), ("window", window)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    @staticmethod
    def steps(samples: int) -> int:
        """Real frames of 20 ms that a waveform of so many samples gives."""
        return max(1, max(1, (samples - WINDOW) // HOP + 1) // 2) if samples else 0

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, sample) at 16 kHz, samples (batch,) -> values and the mask of real frames.

        A row with any sample has at least one frame.
        """
        # In half precision the spectrum's small values would be lost.
        with torch.autocast(waveform.device.type, enabled=False):
            bands = self._bands(waveform.float())
        present = lengths > 0
        count = torch.where(present, ((lengths - WINDOW) // HOP + 1).clamp(min=1), 0)
        bands = _normed(bands, length_mask(count, bands.shape[1]))
        # (batch, frame of 10 ms, band) -> (batch, frame of 20 ms, 2 band)
        pairs = F.pad(bands, (0, 0, 0, bands.shape[1] % 2)).unflatten(1, (-1, 2)).flatten(2)
        # As published, half a pair at the end is no frame.
        whole = torch.where(present, (count // 2).clamp(min=1), 0)
        return pairs, length_mask(whole, pairs.shape[1])

    def _bands(self, waveform: Tensor) -> Tensor:
        """(batch, sample) -> log-mel (batch, frame of 10 ms, band)."""
        waveform = F.pad(waveform, (0, max(0, WINDOW - waveform.shape[1]))) * SCALE
        frames = waveform.unfold(1, WINDOW, HOP)
        frames = frames - frames.mean(dim=-1, keepdim=True)
        before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
        emphasised = (frames - PREEMPHASIS * before) * self.window
        power = torch.fft.rfft(emphasised, FFT).abs().square()
        return (power @ self.filters).clamp(min=FLOOR).log()


def _normed(bands: Tensor, mask: Tensor) -> Tensor:
    """Each band of each row with mean 0 and (unbiased) variance 1 over real frames."""
    count = mask.sum(dim=1).clamp(min=1)[:, None, None]
    centred = zero_padding(bands - zero_padding(bands, mask).sum(dim=1, keepdim=True) / count, mask)
    variance = centred.square().sum(dim=1, keepdim=True) / (count - 1).clamp(min=1)
    return centred * torch.rsqrt(variance + 1e-7)
