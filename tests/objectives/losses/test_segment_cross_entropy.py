"""Every segment counts once, with its utterance's label."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.segment_cross_entropy import SegmentCrossEntropy

TASK = Task(classes=("a", "b", "c"))
MASK = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])


def batch(*emotion: int) -> Batch:
    return Batch(("u", "v", "w"), {}, empty_context(3), {"emotion": torch.tensor(emotion)})


def answered(logits: torch.Tensor) -> Outputs:
    """Outputs with these logits (batch, segment, class); what is no segment is NaN."""
    logits = logits.masked_fill(~MASK[..., None], float("nan"))
    sequence = Stream(logits, MASK)
    return Outputs(torch.zeros(3, 1), sequence=sequence, steps=Outputs(logits, sequence.filled()))


def test_every_segment_counts_once() -> None:
    logits = torch.randn(3, 3, 3)
    loss = SegmentCrossEntropy(TASK, 5)(answered(logits), batch(2, 0, -100))
    real = torch.cat([logits[0], logits[1, :1]])
    expected = F.cross_entropy(real, torch.tensor([2, 2, 2, 0]))
    torch.testing.assert_close(loss["segment_cross_entropy"], expected)


def test_no_label_gives_zero() -> None:
    loss = SegmentCrossEntropy(TASK, 5)(answered(torch.randn(3, 3, 3)), batch(-100, -100, -100))
    assert loss["segment_cross_entropy"].item() == 0.0


def test_answers_for_utterances_alone_are_refused() -> None:
    with pytest.raises(MmserError, match="a head that judges segments; found none"):
        SegmentCrossEntropy(TASK, 5)(Outputs(torch.zeros(3, 1)), batch(0, 1, 2))
