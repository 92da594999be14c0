"""Whisper's log-mel spectrogram as a layer (Radford et al., ICML 2023, section 2.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FFT, HOP = 400, 160
FLOOR = 1e-10
RANGE = 8.0
"""Powers of ten below the loudest value, under which nothing is told apart."""


class WhisperLogMel(nn.Module):
    """Waveform of one window -> log-mel bands every 10 ms; nothing in it learns.

    The loudest value that sets the floor is each row's own.
    """

    filters: Tensor
    window: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        from transformers.audio_utils import mel_filter_bank

        filters = mel_filter_bank(
            num_frequency_bins=FFT // 2 + 1,
            num_mel_filters=bands,
            min_frequency=0.0,
            max_frequency=8000.0,
            sampling_rate=16000,
            norm="slaney",
            mel_scale="slaney",
        )
        bands_of = torch.tensor(filters.T, dtype=torch.float32)  # (band, frequency)
        self.register_buffer("filters", bands_of, persistent=False)
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """(row, sample) at 16 kHz -> (row, band, frame)."""
        # In half precision the spectrum's small values would be lost.
        with torch.autocast(sound.device.type, enabled=False):
            spectrum = torch.stft(sound.float(), FFT, HOP, window=self.window, return_complex=True)
            power = spectrum[..., :-1].abs().square()
            bands = (self.filters @ power).clamp(min=FLOOR).log10()
            loudest = bands.amax(dim=(1, 2), keepdim=True)
            return (bands.maximum(loudest - RANGE) + 4.0) / 4.0
