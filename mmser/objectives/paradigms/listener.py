"""Cross-entropy on what each single annotator perceived, for listener-adaptive models.

Source: Ando et al., ICASSP 2021: one example is a pair (utterance, listener). Here a row stays an
utterance, and the listeners who voted on it are evaluated side by side.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Step
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


class ListenerVotes(nn.Module):
    """Weighted mean over (utterance, listener) pairs of ``-log p(label | utterance, listener)``.

    The weight of a pair is the inverse frequency of its label among this listener's, times the
    inverse number of the listener's labels: every listener weighs the same, and so does every
    emotion they use. Weights have mean 1 over the training fold; those who gave fewer than
    ``min_labels`` labels count as one listener, as in the model. A model without a class for other
    emotions ignores votes for them.
    """

    group: Tensor
    weight: Tensor

    def __init__(self, task: Task, vector_size: int, min_labels: int = 100) -> None:
        super().__init__()
        if not task.listeners:
            raise MmserError(
                "single annotators' votes in the training fold",
                "none in its manifest",
                "Use a corpus that has them (IEMOCAP, MSP-Podcast), or objective=cross_entropy "
                "for the baseline.",
            )
        groups = torch.tensor(task.listener_groups(min_labels))
        self.register_buffer("group", groups, persistent=False)
        self.register_buffer("weight", weigh_votes(task, groups), persistent=False)

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {"listener_votes": scalar}, and the fusion's own terms."""
        # Validation scores the consensus: the model's answers for the batch as it is.
        consensus = None if self.training else model(batch.streams, batch.context)
        listeners, label = batch.targets["listener"], batch.targets["listener_emotion"]
        outputs = model(batch.streams, replace(batch.context, listeners=listeners))
        if outputs.listeners is None:
            raise MmserError("a head that answers per listener", "none", "Use head=listener_mean.")
        # (batch, vote, class)
        logits = outputs.listeners.float()
        # A row has fewer votes than the longest, and a vote may be for a class of no interest.
        is_vote = (listeners != UNLABELLED) & (label != UNLABELLED) & (label < logits.shape[-1])
        losses = F.cross_entropy(
            logits.transpose(1, 2), label.where(is_vote, UNLABELLED), reduction="none"
        )
        groups = self.group[listeners.where(is_vote, 0)]
        weights = self.weight[groups, label.where(is_vote, 0)] * is_vote
        loss = (losses * weights).sum() / is_vote.sum().clamp_min(1)
        return Step({"listener_votes": loss, **outputs.losses}, consensus)


def weigh_votes(task: Task, groups: Tensor) -> Tensor:
    """(group, class and one more) float32: the weight of a vote.

    It is 1 / (classes the group uses * its labels of this class), scaled to mean 1 in training. A
    class that a group never chose weighs 0 for it.
    """
    counts = torch.zeros(int(groups[-1]) + 1, len(task.classes) + 1, dtype=torch.float64)
    counts.index_add_(0, groups[:-1], torch.tensor(task.listener_counts, dtype=torch.float64))
    used = (counts > 0).sum(dim=1, keepdim=True)
    weights = torch.where(counts > 0, 1.0 / (used * counts).clamp_min(1.0), 0.0)
    return (weights * counts.sum() / (used > 0).sum()).float()
