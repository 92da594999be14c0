"""Teaches the embeddings of segments: what kind of sound, and which emotion.

Source: Hsu, Su, Wu, Chen, IEEE/ACM TASLP 29, 2021: one network per task, trained before the
sequence model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy


class SegmentExtractors(nn.Module):
    """Dropout and one linear layer per embedding -> cross-entropy over all segments of the batch.

    ``features`` are the embeddings that lie side by side in each step of the fusion's sequence,
    equally wide. The target of "emotion" is the label of the segment's utterance, that of "sound"
    the third column of the stream ``segments``, of ``sounds`` kinds.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        features: Sequence[str] = ("sound", "emotion"),
        segments: str = "segments",
        sounds: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        sizes = {"sound": sounds, "emotion": len(task.classes)}
        if not task.classes or set(features) - set(sizes) or vector_size % max(1, len(features)):
            raise MmserError(
                "embeddings of sound and emotion, equally wide, and a protocol with classes",
                f"{', '.join(features)} in {vector_size} features, {len(task.classes)} classes",
                "Set objective.features as fusion.features, and fusion.sequence=false.",
            )
        self.features, self.segments, self.sounds = tuple(features), segments, sounds
        self.width = vector_size // len(features)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleDict({name: nn.Linear(self.width, sizes[name]) for name in features})

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"sound": scalar, "emotion": scalar}."""
        if outputs.sequence is None:
            raise MmserError(
                "a model with a step per segment", "none", "Use fusion=nonverbal_vocalization."
            )
        parts = outputs.sequence.filled().split(self.width, dim=-1)
        losses = {}
        for name, part in zip(self.features, parts, strict=True):
            target = self._targets(name, batch, outputs.sequence.mask)
            logits = self.layers[name](self.dropout(part)).float().flatten(0, 1)
            losses[name] = labelled_cross_entropy(logits, target.flatten())
        return losses

    def _targets(self, name: str, batch: Batch, mask: Tensor) -> Tensor:
        """(batch, segment) long."""
        if name == "emotion":
            return batch.targets["emotion"][:, None].masked_fill(~mask, UNLABELLED)
        segments = batch.streams[self.segments]
        kind = segments.filled()[..., 2].long()
        return torch.where(mask & segments.mask & (kind < self.sounds), kind, UNLABELLED)
