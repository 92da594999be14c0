"""Unsupervised domain adaptation by aligned distributions: MMD and CORAL, beside a main loss.

Sources: Gretton et al., JMLR 2012 (MMD); Long et al., ICML 2015 (several kernels); Sun and Saenko,
2016 (deep CORAL).

Differs:
    A tutorial prints the MMD as traces of kernel matrices, which pairs rows by their order; this is
    the usual form over all pairs. Target labels are never read: a row counts as target because it
    has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.time.pooling import masked_mean
from mmser.objectives.terms.discrepancy import coral_distance, maximum_mean_discrepancy
from mmser.objectives.terms.domain_rows import Domain, domain_count, domain_of, domain_pairs

_DISTANCES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int]] = {
    "mmd": (maximum_mean_discrepancy, 1),
    "coral": (coral_distance, 2),
}


class DomainAlignment(nn.Module):
    """``distance`` ("mmd" or "coral") between the domains' vectors, summed over ``layers``.

    A layer is "vector" (the fused vector) or the name of a stream (its encoder's output, mean over
    time). With more than two domains in a batch it is the mean over pairs; a batch with only one
    gives zero, with graph.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        distance: Literal["mmd", "coral"] = "mmd",
        domain: Domain = "labelled",
        layers: Sequence[str] = ("vector",),
    ) -> None:
        super().__init__()
        if distance not in _DISTANCES:
            raise MmserError(
                f"distance {' or '.join(_DISTANCES)}", f"'{distance}'", "Correct the objective."
            )
        domain_count(task, domain)
        self.distance, self.domain, self.layers = distance, domain, tuple(layers)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {distance: scalar}."""
        domains = domain_of(batch.targets, self.domain)
        terms = [self._distance(_layer(outputs, name), domains) for name in self.layers]
        return {self.distance: torch.stack(terms).sum()}

    def _distance(self, vectors: Tensor, domains: Tensor) -> Tensor:
        measure, least = _DISTANCES[self.distance]
        pairs = domain_pairs(vectors, domains, least)
        if not pairs:
            return vectors.sum() * 0.0
        return torch.stack([measure(first, second) for first, second in pairs]).mean()


def _layer(outputs: Outputs, name: str) -> Tensor:
    """(batch, feature) float32 of a layer."""
    if name == "vector":
        return outputs.vector.float()
    if name not in outputs.encoded:
        layers = ", ".join(["vector", *outputs.encoded])
        raise MmserError(f"layers among {layers}", f"'{name}'", "Correct the objective's layers.")
    stream = outputs.encoded[name]
    return masked_mean(stream.values, stream.mask).flatten(1).float()
