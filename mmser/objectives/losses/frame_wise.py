"""Labels per frame: any objective of rows, applied to the frames of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from mmser.core.batch import Batch, Context, Outputs, Stream, Streams, empty_context
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


class FrameWise(nn.Module):
    """All real frames of a batch, one after the other, become the rows that ``objective`` is
    computed over.

    The targets are the stream ``gold`` (batch, frame, value), NaN where unlabelled, which no
    encoder reads; it shares the time axis of the fusion's sequence, on which the model's head is
    applied. So a CCC is that of the concatenated frames, never a mean over utterances; validation
    scores all frames of its part in the same way.
    """

    def __init__(
        self, task: Task, vector_size: int, objective: Callable[..., nn.Module], gold: str = "gold"
    ) -> None:
        super().__init__()
        self.objective = objective(task=task, vector_size=vector_size)
        self.gold = gold

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> the losses of the inner objective and the fusion's own terms."""
        outputs = model(batch.streams, batch.context)
        sequence, head, gold = self._parts(model, outputs, batch)
        real = gold.mask & sequence.mask
        logits, values = head(sequence.values[real])
        rows = len(gold.values[real])
        frames = Batch(
            tuple(map(str, range(rows))),
            {},
            empty_context(rows, real.device),
            {"values": gold.values[real]},
        )
        return {
            **self.objective(_Given(Outputs(sequence.values[real], logits, values)), frames),
            **outputs.losses,
        }

    def paired_frames(
        self, model: Model, outputs: Outputs, batch: Batch
    ) -> tuple[Tensor, Tensor] | None:
        """Predictions and labels (batch, frame, value), None of a model without values: what
        validation scores.

        A label is NaN where it or the prediction is missing.
        """
        sequence, head, gold = self._parts(model, outputs, batch)
        values = head(sequence.filled())[1]
        missing = ~(gold.mask & sequence.mask)
        return (
            None
            if values is None
            else (values, gold.values.masked_fill(missing[..., None], float("nan")))
        )

    def _parts(self, model: Model, outputs: Outputs, batch: Batch) -> tuple[Stream, Any, Stream]:
        """The fused sequence, the head for its frames, and the labels on the same frames."""
        sequence, head = outputs.sequence, getattr(model, "head", None)
        if sequence is None or head is None:
            raise MmserError(
                "a model that predicts every frame", "none", "Use fusion=semantic_paralinguistic."
            )
        if self.gold not in batch.streams:
            known = ", ".join(batch.streams) or "none"
            raise MmserError(
                f"labels per frame in a stream '{self.gold}'", known, "Name it in streams."
            )
        gold = batch.streams[self.gold]
        if gold.mask.shape != sequence.mask.shape:
            found = f"{gold.mask.shape[1]} labels, {sequence.mask.shape[1]} frames"
            raise MmserError(
                "one label per frame", found, "Set data.alignment=grid at the labels' rate."
            )
        return sequence, head, gold


class _Given:
    """Stands for a model whose outputs are known."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self.vector_size: Any = outputs.vector.shape[-1]

    def __call__(self, streams: Streams, context: Context, need_attention: bool = False) -> Outputs:
        return self._outputs
