"""The tensors of an emotion2vec network under the names of the published file."""

from __future__ import annotations

from torch import Tensor, nn


def published(network: nn.Module, prenet: int) -> dict[str, Tensor]:
    """``prenet`` blocks lie in the audio part of the file, the others follow them."""
    audio = "d2v_model.modality_encoders.AUDIO."
    found: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        part = name.split(".")
        tensor = tensor.clone()
        if name == "tokens":
            found[audio + "extra_tokens"] = tensor[None]
        elif name == "backbone.scale":
            found[audio + "alibi_scale"] = tensor.reshape(1, 1, -1, 1, 1)
        elif part[1] == "convolutions":
            found[f"{audio}local_encoder.conv_layers.{part[2]}.0.weight"] = tensor
        elif part[1] == "norms":
            found[f"{audio}local_encoder.conv_layers.{part[2]}.2.1.{part[3]}"] = tensor
        elif part[1] == "positions":
            found[f"{audio}relative_positional_encoder.{int(part[2]) + 1}.0.{part[3]}"] = tensor
        elif name.startswith("backbone.norm"):
            found[f"{audio}context_encoder.norm.{part[2]}"] = tensor
        elif name.startswith("front"):
            found[f"{audio}project_features.{1 if part[1] == 'norm' else 2}.{part[2]}"] = tensor
        else:
            block, group = (
                int(part[2]),
                {"q": "attn.", "p": "attn.", "f": "mlp."}.get(part[3][0], ""),
            )
            place = (
                f"{audio}context_encoder.blocks.{block}"
                if block < prenet
                else f"d2v_model.blocks.{block - prenet}"
            )
            found[f"{place}.{group}{part[3]}.{part[4]}"] = tensor
    return found
