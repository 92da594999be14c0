"""The level of waveforms in a batch, set where the network runs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from mmser.extractors.networks.transfers import sent
from mmser.extractors.spectral.level import Level
from mmser.models.layers.masks.padding import length_mask, zero_padding


def levelled_rows(rows: Tensor, lengths: Sequence[int], level: Level) -> Tensor:
    """`mmser.extractors.spectral.level.levelled` of each row (row, sample), for `ROW_LEVELS`.

    Padding stays zero.
    """
    if level == "none":
        return rows
    samples = sent(lengths, rows.device)
    mask = length_mask(samples, rows.shape[1])
    total = samples[:, None].double()
    mean = rows.double().sum(dim=1, keepdim=True) / total
    centred = zero_padding(rows - mean.float(), mask)
    precise = centred.double()
    spread = precise - precise.sum(dim=1, keepdim=True) / total
    variance = zero_padding(spread.square(), mask).sum(dim=1, keepdim=True) / total
    return (precise / (variance + 1e-7).sqrt()).float()


def padded_rows(rows: Tensor, lengths: Sequence[int], shortest: int) -> tuple[Tensor, list[int]]:
    """Rows of at least ``shortest`` samples: what follows a shorter one are zeros."""
    padded = F.pad(rows, (0, max(0, shortest - rows.shape[1])))
    return padded, [max(shortest, length) for length in lengths]
