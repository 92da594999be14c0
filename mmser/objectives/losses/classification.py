"""Classification: cross-entropy, focal loss, annotators' votes, balanced log likelihood.

Every loss is the weighted mean over the labelled rows of the batch; a batch without one gives zero,
with graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import class_logits

ClassWeights = Literal["none", "inverse", "effective"]


class CrossEntropy(nn.Module):
    """Cross-entropy of ``targets["emotion"]`` with class weights and label smoothing.

    ``class_weights`` come from the training fold's counts: ``inverse`` frequency, or the inverse of
    the ``effective`` number of samples (Cui et al., CVPR 2019, equation 3) with ``beta``; both have
    mean 1 over the classes.
    """

    weight: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(
        self,
        task: Task,
        vector_size: int,
        class_weights: ClassWeights = "none",
        label_smoothing: float = 0.0,
        beta: float = 0.999,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.register_buffer("weight", weigh_classes(task, class_weights, beta), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"cross_entropy": scalar}."""
        logits, target = class_logits(outputs), batch.targets["emotion"]
        losses = F.cross_entropy(
            logits,
            target,
            self.weight,
            ignore_index=UNLABELLED,
            reduction="none",
            label_smoothing=self.label_smoothing,
        )
        return {"cross_entropy": _mean(losses, target, self.weight)}


class FocalLoss(nn.Module):
    """``-(1 - p)^gamma log p`` of the true class (Lin et al., ICCV 2017, equation 4).

    With gamma 0 it is cross-entropy.
    """

    weight: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(
        self,
        task: Task,
        vector_size: int,
        gamma: float = 2.0,
        class_weights: ClassWeights = "none",
        beta: float = 0.999,
    ) -> None:
        super().__init__()
        if gamma < 0:
            raise MmserError("gamma of 0 or more", f"{gamma}", "The paper's is 2.")
        self.gamma = gamma
        self.register_buffer("weight", weigh_classes(task, class_weights, beta), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"focal": scalar}."""
        logits, target = class_logits(outputs), batch.targets["emotion"]
        nll = F.cross_entropy(logits, target, ignore_index=UNLABELLED, reduction="none")
        # Away from exactly zero, where the power has no finite gradient for gamma below 1.
        doubt = (1.0 - torch.exp(-nll)).clamp_min(torch.finfo(nll.dtype).tiny)
        losses = doubt**self.gamma * nll * self.weight[target.clamp_min(0)]
        return {"focal": _mean(losses, target, self.weight)}


class SoftVotes(nn.Module):
    """Cross-entropy or KL divergence to the shares of the annotators' votes.

    The shares are ``targets["votes"]`` (batch, class).

    A row without votes (NaN) falls back to its hard label; a row with neither is ignored.
    """

    whole_split: ClassVar[bool] = True

    def __init__(
        self, task: Task, vector_size: int, divergence: Literal["cross_entropy", "kl"] = "kl"
    ) -> None:
        super().__init__()
        self.divergence = divergence

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"soft_votes": scalar}."""
        logits = class_logits(outputs)
        hard = batch.targets["emotion"]
        target, labelled = vote_targets(hard, batch.targets.get("votes"), logits.shape[1])
        losses = -(target * torch.log_softmax(logits, dim=1)).sum(dim=1)
        if self.divergence == "kl":
            losses = losses + torch.xlogy(target, target).sum(dim=1)
        return {
            "soft_votes": (losses * labelled).sum() / labelled.sum().clamp_min(1),
        }


class BalancedNLL(nn.Module):
    """Negative log likelihood by inverse class frequency, divided by the number of rows.

    Unlike `CrossEntropy` with inverse weights the divisor is not the sum of the weights, so a batch
    of rare classes steps further (class-balanced negative log likelihood as in the Cnn14 transfer
    study).
    """

    weight: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(self, task: Task, vector_size: int) -> None:
        super().__init__()
        self.register_buffer("weight", weigh_classes(task, "inverse"), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"balanced_nll": scalar}."""
        logits, target = class_logits(outputs), batch.targets["emotion"]
        losses = F.cross_entropy(
            logits, target, self.weight, ignore_index=UNLABELLED, reduction="none"
        )
        return {
            "balanced_nll": losses.sum() / (target != UNLABELLED).sum().clamp_min(1),
        }


def weigh_classes(task: Task, scheme: ClassWeights, beta: float = 0.999) -> Tensor:
    """(class,) float32 weights of mean 1 over the classes that occur.

    A class without a training row weighs 0.
    """
    if not task.classes:
        raise MmserError(
            "a protocol with classes", "none", "Choose a regression objective, e.g. objective=ccc."
        )
    if scheme == "none":
        return torch.ones(len(task.classes))
    if scheme not in ("inverse", "effective"):
        raise MmserError(
            "class_weights none, inverse or effective",
            f"'{scheme}'",
            "Correct objective.class_weights.",
        )
    counts = torch.tensor(_counts(task), dtype=torch.float64)
    share = counts if scheme == "inverse" else 1.0 - beta**counts
    weights = torch.where(counts > 0, 1.0 / share.clamp_min(1e-12), 0.0)
    return (weights * (counts > 0).sum() / weights.sum()).float()


def vote_targets(hard: Tensor, votes: Tensor | None, classes: int) -> tuple[Tensor, Tensor]:
    """(batch, class) distributions, zero where unlabelled, and (batch,) bool.

    The latter says that the row has votes or a hard label.
    """
    wanted = F.one_hot(hard.clamp_min(0), classes).float() * (hard != UNLABELLED).unsqueeze(1)
    if votes is None:
        return wanted, hard != UNLABELLED
    voted = ~votes.isnan().any(dim=1)
    wanted = torch.where(voted.unsqueeze(1), votes.nan_to_num().float(), wanted)
    return wanted, voted | (hard != UNLABELLED)


def _counts(task: Task) -> Sequence[int]:
    if len(task.class_counts) != len(task.classes) or not any(task.class_counts):
        raise MmserError(
            "the training fold's count of each class",
            f"counts {task.class_counts} for {len(task.classes)} classes",
            "Use objective.class_weights=none or a fold with labelled training rows.",
        )
    return task.class_counts


def _mean(losses: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over labelled rows as in torch's cross-entropy; zero where there is none."""
    weights = weight[target.clamp_min(0)] * (target != UNLABELLED)
    return losses.sum() / weights.sum().clamp_min(torch.finfo(losses.dtype).tiny)
