"""Mean and standard deviation over time: what of an utterance's frames a linear model can use.

The mean over time commutes with a weighted sum of layers and with a linear projection, so a probe
that sums layers, projects and then averages (SUPERB) can be computed from the means alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.clip import Failure, Features

if TYPE_CHECKING:
    from torch import Tensor

    from mmser.extractors.networks.packing import Packing


def time_statistics(frames: np.ndarray, seconds: float) -> Features:
    """(time, [layer,] size) -> (1, [layer,] 2 size): means, then deviations, in float32.

    The deviation is that of the frames themselves (divided by their number): zero for one frame.
    The single row spans the clip's ``seconds``.
    """
    precise = frames.astype(np.float64)
    both = np.concatenate([precise.mean(axis=0), precise.std(axis=0)], axis=-1)
    spans = np.array([[0.0, seconds]], dtype=np.float32)
    return Features(both[None].astype(np.float32), spans=spans)


def statistics_of_rows(values: Tensor, packing: Packing) -> Tensor:
    """`time_statistics` of packed rows where they lie: (step, [layer,] size) -> (row, [layer,] 2
    size).
    """
    import torch

    precise = values.double().flatten(1)

    def mean_of(each: Tensor) -> Tensor:
        return torch.segment_reduce(each, "mean", lengths=packing.lengths, unsafe=True)

    mean = mean_of(precise)
    deviation = mean_of((precise - packing.spread(mean)).square()).sqrt()
    shape = values.shape[1:]
    both = [each.unflatten(1, shape) for each in (mean, deviation)]
    return torch.cat(both, dim=-1).float()


def joined_statistics(parts: Sequence[np.ndarray], counts: Sequence[int]) -> np.ndarray:
    """The statistics (1, [layer,] 2 size) of a whole from those of its parts, of ``counts`` frames
    each.
    """
    if len(parts) == 1:
        return parts[0]
    means, deviations = np.split(np.stack(parts).astype(np.float64), 2, axis=-1)
    weights = np.array(counts, dtype=np.float64) / sum(counts)
    mean = np.tensordot(weights, means, axes=1)
    variance = np.tensordot(weights, deviations**2 + (means - mean) ** 2, axes=1)
    return np.concatenate([mean, np.sqrt(variance)], axis=-1).astype(np.float32)


def statistics_of(result: Features | Failure) -> Features | Failure:
    """The statistics of rows that have a rate or spans; a failure stays one.

    They span the time from zero to the last row's end.
    """
    if isinstance(result, Failure):
        return result
    if result.spans is not None:
        seconds = float(result.spans[-1, 1])
    elif result.frame_rate is not None:
        seconds = len(result.values) / result.frame_rate
    else:
        raise ValueError("rows with a rate or spans")
    return replace(time_statistics(result.values, seconds), notes=result.notes)
