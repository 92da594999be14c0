"""Networks of pictures and videos from any checkpoint of their kind, through its own class.

A classifier gives what its head reads and, where its classes are stated, their probabilities.
Another network gives the vector that stands for the whole picture, see `_pooled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmser.core.errors import MmserError, reason_of
from mmser.core.saved import read_saved_json
from mmser.core.weights import Weights
from mmser.extractors.networks.sizes import check_size
from mmser.models.layers.checkpoints.pretrained import kind_of, read_network

PICTURE_KINDS = (
    "clip", "clip_vision_model", "siglip", "siglip_vision_model", "dinov2",
    "dinov2_with_registers", "vit", "deit", "beit", "swin", "swinv2", "resnet", "regnet",
    "convnext", "convnextv2", "mobilenet_v2",
)  # fmt: skip
"""``model_type`` of networks whose pictures are normalised colour by colour and no more."""
VIDEO_KINDS = ("videomae",)
UNUSED = (
    "text_model.*", "text_projection.*", "visual_projection.*", "logit_scale", "logit_bias",
    "decoder.*", "encoder_to_decoder.*", "mask_token", "*position_ids", "*relative_position_index",
    "*pooler.*",
)  # fmt: skip
"""Tensors of a checkpoint beside those of its picture network: the words' side of CLIP and SigLIP,
what fills masked patches in, a summary that the network has no place for.
"""
_CLASSIFIER = ("ForImageClassification", "ForVideoClassification")
_FIRST_TOKEN = ("vit",)
"""Kinds whose summary is a layer that most checkpoints lack: their first token is read."""
_REMEDY = (
    "Name a checkpoint of that kind; `mmser list extractors` prints those that read other networks."
)
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError)


@dataclass(frozen=True)
class Preparation:
    """What a network expects: pictures ``side`` pixels wide and high, each colour (0 to 255)
    less ``mean``, divided by ``deviation``.
    """

    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


class PictureEncoder(nn.Module):
    """A network of transformers: (picture, [time,] 3, side, side) -> (picture, class + size)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        output = self.model(pixel_values=pictures)
        return output.logits if hasattr(output, "logits") else _pooled(output, self.model.config)


class AnswersAndFeatures(nn.Module):
    """A classifier's head that also returns what it reads: (picture, class + size).

    Without ``answers`` what it reads alone.
    """

    def __init__(self, head: nn.Module, answers: bool) -> None:
        super().__init__()
        self.head = head
        self.answers = answers

    def forward(self, pooled: Tensor) -> Tensor:
        """(picture, size[, 1, 1]) -> probabilities of the classes, then the features."""
        features = pooled.flatten(start_dim=1)
        if not self.answers:
            return features
        return torch.cat([self.head(pooled).softmax(dim=1), features], dim=1)


def read_picture_encoder(
    folder: Path, kinds: Sequence[str], labels: Sequence[str] | None
) -> nn.Module:
    """The network of the checkpoint in ``folder``, with the probabilities of ``labels`` if stated.

    Raises MmserError for a checkpoint of another kind, with other classes, or that does not fit.
    """
    kind = kind_of(folder)
    if kind in kinds and _is_classifier(folder):
        model = read_network(_classifier_class(kind), folder, kinds, _REMEDY, (), UNUSED)
        return classifier(model, labels, folder)
    unset = ("*pooler.*",) if kind in _FIRST_TOKEN else ()
    model = read_network(_encoder_class(kind), folder, kinds, _REMEDY, unset, UNUSED)
    if labels:
        found = f"{type(model).__name__}, which has none"
        raise MmserError(f"a classifier in {folder}, for `labels`", found, "Set labels=null.")
    return PictureEncoder(model)


def classifier(model: Any, labels: Sequence[str] | None, source: Path | str) -> nn.Module:
    """A network of `AutoModelForImageClassification` or its kin as a `PictureEncoder`.

    Raises MmserError where ``labels`` are stated and are not those of its config, in order.
    """
    names = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
    if labels and list(labels) != names:
        listed = ", ".join(names)
        remedy = f"Set labels=[{listed}], or labels=null for the features alone."
        raise MmserError(f"the classes {', '.join(labels)} in {source}", listed, remedy)
    model.classifier = AnswersAndFeatures(model.classifier, answers=bool(labels))
    return PictureEncoder(model)


