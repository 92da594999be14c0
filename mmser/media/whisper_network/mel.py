"""Whisper's log-mel spectrogram of many waveforms at once, on the network's device.

Source: ``whisper.audio.log_mel_spectrogram``, which normalises all that it is given by one maximum
and so reads one waveform at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from whisper.audio import HOP_LENGTH, N_FFT, N_FRAMES, mel_filters

_QUIETEST = 1e-10
_RANGE = 8.0
"""Powers of ten under the loudest value, below which all is one."""


@dataclass(frozen=True)
class Mel:
    """The spectrogram of one waveform: ``values`` (band, frame) and the value of ``silence`` ().

    ``frames`` of 10 ms are whole; those after them reach into the silence that follows.
    """

    values: Tensor
    silence: Tensor
    frames: int

    def window(self, start: int) -> Tensor:
        """30 s from the frame ``start`` on (band, frame), filled up with zeros as words are."""
        window = self.values.new_zeros(len(self.values), N_FRAMES)
        part = self.values[:, start : min(self.frames, start + N_FRAMES)]
        window[:, : part.shape[1]] = part
        return window

    def beginning(self) -> Tensor:
        """The first 30 s (band, frame), filled up with silence, as a language is told by."""
        window = self.silence.repeat(len(self.values), N_FRAMES)
        part = self.values[:, :N_FRAMES]
        window[:, : part.shape[1]] = part
        return window


def log_mels(waveforms: Sequence[np.ndarray], bands: int, device: torch.device) -> list[Mel]:
    """The spectrograms of waveforms (sample,) float32 mono 16 kHz."""
    lengths = [len(waveform) for waveform in waveforms]
    padded = np.zeros((len(lengths), max(lengths) + N_FFT), np.float32)
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = waveform
    sound = torch.from_numpy(padded).to(device)
    window = torch.hann_window(N_FFT, device=device)
    spectrum = torch.stft(sound, N_FFT, HOP_LENGTH, window=window, return_complex=True)
    # (waveform, band, frame)
    power = mel_filters(device, bands) @ (spectrum[..., :-1].abs() ** 2)
    levels = power.clamp(min=_QUIETEST).log10()
    least = levels.amax(dim=(1, 2)) - _RANGE
    values = (torch.maximum(levels, least[:, None, None]) + 4.0) / 4.0
    quietest = torch.full_like(least, _QUIETEST).log10()
    silence = (torch.maximum(quietest, least) + 4.0) / 4.0
    return [
        Mel(mel[:, : (length + N_FFT) // HOP_LENGTH], quiet, length // HOP_LENGTH)
        for mel, quiet, length in zip(values, silence, lengths, strict=True)
    ]
