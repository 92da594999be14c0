"""Tensor names of the published emotion2vec checkpoint -> names of the encoder here."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
_NETWORK = re.compile(
    AUDIO + r"(local_encoder|project_features|relative_positional_encoder"
    r"|context_encoder|extra_tokens|alibi_scale)"
    r"|blocks\."
)
"""Where the encoder's tensors lie. The others (decoders, targets, teacher) served pre-training."""
_BLOCK = re.compile(
    r"(" + AUDIO + r"context_encoder\.)?blocks\.(\d+)\.(?:attn\.|mlp\.)?(\w+)\.(weight|bias)"
)


def renamed(published: Mapping[str, Tensor], prenet: int = 4) -> dict[str, Tensor]:
    """The encoder's tensors under the names that they have here.

    ``prenet`` blocks lie in the audio encoder, the others follow them. A tensor that lies among
    the encoder's and is unknown keeps its published name, so that the encoder refuses it.
    """
    tensors: dict[str, Tensor] = {}
    for key, tensor in published.items():
        name = _plain(key)
        if match := _POSITION.fullmatch(name):
            tensors[f"front.positions.{int(match[1]) - 1}.{match[2]}"] = tensor
        elif match := _BLOCK.fullmatch(name):
            block = int(match[2]) + (0 if match[1] else prenet)
            tensors[f"backbone.blocks.{block}.{match[3]}.{match[4]}"] = tensor
        else:
            own = _own_name(name)
            if own is not None:
                tensors[own] = tensor
            elif _NETWORK.match(name):
                tensors[name] = tensor
    if "tokens" in tensors:
        tensors["tokens"] = tensors["tokens"].reshape(-1, tensors["tokens"].shape[-1])
    return tensors


def _own_name(published: str) -> str | None:
    """The name here of a tensor outside the blocks; None for one that `_NAMES` does not list."""
    for pattern, target in _NAMES:
        match = re.fullmatch(pattern, published)
        if match:
            return match.expand(target)
    return None


def sizes_of(published: Mapping[str, Tensor]) -> dict[str, int]:
    """Arguments of the encoder that these tensors belong to.

    Raises MmserError where they are of something else. A bias with one scale for all heads does not
    tell how many there are: the published ones have 64 features each.
    """
    matches = [_BLOCK.fullmatch(_plain(key)) for key in published]
    # (audio encoder or None, number) of each block.
    blocks = {(match[1], match[2]) for match in matches if match}
    prenet = sum(audio is not None for audio, _ in blocks)
    tensors = renamed(published, prenet)
    telling = (
        "backbone.blocks.0.fc1.weight",
        "front.convolutions.0.weight",
        "front.positions.0.weight",
    )
    lacking = [name for name in telling if name not in tensors]
    if lacking:
        raise MmserError(
            "the tensors of emotion2vec",
            f"no {lacking[0]} among {len(published)}",
            "Check the file.",
        )
    inner, first, position = (tensors[name] for name in telling)
    inner_size, size = inner.shape
    scales = tensors["backbone.scale"].numel() if "backbone.scale" in tensors else 1
    return {
        "size": size,
        "layers": len(blocks),
        "prenet": prenet,
        "heads": scales if scales > 1 else max(1, size // 64),
        "inner_size": inner_size,
        "channels": len(first),
        "groups": size // position.shape[1],
        "tokens": len(tensors.get("tokens", ())),
    }


def _plain(key: str) -> str:
    return re.sub(r"^(d2v_model\.|model\.)", "", key)