def preparation_of(checkpoint: Weights, side: int) -> Preparation:
    """What the checkpoint expects of pictures ``side`` pixels wide and high.

    Random weights expect -1 to 1. Raises MmserError where it wants another size.
    """
    if checkpoint.is_random:
        return Preparation(side, (127.5,) * 3, (127.5,) * 3)
    preparation = read_preparation(checkpoint.path)
    if preparation.side != side:
        raise MmserError(
            f"pictures of {side} pixels a side for {checkpoint.source}",
            f"{preparation.side} in its preprocessor_config.json",
            f"Set image_size={preparation.side}.",
        )
    return preparation


def read_preparation(folder: Path) -> Preparation:
    """What the checkpoint's preprocessor_config.json asks for.

    Raises MmserError where there is none, or it asks for more than colours to be normalised.
    """
    from transformers import AutoImageProcessor

    try:
        processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except _UNREADABLE as error:
        expected = f"a readable preprocessor_config.json in {folder}"
        remedy = "Take the file from where the checkpoint came."
        raise MmserError(expected, reason_of(error), remedy) from error
    if getattr(processor, "do_flip_channel_order", False):
        found = f"{type(processor).__name__} turns red and blue over"
        raise MmserError(f"pictures in red, green, blue for {folder}", found, _REMEDY)
    size = processor.crop_size if getattr(processor, "do_center_crop", False) else processor.size
    side = size.get("shortest_edge") or size.get("height")
    if not side or size.get("width") not in (None, side):
        raise MmserError(f"square pictures in {folder}", f"size {size}", _REMEDY)
    # The original multiplies by the factor first.
    factor = processor.rescale_factor if processor.do_rescale else 1.0
    mean, deviation = ((0.0,) * 3, (1.0,) * 3)
    if processor.do_normalize:
        mean, deviation = processor.image_mean, processor.image_std
    return Preparation(
        int(side),
        tuple(float(value) / factor for value in mean),
        tuple(float(value) / factor for value in deviation),
    )


def check_shape(network: nn.Module, picture: Sequence[int], size: int, source: Path | str) -> None:
    """Raise MmserError unless ``network`` reads one such picture and returns ``size`` numbers."""
    try:
        with torch.inference_mode():
            answer = network(torch.zeros(1, *picture))
    except (ValueError, RuntimeError) as error:
        expected = f"a network of pictures of {picture[-1]} pixels in {source}"
        remedy = "Set `image_size`, of a video `window` too, to what the checkpoint says."
        raise MmserError(expected, reason_of(error), remedy) from error
    check_size(size, answer.shape[1], source)


def _pooled(output: Any, config: Any) -> Tensor:
    """One vector per picture (picture, size).

    The first token's of ViT, the mean of all tokens of VideoMAE, else the network's own summary:
    CLIP's before its projection, as in the linear probes of its paper (Radford et al., 2021).
    """
    if config.model_type in VIDEO_KINDS:
        return output.last_hidden_state.mean(dim=1)
    if config.model_type in _FIRST_TOKEN:
        return output.last_hidden_state[:, 0]
    return output.pooler_output.flatten(start_dim=1)


def _is_classifier(folder: Path) -> bool:
    config = read_saved_json(folder / "config.json")
    named = config.get("architectures") if isinstance(config, dict) else None
    names = named if isinstance(named, list) else []
    return any(str(name).endswith(_CLASSIFIER) for name in names)


def _classifier_class(kind: str) -> Any:
    import transformers

    if kind in VIDEO_KINDS:
        return transformers.AutoModelForVideoClassification
    return transformers.AutoModelForImageClassification


def _encoder_class(kind: str) -> Any:
    import transformers

    # AutoModel would build the words' side as well.
    sides = {"clip": transformers.CLIPVisionModel, "siglip": transformers.SiglipVisionModel}
    return sides.get(kind, transformers.AutoModel)
