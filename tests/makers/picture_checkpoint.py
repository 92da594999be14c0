"""Tiny checkpoints of picture networks, each written by `save_pretrained` of its own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

SIDE = 32
LABELS = ("angry", "happy", "neutral")
_TRANSFORMER = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIDE,
    "patch_size": 16,
}
_STAGES = {"depths": [1, 1], "hidden_sizes": [8, 16]}
_CLASSES = {"id2label": dict(enumerate(LABELS))}
_WORDS = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 20,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "ViT": _TRANSFORMER,
    "DeiT": _TRANSFORMER,
    "Beit": _TRANSFORMER,
    "Dinov2": _TRANSFORMER,
    "Dinov2WithRegisters": _TRANSFORMER,
    "VideoMAE": {
        **_TRANSFORMER,
        "num_frames": 4,
        "decoder_hidden_size": 16,
        "decoder_num_hidden_layers": 1,
        "decoder_num_attention_heads": 2,
        "decoder_intermediate_size": 32,
    },
    "CLIPVision": _TRANSFORMER,
    "SiglipVision": _TRANSFORMER,
    "CLIP": {"vision_config": _TRANSFORMER, "text_config": _WORDS, "projection_dim": 8},
    "Siglip": {"vision_config": _TRANSFORMER, "text_config": _WORDS},
    "Swin": {"image_size": SIDE, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2],
             "window_size": 4, "patch_size": 4},
    "Swinv2": {"image_size": SIDE, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2],
               "window_size": 4, "patch_size": 4},
    "ResNet": {**_STAGES, "embedding_size": 8, "layer_type": "basic"},
    "RegNet": {**_STAGES, "embedding_size": 8, "groups_width": 4},
    "ConvNext": {**_STAGES, "num_stages": 2},
    "ConvNextV2": {**_STAGES, "num_stages": 2},
    "MobileNetV2": {"image_size": SIDE, "depth_multiplier": 0.25},
}  # fmt: skip
"""Arguments of the config of each family."""
_PROCESSOR = {
    "size": {"height": SIDE, "width": SIDE},
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.3, 0.25],
}


def picture_checkpoint(folder: Path, family: str, network: str, labels: bool = False) -> Any:
    """The network of transformers' class ``network`` that was written to ``folder``."""
    torch.manual_seed(0)
    config_class = getattr(transformers, f"{family}Config")
    config = config_class(**OPTIONS[family], **(_CLASSES if labels else {}))
    model = getattr(transformers, network)(config).eval()
    with torch.no_grad():
        # Fresh ones are nearly zero, and so would be what they answer.
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    processor_of(family).save_pretrained(folder)
    return model


def processor_of(family: str) -> Any:
    """The processor that is written beside the network: colours of its own, no cutting."""
    if family == "VideoMAE":
        return transformers.VideoMAEImageProcessor(**_PROCESSOR, do_center_crop=False)
    return transformers.ViTImageProcessor(**_PROCESSOR)
