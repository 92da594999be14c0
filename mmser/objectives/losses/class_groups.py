"""Classification of coarser groups of the classes, such as low and high arousal.

An upstream task for transfer studies.

Source: the task axis of Triantafyllopoulos and Schuller, "The role of task and acoustic similarity
in audio transfer learning", ICASSP 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy


class ClassGroups(nn.Module):
    """Linear on the fused vector -> cross-entropy over ``groups``.

    The groups name every class of the task once.

    The layer belongs to the loss, so the saved model carries nothing that only training needs.
    """

    group: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(self, task: Task, vector_size: int, groups: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        place: dict[str, int] = {}
        members: list[str] = []
        for number, names in enumerate(groups.values()):
            members += names
            place |= dict.fromkeys(names, number)
        if sorted(members) != sorted(task.classes) or len(groups) < 2:
            raise MmserError(
                f"each of {', '.join(task.classes) or 'the classes'} in one of at least two groups",
                "; ".join(f"{group}: {', '.join(names)}" for group, names in groups.items()),
                "Correct the objective's groups.",
            )
        self.register_buffer(
            "group", torch.tensor([place[name] for name in task.classes]), persistent=False
        )
        self.output = nn.Linear(vector_size, len(groups))

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"group": scalar}; unlabelled rows are ignored."""
        emotion = batch.targets["emotion"]
        target = torch.where(emotion != UNLABELLED, self.group[emotion.clamp_min(0)], UNLABELLED)
        logits = self.output(outputs.vector).float()
        return {"group": labelled_cross_entropy(logits, target)}
