"""Metric learning on the fused vector by losses of the library pytorch-metric-learning.

Used beside a main loss (see `weighted_sum`): embeddings of one emotion are drawn together, others
pushed apart.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task

MetricLoss = Literal["supervised_contrastive", "proxy_anchor", "proxy_nca", "triplet"]


class MetricLearning(nn.Module):
    """Optional linear projection -> one loss over the labelled rows of the batch.

    ``supervised_contrastive`` (Khosla et al., 2020) uses ``temperature``; ``triplet`` uses
    ``margin`` and mines ``mining`` triplets; ``proxy_anchor`` (Kim et al., 2020) and ``proxy_nca``
    (Movshovitz-Attias et al., 2017) learn a proxy per class, which belongs to the loss.
    ``projection_size`` null compares the fused vector itself.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        loss: MetricLoss = "supervised_contrastive",
        projection_size: int | None = None,
        temperature: float = 0.1,
        margin: float = 0.1,
        mining: Literal["all", "hard", "semihard", "easy"] = "semihard",
    ) -> None:
        super().__init__()
        size = projection_size or vector_size
        self.projection = nn.Linear(vector_size, size) if projection_size else nn.Identity()
        self.loss = _loss(loss, len(task.classes), size, temperature, margin)
        self.miner = _miner(mining, margin) if loss == "triplet" else None
        self.name = loss

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {loss name: scalar}; zero with graph where the batch has no pair."""
        labelled = batch.targets["emotion"] != UNLABELLED
        vectors = self.projection(outputs.vector).float()
        if not bool(labelled.any()):
            return {self.name: vectors.sum() * 0.0}
        vectors, target = vectors[labelled], batch.targets["emotion"][labelled]
        mined = self.miner(vectors, target) if self.miner is not None else None
        return {self.name: self.loss(vectors, target, mined)}


def _loss(name: str, classes: int, size: int, temperature: float, margin: float) -> nn.Module:
    from pytorch_metric_learning import losses

    if name == "supervised_contrastive":
        return losses.SupConLoss(temperature=temperature)
    if name == "proxy_anchor":
        return losses.ProxyAnchorLoss(num_classes=classes, embedding_size=size)
    if name == "proxy_nca":
        return losses.ProxyNCALoss(num_classes=classes, embedding_size=size)
    if name == "triplet":
        return losses.TripletMarginLoss(margin=margin)
    raise MmserError(
        "loss supervised_contrastive, proxy_anchor, proxy_nca or triplet",
        f"'{name}'",
        "Correct the objective.",
    )


def _miner(mining: str, margin: float) -> nn.Module:
    from pytorch_metric_learning.miners import TripletMarginMiner

    if mining not in ("all", "hard", "semihard", "easy"):
        raise MmserError(
            "mining all, hard, semihard or easy", f"'{mining}'", "Correct the objective."
        )
    return TripletMarginMiner(margin=margin, type_of_triplets=mining)
