"""A small random Whisper, the same at each call."""

from __future__ import annotations

from pathlib import Path

import torch
from whisper.model import ModelDimensions, Whisper


def whisper_network(sizes: ModelDimensions) -> Whisper:
    """In evaluation mode."""
    torch.manual_seed(0)
    network = Whisper(sizes).eval()
    # The library leaves there what lies in memory.
    torch.nn.init.normal_(network.decoder.positional_embedding)
    return network


def write_checkpoint(network: Whisper, path: Path) -> Path:
    """Write it as OpenAI's files are; -> the file."""
    torch.save({"dims": vars(network.dims), "model_state_dict": network.state_dict()}, path)
    return path
