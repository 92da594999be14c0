"""CNN14 at 16 kHz (PANNs): convolutions over log-mel features.

From scratch or from the published AudioSet weights.

Source: Kong, Cao, Iqbal, Wang, Wang, Plumbley, "PANNs: large-scale pretrained audio neural
networks", IEEE/ACM TASLP 2020, used for transfer by Triantafyllopoulos, Schuller, "The role of task
and acoustic similarity in audio transfer learning", ICASSP 2021. Parameters are named as in the
published file.

Differs:
    No SpecAugment (the transfer study mentions none; data.augmentation=[spec_augment] brings it
    back).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.core.weights import RANDOM, Weights
from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors
from mmser.models.layers.convolution.average_pooling import average_pool_2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import filled_map, length_mask
from mmser.models.layers.time.pooling import masked_max, masked_mean

URL = "https://zenodo.org/records/3987831/files/Cnn14_16k_mAP%3D0.438.pth"
_UNUSED = ("spectrogram_extractor.*", "logmel_extractor.*", "fc_audioset.*")
"""Parts of the published file that have no place here: the fixed log-mel filters and the 527
AudioSet labels.
"""


class Cnn14(nn.Module):
    """Log-mel frames -> convolution blocks -> one vector of ``embedding_size`` features.

    Batch norm per band -> blocks of 2 x [conv 3x3, BN, ReLU], halved between them -> mean over
    bands, max + mean over time -> linear, ReLU. In training every clip becomes ``crop`` frames, a
    random stretch or repeated (None: as it is); otherwise a clip is taken whole, repeated only up
    to what the poolings need. ``weights``: the published file, null or "random" for none.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (64, 128, 256, 512, 1024, 2048),
        embedding_size: int = 2048,
        crop: int | None = 1000,
        dropout: float = 0.2,
        embedding_dropout: float = 0.5,
        weights: str | None = None,
        weights_folder: str = "weights",
    ) -> None:
        super().__init__()
        self.least = 2 ** (len(channels) - 1)
        if input_size < self.least or (crop is not None and crop < self.least):
            sizes = f"{input_size} bands, crop={crop}"
            raise MmserError(f"at least {self.least} bands and frames", sizes, "Use fewer blocks.")
        self.crop = crop
        self.bn0 = MaskedBatchNorm(input_size)
        self.blocks = len(channels)
        for number, (inner, outer) in enumerate(
            zip((1, *channels), channels, strict=False), start=1
        ):
            self.add_module(f"conv_block{number}", ConvPair(inner, outer))
        self.dropout = nn.Dropout(dropout)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.fc1 = nn.Linear(channels[-1], embedding_size)
        self.output_size = embedding_size
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if weights is not None and weights != RANDOM:
            path = Weights(weights, folder=weights_folder, what="CNN14", download=URL).path
            remedy = f"Use the published 16 kHz file, {URL}."
            load_tensors(self, read_tensors(path), "CNN14", path, remedy, unused=_UNUSED)

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, band) -> (batch, 1, embedding_size)."""
        values, mask = self.arranged(stream)
        values = self.bn0(values.transpose(1, 2), mask).transpose(1, 2)[:, None]
        values, mask = self.maps(values, mask)
        steps = values.mean(dim=3).transpose(1, 2)  # (batch, time, channel)
        pooled = masked_max(steps, mask) + masked_mean(steps, mask)
        embedding = F.relu(self.fc1(self.embedding_dropout(pooled)))
        return Stream(embedding[:, None], stream.present[:, None])

    def maps(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1, time, band) -> (batch, channel, time, band).

        Time and bands are halved (floor) after each block but the last.
        """
        for number in range(1, self.blocks + 1):
            values = self.get_submodule(f"conv_block{number}")(values, mask)
            if number < self.blocks:
                values, mask = average_pool_2d(values, mask, (2, 2), whole=True)
            values = self.dropout(values)
        return values, mask

    def arranged(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """Cropped at random or repeated, as said above: (batch, time, band) and its mask."""
        lengths = stream.lengths
        first = torch.zeros_like(lengths)
        if self.training and self.crop is not None:
            wanted = torch.full_like(lengths, self.crop)
            free = (lengths - self.crop + 1).clamp(min=1)
            first = (torch.rand(len(lengths), device=lengths.device) * free).long()
            time = self.crop
        else:
            wanted, time = lengths.clamp(min=self.least), max(self.least, stream.mask.shape[1])
        steps = torch.arange(time, device=lengths.device)
        index = (first[:, None] + steps) % lengths.clamp(min=1)[:, None]
        values = rows_at(rows_at(stream.filled(), compact_order(stream.mask)[0]), index)
        mask = length_mask(wanted * (lengths > 0), time)
        return values.masked_fill(~mask[..., None], 0.0), mask


class ConvPair(nn.Module):
    """conv 3x3, batch norm, ReLU, twice."""

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(input_size, output_size, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(output_size, output_size, 3, padding=1, bias=False)
        self.bn1, self.bn2 = MaskedBatchNorm(output_size), MaskedBatchNorm(output_size)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time, band), mask (batch, time) -> the same, other channels."""
        values = filled_map(values, mask)
        values = F.relu(self.bn1(self.conv1(values), mask))
        return F.relu(self.bn2(self.conv2(values), mask))
