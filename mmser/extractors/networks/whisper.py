"""Whisper's encoder (Radford et al., ICML 2023), from OpenAI's file or a transformers folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmser.models.layers.checkpoints.tensors import load_tensors
from mmser.models.layers.checkpoints.whisper import REMEDY, unfit, whisper_tensors

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.model import AudioEncoder

_HEAD_SIZE = 64
"""Features of each attention head in every published Whisper."""


def read_encoder(path: Path) -> AudioEncoder:
    """The encoder of the checkpoint at ``path``, no larger than what the checkpoint holds.

    Raises MmserError when it is no Whisper, lacks a tensor, or has one too many.
    """
    tensors, heads = whisper_tensors(path)
    try:
        convolution, positions = tensors["conv1.weight"], tensors["positional_embedding"]
        layers = {name.split(".")[1] for name in tensors if name.startswith("blocks.")}
        encoder = new_encoder(
            bands=convolution.shape[1],
            size=convolution.shape[0],
            layers=len(layers),
            heads=heads,
            steps=positions.shape[0],
        )
    except (KeyError, IndexError) as error:
        raise unfit(path, f"no {error}") from error
    load_tensors(encoder, tensors, "a Whisper encoder", path, REMEDY)
    return encoder


def new_encoder(bands: int, size: int, layers: int, heads: int, steps: int = 1500) -> AudioEncoder:
    """An encoder with random weights for ``steps`` frames of 20 ms at most."""
    from whisper.model import AudioEncoder

    return AudioEncoder(n_mels=bands, n_ctx=steps, n_state=size, n_head=heads, n_layer=layers)


def with_exact_norms(encoder: AudioEncoder) -> AudioEncoder:
    """The encoder with its layer norms in float32, in which its own code computes them."""
    from torch import nn

    for module in encoder.modules():
        if isinstance(module, nn.LayerNorm):
            module.float()
    return encoder


def head_count(size: int) -> int:
    """Attention heads of a published Whisper of that size."""
    return max(1, size // _HEAD_SIZE)


def log_mel(sound: Tensor, bands: int) -> Tensor:
    """Whisper's own spectrogram of each row, where the sound lies: (row, sample) -> (row, band,
    frame of 10 ms).

    `whisper.log_mel_spectrogram` would take the floor from the loudest value of all rows.
    """
    import torch
    from whisper.audio import HOP_LENGTH, N_FFT, mel_filters

    window = torch.hann_window(N_FFT, device=sound.device)
    spectrum = torch.stft(sound, N_FFT, HOP_LENGTH, window=window, return_complex=True)
    power = spectrum[..., :-1].abs() ** 2
    levels = torch.clamp(mel_filters(sound.device, bands) @ power, min=1e-10).log10()
    floor = levels.amax(dim=(1, 2), keepdim=True) - 8.0
    return (torch.maximum(levels, floor) + 4.0) / 4.0
