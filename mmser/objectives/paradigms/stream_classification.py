"""One classifier per stream on what its encoder says: a stage of staged training.

Source: Dutta, Ganapathy, ICASSP 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Step, Stream
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.conversation_mean import Average, averaged


class StreamClassification(nn.Module):
    """One linear classifier per stream, each with a cross-entropy of its own.

    The classifiers belong to the paradigm and are not part of the model.

    ``sizes`` names the streams and the dimension of what is classified: with ``source`` encoders,
    the mean of what the stream's encoder says (only those encoders run); with sequence, step i of
    the fusion's ``sequence`` for the i-th name. An utterance without a stream does not count for
    it.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        sizes: Mapping[str, int],
        source: Literal["encoders", "sequence"] = "encoders",
        average: Average = "utterances",
    ) -> None:
        super().__init__()
        _check(task)
        if source not in ("encoders", "sequence") or average not in ("utterances", "conversations"):
            raise MmserError(
                "source encoders or sequence, average utterances or conversations",
                f"{source}, {average}",
                "Correct the objective.",
            )
        self.names = tuple(sizes)
        self.source = source
        self.average: Average = average
        self.outputs = nn.ModuleList(nn.Linear(size, len(task.classes)) for size in sizes.values())

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {stream: scalar}."""
        target = batch.targets["emotion"]
        outputs = None
        if self.source == "encoders":
            vectors = self._of_encoders(model, batch)
        else:
            outputs = model(batch.streams, batch.context)
            vectors = self._of_sequence(outputs.sequence)
        losses = {}
        for (name, (vector, present)), output in zip(vectors.items(), self.outputs, strict=True):
            each = F.cross_entropy(
                output(vector).float(), target, ignore_index=UNLABELLED, reduction="none"
            )
            counted = present & (target != UNLABELLED)
            losses[name] = averaged(each, counted, batch.context.dialogue, self.average)
        return Step(losses, outputs)

    def _of_encoders(self, model: Model, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        missing = [name for name in self.names if name not in model.encoders]
        if missing:
            raise MmserError(
                f"an encoder for each stream {', '.join(self.names)}",
                f"none for {', '.join(missing)}",
                "Correct objective.sizes, or leave the stage out (~stages.NAME).",
            )
        vectors = {}
        for name in self.names:
            stream = model.encoders[name](batch.streams[name])
            mean = stream.filled().sum(dim=1) / stream.lengths.clamp(min=1)[:, None]
            vectors[name] = mean, stream.present
        return vectors

    def _of_sequence(self, sequence: Stream | None) -> dict[str, tuple[Tensor, Tensor]]:
        if sequence is None or sequence.mask.shape[1] != len(self.names):
            length = "none" if sequence is None else f"{sequence.mask.shape[1]} steps"
            raise MmserError(
                f"a fusion whose sequence has one step per stream {', '.join(self.names)}",
                length,
                "Correct `sizes`.",
            )
        steps = sequence.filled()
        return {name: (steps[:, i], sequence.mask[:, i]) for i, name in enumerate(self.names)}


def _check(task: Task) -> None:
    if not task.classes:
        raise MmserError(
            "a protocol with classes", "none", "Choose a regression objective, e.g. objective=ccc."
        )
