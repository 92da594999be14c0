"""The tensors of Whisper's encoder (Radford et al., ICML 2023), from OpenAI's file or transformers.

OpenAI's names are used for both; `renamed` gives the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from mmser.core.errors import MmserError, reason_of
from mmser.core.finite import check_finite
from mmser.models.layers.checkpoints.pretrained import read_network

REMEDY = (
    "Name a Whisper checkpoint: a .pt file of OpenAI (`mmser weights get tiny.en` places one) or a "
    "folder of transformers."
)
_PREFIX = "encoder."
_UNREADABLE = (RuntimeError, EOFError, OSError, LookupError, TypeError, UnpicklingError)
_RENAMED = {
    "layers.": "blocks.",
    "embed_positions.weight": "positional_embedding",
    "self_attn_layer_norm": "attn_ln",
    "self_attn.q_proj": "attn.query",
    "self_attn.k_proj": "attn.key",
    "self_attn.v_proj": "attn.value",
    "self_attn.out_proj": "attn.out",
    "final_layer_norm": "mlp_ln",
    "fc1": "mlp.0",
    "fc2": "mlp.2",
}
"""Pieces of the names of transformers -> OpenAI's, in the order in which they are replaced."""
_NORM = ("layer_norm.", "ln_post.")
"""The norm after the last layer, which alone has this name at its beginning."""


def whisper_tensors(path: Path) -> tuple[dict[str, Tensor], int]:
    """The encoder's tensors in float32 under OpenAI's names, and its attention heads.

    Raises MmserError when the checkpoint is no Whisper.
    """
    return _of_transformers(path) if path.is_dir() else _of_openai(path)


def renamed(state: Mapping[str, Tensor], to_transformers: bool = False) -> dict[str, Tensor]:
    """The tensors of transformers' encoder under OpenAI's names, or the other way round."""
    pairs = list(_RENAMED.items())
    start, norm = _NORM
    if to_transformers:
        pairs = [(ours, theirs) for theirs, ours in pairs]
        norm, start = _NORM
    tensors = {}
    for name, tensor in state.items():
        for before, after in pairs:
            name = name.replace(before, after)
        tensors[norm + name.removeprefix(start) if name.startswith(start) else name] = tensor
    return tensors


def unfit(path: Path, found: str) -> MmserError:
    """The error for a file or folder that is no Whisper."""
    return MmserError(f"a Whisper checkpoint in {path}", found, REMEDY)


def _of_openai(path: Path) -> tuple[dict[str, Tensor], int]:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        dims, state = checkpoint["dims"], checkpoint["model_state_dict"]
        heads = int(dims["n_audio_head"])
    except _UNREADABLE as error:
        raise unfit(path, reason_of(error)) from error
    tensors = {
        name.removeprefix(_PREFIX): tensor.float()
        for name, tensor in state.items()
        if name.startswith(_PREFIX)
    }
    check_finite(tensors, path)
    return tensors, heads


def _of_transformers(path: Path) -> tuple[dict[str, Tensor], int]:
    from transformers import WhisperModel

    model: Any = read_network(WhisperModel, path, ["whisper"], REMEDY)
    return renamed(model.encoder.state_dict()), int(model.config.encoder_attention_heads)
