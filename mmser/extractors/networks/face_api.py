"""face-api's two small networks of the face: seven expressions, and an embedding of identity.

Source: face-api.js (Mühler, 2018; MIT) as @vladmandic/face-api 1.7.15 publishes it. The embedding
is dlib's ResNet (King, 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

MEAN = (122.782, 117.001, 104.298)
"""Of each colour, 0 to 255."""
DEVIATION = (255.0, 255.0, 255.0)
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
"""The order of the expression network's answers."""


class ExpressionNetwork(nn.Module):
    """(picture, 3, 112, 112) -> (picture, 7 + 256): probabilities, then what they are read from."""

    def __init__(self) -> None:
        super().__init__()
        self.dense0 = DenseBlock(3, 32, separable=False)
        self.dense1 = DenseBlock(32, 64)
        self.dense2 = DenseBlock(64, 128)
        self.dense3 = DenseBlock(128, 256)
        self.fc = nn.Linear(256, len(EXPRESSIONS))

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        maps = self.dense3(self.dense2(self.dense1(self.dense0(pictures))))
        features = maps.mean(dim=(2, 3))
        return torch.cat([self.fc(features).softmax(dim=1), features], dim=1)


class EmbeddingNetwork(nn.Module):
    """(picture, 3, 150, 150) -> (picture, 128). One person's vectors lie within about 0.6."""

    def __init__(self) -> None:
        super().__init__()
        self.conv32_down = ScaledConvolution(3, 32, kernel=7, stride=2, padding=0)
        self.conv32_1 = ResidualBlock(32)
        self.conv32_2 = ResidualBlock(32)
        self.conv32_3 = ResidualBlock(32)
        self.conv64_down = HalvingBlock(32, 64)
        self.conv64_1 = ResidualBlock(64)
        self.conv64_2 = ResidualBlock(64)
        self.conv64_3 = ResidualBlock(64)
        self.conv128_down = HalvingBlock(64, 128)
        self.conv128_1 = ResidualBlock(128)
        self.conv128_2 = ResidualBlock(128)
        self.conv256_down = HalvingBlock(128, 256)
        self.conv256_1 = ResidualBlock(256)
        self.conv256_2 = ResidualBlock(256)
        self.conv256_down_out = HalvingBlock(256, 256)
        self.fc = nn.Linear(256, 128, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        maps = F.max_pool2d(F.relu(self.conv32_down(pictures)), kernel_size=3, stride=2)
        maps = self.conv32_3(self.conv32_2(self.conv32_1(maps)))
        maps = self.conv64_3(self.conv64_2(self.conv64_1(self.conv64_down(maps))))
        maps = self.conv128_2(self.conv128_1(self.conv128_down(maps)))
        maps = self.conv256_2(self.conv256_1(self.conv256_down(maps)))
        maps = self.conv256_down_out(maps)
        return self.fc(maps.mean(dim=(2, 3)))


NETWORKS: Mapping[str, type[nn.Module]] = {
    "expression": ExpressionNetwork,
    "embedding": EmbeddingNetwork,
}


class DenseBlock(nn.Module):
    """Half the height and width; four convolutions, each of the sum of those before it."""

    def __init__(self, inputs: int, size: int, separable: bool = True) -> None:
        super().__init__()
        first = SeparableConvolution(inputs, size) if separable else nn.Conv2d(inputs, size, 3, 2)
        self.conv0 = first
        self.conv1 = SeparableConvolution(size, size)
        self.conv2 = SeparableConvolution(size, size)
        self.conv3 = SeparableConvolution(size, size)

    def forward(self, maps: Tensor) -> Tensor:
        """(picture, inputs, height, width) -> (picture, size, half, half)."""
        first = F.relu(self.conv0(halving_padded(maps)))
        second = self.conv1(padded(first))
        third = self.conv2(padded(F.relu(first + second)))
        fourth = self.conv3(padded(F.relu(first + second + third)))
        return F.relu(first + second + third + fourth)


class SeparableConvolution(nn.Module):
    """3 x 3 within each channel, then 1 x 1 across them; halves where it changes their number."""

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        stride = 1 if inputs == size else 2
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, size, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Padded maps -> maps."""
        return self.pointwise(self.depthwise(maps))


class ScaledConvolution(nn.Module):
    """A convolution, then a factor and an offset for each channel."""

    def __init__(self, inputs: int, size: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, size, kernel, stride, padding)
        self.scale = ChannelScale(size)

    def forward(self, maps: Tensor) -> Tensor:
        """(picture, inputs, height, width) -> (picture, size, height, width)."""
        return self.scale(self.conv(maps))


class ChannelScale(nn.Module):
    """What is left of a batch norm in evaluation."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(size))
        self.biases = nn.Parameter(torch.zeros(size))

    def forward(self, maps: Tensor) -> Tensor:
        """(picture, size, height, width), each channel by itself."""
        return maps * self.weights[:, None, None] + self.biases[:, None, None]


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.conv1 = ScaledConvolution(size, size, kernel=3, stride=1, padding=1)
        self.conv2 = ScaledConvolution(size, size, kernel=3, stride=1, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """(picture, size, height, width), unchanged in shape."""
        return F.relu(maps + self.conv2(F.relu(self.conv1(maps))))


class HalvingBlock(nn.Module):
    """Two convolutions at half the height and width beside the mean of each 2 x 2."""

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.conv1 = ScaledConvolution(inputs, size, kernel=3, stride=2, padding=0)
        self.conv2 = ScaledConvolution(size, size, kernel=3, stride=1, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """(picture, inputs, height, width) -> (picture, size, half, half)."""
        convolved = self.conv2(F.relu(self.conv1(maps)))
        means = F.avg_pool2d(maps, kernel_size=2)
        # An even side gives the means one row and column more than the convolution: zeros there.
        missing_rows = means.shape[2] - convolved.shape[2]
        missing_columns = means.shape[3] - convolved.shape[3]
        convolved = F.pad(convolved, (0, missing_columns, 0, missing_rows))
        # Channels that the input lacks are zeros.
        new_channels = convolved.shape[1] - means.shape[1]
        means = F.pad(means, (0, 0, 0, 0, 0, new_channels))
        return F.relu(convolved + means)


def read_network(network: nn.Module, path: Path) -> None:
    """Copy the published weights at ``path`` into ``network``.

    Raises MmserError when they are another network's.
    """
    what = type(network).__name__
    remedy = "Place the file by `mmser weights get face_expression` or `face_embedding`."
    load_tensors(network, torch_tensors(read_tensors(path)), what, path, remedy)


def torch_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors, in TensorFlow's layout, under the names and layout of torch."""
    separable = {name.rpartition("/")[0] for name in tensors if name.endswith("/pointwise_filter")}
    renamed = {}
    for name, tensor in tensors.items():
        layer, _, piece = name.rpartition("/")
        if piece == "depthwise_filter":  # (height, width, channel, 1)
            renamed[f"{layer}/depthwise/weight"] = tensor.permute(2, 3, 0, 1)
        elif piece == "pointwise_filter":  # (1, 1, input, output)
            renamed[f"{layer}/pointwise/weight"] = tensor.permute(3, 2, 0, 1)
        elif piece == "filters":  # (height, width, input, output)
            renamed[f"{layer}/weight"] = tensor.permute(3, 2, 0, 1)
        elif piece == "bias" and layer in separable:
            renamed[f"{layer}/pointwise/bias"] = tensor
        elif name in ("fc", "fc/weights"):  # (input, output)
            renamed["fc/weight"] = tensor.T
        else:
            renamed[name] = tensor
    return {name.replace("/", "."): tensor.contiguous() for name, tensor in renamed.items()}


def padded(maps: Tensor) -> Tensor:
    """For a 3 x 3 convolution that keeps height and width."""
    return F.pad(maps, (1, 1, 1, 1))


def halving_padded(maps: Tensor) -> Tensor:
    """For one that halves them, as TensorFlow pads: below and to the right first."""
    height, width = maps.shape[2:]
    top, left = height % 2, width % 2
    return F.pad(maps, (left, 1, top, 1))
