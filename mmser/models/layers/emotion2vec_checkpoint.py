"""Tensor names of the published emotion2vec checkpoint -> names of the encoder here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmser.core.errors import MmserError

AUDIO = r"modality_encoders\.AUDIO\."
_NAMES: tuple[tuple[str, str], ...] = (
    (AUDIO + r"local_encoder\.conv_layers\.(\d+)\.0\.weight", r"front.convolutions.\1.weight"),
    (AUDIO + r"local_encoder\.conv_layers\.(\d+)\.2\.1\.(weight|bias)", r"front.norms.\1.\2"),
    (AUDIO + r"project_features\.1\.(weight|bias)", r"front.norm.\1"),
    (AUDIO + r"project_features\.2\.(weight|bias)", r"front.projection.\1"),
    (AUDIO + r"context_encoder\.norm\.(weight|bias)", r"backbone.norm.\1"),
    (AUDIO + r"extra_tokens", "tokens"),
    (AUDIO + r"alibi_scale", "backbone.scale"),
)
_POSITION = re.compile(AUDIO + r"relative_positional_encoder\.(\d+)\.0\.(weight|bias)")
_BLOCK = re.compile(r"(" + AUDIO + r"context_encoder\.)?blocks\.(\d+)\.(?:attn\.|mlp\.)?(\w+)\.(weight|bias)")


def renamed(published: Mapping[str, Tensor], prenet: int = 4) -> dict[str, Tensor]:
    """The tensors the encoder has a place for; ``prenet`` blocks lie in the audio part, the others follow them."""
    found: dict[str, Tensor] = {}
    for key, tensor in published.items():
        name = re.sub(r"^(d2v_model\.|model\.)", "", key)
        if match := _POSITION.fullmatch(name):
            found[f"front.positions.{int(match[1]) - 1}.{match[2]}"] = tensor
        elif match := _BLOCK.fullmatch(name):
            found[f"backbone.blocks.{int(match[2]) + (0 if match[1] else prenet)}.{match[3]}.{match[4]}"] = tensor
        else:
            for pattern, target in _NAMES:
                if match := re.fullmatch(pattern, name):
                    found[match.expand(target)] = tensor
    if "tokens" in found:
        found["tokens"] = found["tokens"].reshape(-1, found["tokens"].shape[-1])
    return found


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The published tensors of a .pt or .safetensors file, never more than tensors; raises MmserError without one."""
    if not path.is_file():
        raise MmserError("the checkpoint of emotion2vec", f"no file {path}", "Download it, or use weights=random.")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    content = torch.load(path, map_location="cpu", weights_only=True)
    return content["model"] if isinstance(content.get("model"), Mapping) else content
