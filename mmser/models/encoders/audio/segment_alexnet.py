"""Spectrogram of 3-second segments as pictures -> AlexNet: a branch of CA-MSER.

It gives one vector per segment.

Source: Zou, Si, Chen, Rajan, Chng, "Speech emotion recognition with co-attention based multi-level
acoustic information", ICASSP 2022, and its authors' released code; Krizhevsky, "One weird trick for
parallelizing convolutional neural networks", 2014 (this AlexNet). Parameters are named as in the
published ImageNet checkpoint.

Differs:
    AlexNet's own classifier, which the released code evaluates and discards, is left out. What
    follows the end of the last segment is as dark as the training fold's quietest frame. What is
    not pretrained starts by He's rule; with torch's own start the picture fades to almost nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.weights import RANDOM, Weights
from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors
from mmser.models.layers.masks.padding import extent
from mmser.models.layers.time.segments import LastSegment, covering_starts, put_back, segments_at

CHECKPOINT = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, by colour
_GRID = 6


class SegmentAlexNet(nn.Module):
    """Segments -> 8-bit pictures -> AlexNet -> 6 x 6 cells -> dropout, linear, ReLU.

    The three colours of a picture are equal. Wants each frequency scaled to [0, 1] (``normalise:
    minmax``). ``picture`` is the side that the frequency axis is enlarged to, the time axis in
    proportion. ``weights`` is the file of the ImageNet checkpoint or "random"; ``width`` other than
    1 scales the channels and has none.
    """

    def __init__(
        self,
        input_size: int,
        weights: str,
        weights_folder: str = "weights",
        output_size: int = 128,
        segment_frames: int = 300,
        last: LastSegment = "released",
        picture: int = 256,
        width: float = 1.0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.segment_frames = segment_frames
        self.last: LastSegment = last
        self.picture = picture, round(segment_frames * picture / input_size)
        self.features, channels = alexnet(width)
        if weights == RANDOM:
            start(self.features)
        else:
            path = Weights(weights, folder=weights_folder, what="AlexNet", download=CHECKPOINT).path
            published = nn.ModuleDict({"features": self.features})
            remedy = f"Use {CHECKPOINT} (for another width weights=random)."
            load_tensors(
                published, read_tensors(path), "AlexNet", path, remedy, unused=["classifier.*"]
            )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels * _GRID * _GRID, output_size)
        start(self.output)

    def forward(self, stream: Stream) -> Stream:
        """(batch, frame, bin) -> (batch, segment, output_size)."""
        lengths = extent(stream.mask)
        starts, exists = covering_starts(lengths, self.segment_frames, self.last)
        segments = segments_at(stream.filled(), lengths, starts, exists, self.segment_frames)
        pictures = as_pictures(segments.values, self.picture)
        cells = average_cells(self.features(pictures), _GRID)
        return put_back(self.output(self.dropout(cells.flatten(1))).relu(), exists)


def as_pictures(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """frames (segment, frame, bin) in [0, 1] -> pictures (segment, 3, *size).

    High frequencies are on top; mean and scale are ImageNet's. Values are cut to [0, 1] and to 256
    steps, as in the 8-bit pictures of the released code.
    """
    pictures = (frames.clamp(0.0, 1.0) * 255.0).floor() / 255.0
    pictures = pictures.transpose(1, 2).flip(1)[:, None]
    if len(pictures):
        pictures = F.interpolate(pictures, size=size, mode="bilinear", align_corners=False)
    mean, deviation = (frames.new_tensor(colour)[:, None, None] for colour in (_MEAN, _DEVIATION))
    return (pictures.reshape(len(pictures), 1, *size) - mean) / deviation


def average_cells(values: Tensor, grid: int) -> Tensor:
    """Adaptive average pooling (batch, channel, height, width) -> (batch, channel, grid, grid).

    It is computed as two matrix products. Equal to torch's own, whose backward has no deterministic
    form on CUDA.
    """
    down, across = (_averaging(size, grid, values) for size in values.shape[2:])
    return torch.einsum("gh,bchw,kw->bcgk", down, values, across)


def _averaging(size: int, grid: int, like: Tensor) -> Tensor:
    """Weights (grid, size): row i averages the steps of cell i.

    These are from floor(i size / grid) to ceil((i + 1) size / grid).
    """
    cells = torch.arange(grid, device=like.device)[:, None]
    steps = torch.arange(size, device=like.device)
    inside = (steps >= cells * size // grid) & (steps * grid < (cells + 1) * size)
    return inside.to(like.dtype) / inside.sum(dim=1, keepdim=True)


def start(network: nn.Module) -> None:
    """He's rule for every layer with weights, zero biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


def alexnet(width: float = 1.0) -> tuple[nn.Sequential, int]:
    """The convolutions of AlexNet, and the number of channels at their end.

    ``width`` multiplies all numbers of channels.
    """
    sizes = [round(channels * width) for channels in (64, 192, 384, 256, 256)]
    features = nn.Sequential(
        nn.Conv2d(3, sizes[0], 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(sizes[0], sizes[1], 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(sizes[1], sizes[2], 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(sizes[2], sizes[3], 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(sizes[3], sizes[4], 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    return features, sizes[-1]
