"""Which words of two spaces are near each other, and the rotation that lays pairs on each other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.core.errors import MmserError

CHUNK = 1024
"""Rows whose similarities to all words are held at once."""


def closeness(source: Tensor, target: Tensor, neighbours: int = 10) -> float:
    """Mean cosine between each source word and the target word nearest to it by CSLS.

    By it a mapping is selected without a dictionary. Conneau et al., section 3.5. 1 at best;
    comparable between mappings of the same vectors only.
    """
    source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
    nearest = _best(source, target, _nearness(target, source, neighbours))
    return float((source * target[nearest]).sum(dim=1).mean())


def procrustes(source: Tensor, target: Tensor) -> Tensor:
    """The orthogonal W that minimises ``|source @ W.T - target|``.

    Source and target are (pair, feature).
    """
    left, _, right = torch.linalg.svd(target.T @ source)
    return left @ right


def csls_dictionary(source: Tensor, target: Tensor, neighbours: int = 10) -> Tensor:
    """(pair, 2) long: the words that are each other's nearest.

    The measure is cross-domain similarity local scaling,
    ``CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)``, with r the mean cosine to the ``neighbours`` nearest
    of the other side, so that hubs are nobody's neighbour. Raises MmserError when there is no such
    pair.
    """
    source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
    near_target = _nearness(target, source, neighbours)
    near_source = _nearness(source, target, neighbours)
    forth = _best(source, target, near_target)
    back = _best(target, source, near_source)
    here = torch.arange(len(source))
    mutual = back[forth] == here
    if not bool(mutual.any()):
        raise MmserError(
            "words that are each other's nearest", "none", "Train the adversary longer."
        )
    return torch.stack([here[mutual], forth[mutual]], dim=1)


def _nearness(rows: Tensor, others: Tensor, neighbours: int) -> Tensor:
    """(row,) the mean cosine of each row to its nearest others; both are of length 1."""
    count = min(neighbours, len(others))
    return torch.cat(
        [(chunk @ others.T).topk(count, dim=1).values.mean(dim=1) for chunk in rows.split(CHUNK)]
    )


def _best(rows: Tensor, others: Tensor, nearness: Tensor) -> Tensor:
    """(row,) long: the other with the greatest ``2 cos - nearness``.

    A row's own nearness would shift all others alike, and is left out.
    """
    return torch.cat(
        [(2 * chunk @ others.T - nearness).argmax(dim=1) for chunk in rows.split(CHUNK)]
    )
