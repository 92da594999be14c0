"""Labels per frame: any loss of rows, applied to the frames of a sequence."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task


class FrameWise(nn.Module):
    """The loss ``objective`` over all real frames of a batch, one after the other, as its rows.

    The targets are the trace ``gold`` (batch, frame, value), NaN where unlabelled; it shares the
    time axis of the fusion's sequence, at every step of which the model answers. So a CCC is that
    of the concatenated frames, never a mean over utterances; validation scores all frames of its
    split in the same way.
    """

    def __init__(
        self, task: Task, vector_size: int, objective: Callable[..., nn.Module], gold: str = "gold"
    ) -> None:
        super().__init__()
        self.objective = objective(task=task, vector_size=vector_size)
        self.gold = gold

    def needs_steps(self, batch: Batch) -> bool:
        """Always."""
        return True

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> the losses of the inner loss."""
        steps, mask = _answered(outputs)
        gold = self._labels(batch, mask)
        real = gold.mask & mask
        # (frame of any utterance, value): each real frame is a row.
        target = gold.values[real]
        frames = Batch(
            tuple(map(str, range(len(target)))),
            {},
            empty_context(len(target), real.device),
            {"values": target},
        )
        answers = Outputs(
            steps.vector[real],
            steps.logits[real] if steps.logits is not None else None,
            steps.values[real] if steps.values is not None else None,
        )
        losses: dict[str, Tensor] = self.objective(answers, frames)
        return losses

    def paired_frames(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Predictions and labels (batch, frame, value), None of a model without values.

        A label is NaN where it or the prediction is missing.
        """
        steps, mask = _answered(outputs)
        gold = self._labels(batch, mask)
        if steps.values is None:
            return None
        missing = ~(gold.mask & mask)
        return steps.values, gold.values.masked_fill(missing[..., None], float("nan"))

    def _labels(self, batch: Batch, mask: Tensor) -> Stream:
        """The labels on the frames of ``mask`` (batch, frame)."""
        if self.gold not in batch.traces:
            names = ", ".join(batch.traces) or "none"
            raise MmserError(
                f"labels per frame in a stream '{self.gold}'", names, "Name it in streams."
            )
        gold = batch.traces[self.gold]
        if gold.mask.shape != mask.shape:
            counts = f"{gold.mask.shape[1]} labels, {mask.shape[1]} frames"
            raise MmserError(
                "one label per frame", counts, "Set data.alignment=grid at the labels' rate."
            )
        return gold


def _answered(outputs: Outputs) -> tuple[Outputs, Tensor]:
    """The answers at every frame, and which frames are real (batch, frame)."""
    if outputs.sequence is None or outputs.steps is None:
        raise MmserError(
            "a model that predicts every frame", "none", "Use fusion=semantic_paralinguistic."
        )
    return outputs.steps, outputs.sequence.mask
