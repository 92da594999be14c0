"""Whisper's encoder (Radford et al., ICML 2023), from OpenAI's file or a transformers folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from mmser.core.errors import MmserError, reason_of
from mmser.models.layers.checkpoints.pretrained import read_network
from mmser.models.layers.checkpoints.tensors import load_tensors

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.model import AudioEncoder

_REMEDY = (
    "Name a Whisper checkpoint: a .pt file of OpenAI (`mmser weights get tiny.en` places one) or a "
    "folder of transformers."
)
_PREFIX = "encoder."
_HEAD_SIZE = 64
"""Features of each attention head in every published Whisper."""
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


def read_encoder(path: Path) -> AudioEncoder:
    """The encoder of the checkpoint at ``path``, no larger than what the checkpoint holds.

    Raises MmserError when it is no Whisper, lacks a tensor, or has one too many.
    """
    tensors, heads = _of_transformers(path) if path.is_dir() else _of_openai(path)
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
        raise _unfit(path, f"no {error}") from error
    load_tensors(encoder, tensors, "a Whisper encoder", path, _REMEDY)
    return encoder


def new_encoder(bands: int, size: int, layers: int, heads: int, steps: int = 1500) -> AudioEncoder:
    """An encoder with random weights for ``steps`` frames of 20 ms at most."""
    from whisper.model import AudioEncoder

    return AudioEncoder(n_mels=bands, n_ctx=steps, n_state=size, n_head=heads, n_layer=layers)


def _of_openai(path: Path) -> tuple[dict[str, Tensor], int]:
    """The encoder's tensors in float32, and its attention heads."""
    import torch

    from mmser.core.finite import check_finite

    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        dims, state = checkpoint["dims"], checkpoint["model_state_dict"]
        heads = int(dims["n_audio_head"])
    except _UNREADABLE as error:
        raise _unfit(path, reason_of(error)) from error
    tensors = {
        name.removeprefix(_PREFIX): tensor.float()
        for name, tensor in state.items()
        if name.startswith(_PREFIX)
    }
    check_finite(tensors, path)
    return tensors, heads


def _of_transformers(path: Path) -> tuple[dict[str, Tensor], int]:
    """As `_of_openai`, under OpenAI's names."""
    from transformers import WhisperModel

    model: Any = read_network(WhisperModel, path, ["whisper"], _REMEDY)
    return _renamed(model.encoder.state_dict()), int(model.config.encoder_attention_heads)


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tensors = {}
    for name, tensor in state.items():
        for theirs, ours in _RENAMED.items():
            name = name.replace(theirs, ours)
        # The norm after the last layer alone has this name at its beginning.
        ours = name.replace("layer_norm.", "ln_post.") if name.startswith("layer_norm.") else name
        tensors[ours] = tensor
    return tensors


def head_count(size: int) -> int:
    """Attention heads of a published Whisper of that size."""
    return max(1, size // _HEAD_SIZE)


def _unfit(path: Path, found: str) -> MmserError:
    return MmserError(f"a Whisper checkpoint in {path}", found, _REMEDY)
