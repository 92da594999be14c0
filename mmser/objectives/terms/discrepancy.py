"""How far two sets of vectors are apart: maximum mean discrepancy, CORAL's covariances."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTHS = tuple(2.0**power for power in (-2, -1, 0, 1, 2))


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """first (row, feature), second (column, feature) -> (row, column), never negative."""
    cross = first @ second.T
    return (first.square().sum(1)[:, None] + second.square().sum(1)[None] - 2.0 * cross).clamp_min(
        0.0
    )


def median_bandwidth(vectors: Tensor) -> Tensor:
    """The median squared distance of all pairs of rows, detached.

    vectors (row, feature) -> scalar above zero.
    """
    with torch.no_grad():
        count = len(vectors)
        row, column = torch.triu_indices(count, count, offset=1, device=vectors.device)
        distances = squared_distances(vectors, vectors)[row, column]
        # A single row has no pair.
        middle = vectors.new_ones(())
        if len(distances):
            middle = distances.sort().values[(len(distances) - 1) // 2]
        return middle.clamp_min(torch.finfo(vectors.dtype).eps)


def kernel(first: Tensor, second: Tensor, bandwidth: Tensor) -> Tensor:
    """Mean of five Gaussians: (row, column) in (0, 1].

    Their squared widths are 1/4 to 4 times ``bandwidth``.
    """
    distances = squared_distances(first, second) / bandwidth
    return torch.stack([torch.exp(-distances / width) for width in WIDTHS]).mean(dim=0)


def maximum_mean_discrepancy(source: Tensor, target: Tensor, biased: bool = True) -> Tensor:
    """Squared MMD of source (n, feature) and target (m, feature).

    It is that of Gretton et al., JMLR 2012, equations 5 and 3. The biased form is never negative;
    the unbiased one leaves a row's distance to itself out and wants two rows of each. Neither
    depends on the order of the rows, nor asks n = m.
    """
    bandwidth = median_bandwidth(torch.cat([source, target]))
    n, m = len(source), len(target)
    within, among = kernel(source, source, bandwidth), kernel(target, target, bandwidth)
    between = kernel(source, target, bandwidth).mean()
    if biased:
        return within.mean() + among.mean() - 2.0 * between
    off = (within.sum() - within.diagonal().sum()) / (n * (n - 1))
    return off + (among.sum() - among.diagonal().sum()) / (m * (m - 1)) - 2.0 * between


def covariance(vectors: Tensor) -> Tensor:
    """vectors (row, feature) -> (feature, feature), divisor rows - 1; zeros for a single row."""
    centred = vectors - vectors.mean(dim=0)
    return centred.T @ centred / max(1, len(vectors) - 1)


def coral_distance(source: Tensor, target: Tensor) -> Tensor:
    """``||C_s - C_t||_F^2 / (4 d^2)`` of the covariances; blind to the means.

    It is equation 1 of Sun and Saenko, ECCV workshops 2016.
    """
    size = source.shape[1]
    return (covariance(source) - covariance(target)).square().sum() / (4.0 * size * size)
