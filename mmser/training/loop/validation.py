"""Scores of the validation part, computed once per check over all its utterances, never averaged
over batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Context, Outputs, Streams, empty_context
from mmser.core.task import Task
from mmser.metrics.families import answer_scores


@dataclass
class Part:
    """What one process saw: predictions and targets row by row, and loss sums of objectives that
    need the model.
    """

    ids: list[str] = field(default_factory=list)
    tensors: dict[str, list[Tensor]] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    frames: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """Values and targets (frame, value) of each utterance, where the objective learns labels frame
    by frame.
    """

    def joined(self, keep: list[int]) -> dict[str, Tensor]:
        """Each tensor's rows ``keep``, in that order."""
        return {name: torch.cat(parts)[keep] for name, parts in self.tensors.items()}


class ValidationEpoch:
    """Collects batches, then scores them together.

    An objective that reads only logits, values and vector says ``whole_epoch = True``: its loss is
    computed over all rows at once (a CCC of batches is not the CCC). The losses of others are means
    over batches weighted by rows. An objective with ``paired_frames`` has its values scored over
    all frames of the part, not over utterances' means.
    """

    def __init__(self, objective: nn.Module, task: Task) -> None:
        self.objective = objective
        self.task = task
        self.whole = bool(getattr(objective, "whole_epoch", False))
        self.part = Part()

    def add(self, model: nn.Module, batch: Batch) -> None:
        """Predict one batch."""
        watch = _Watch(model, batch)
        if not self.whole:
            losses = self.objective(watch, batch)
            losses = {
                **losses,
                "loss": torch.stack([loss.float() for loss in losses.values()]).sum(),
            }
            for name, loss in losses.items():
                self.part.losses[name] = self.part.losses.get(name, 0.0) + float(loss) * len(
                    batch.ids
                )
        self._keep_frames(watch, batch)
        outputs = watch.outputs or (model(batch.streams, batch.context) if self.whole else None)
        self.part.rows += len(batch.ids)
        if outputs is None:
            return
        self.part.ids.extend(batch.ids)
        found = {"vector": outputs.vector, "logits": outputs.logits, "values": outputs.values}
        kept = {f"output_{name}": tensor for name, tensor in found.items() if tensor is not None}
        kept |= {f"target_{name}": tensor for name, tensor in batch.targets.items()}
        kept |= {
            f"loss_{name}": loss.expand(len(batch.ids)) for name, loss in outputs.losses.items()
        }
        for name, tensor in kept.items():
            self.part.tensors.setdefault(name, []).append(tensor.detach().cpu())

    def _keep_frames(self, watch: _Watch, batch: Batch) -> None:
        paired = getattr(self.objective, "paired_frames", None)
        found = (
            paired(watch, watch.outputs, batch)
            if paired is not None and watch.outputs is not None
            else None
        )
        if found is not None:
            values, target = (frames.detach().cpu() for frames in found)
            self.part.frames |= {name: (values[i], target[i]) for i, name in enumerate(batch.ids)}

    def finish(self, device: torch.device) -> dict[str, float]:
        """Scores of everything added, gathered from all processes; starts afresh."""
        part, self.part = _gathered(self.part), Part()
        scores = {name: total / max(1, part.rows) for name, total in part.losses.items()}
        if not part.ids:
            return scores
        # Distributed loaders may repeat an utterance to keep the processes in step.
        first = {identifier: row for row, identifier in reversed(list(enumerate(part.ids)))}
        tensors = part.joined(sorted(first.values()))
        if self.whole:
            scores |= self._whole_losses(tensors, device)
        if part.frames:
            joined = [torch.cat(frames) for frames in zip(*part.frames.values(), strict=True)]
            tensors |= {"output_values": joined[0], "target_values": joined[1]}
        found = answer_metrics(tensors, self.task)
        if not found and scores.get("loss") == 0.0:
            # Zero is what objectives say of rows without labels: of a whole part it would be an
            # invented score.
            scores["loss"] = float("nan")
        return scores | found

    def _whole_losses(self, tensors: dict[str, Tensor], device: torch.device) -> dict[str, float]:
        rows = len(next(iter(tensors.values())))
        on_device = {name: tensor.to(device) for name, tensor in tensors.items()}
        targets = {
            name[7:]: tensor for name, tensor in on_device.items() if name.startswith("target_")
        }
        terms = {
            name[5:]: tensor.float().mean()
            for name, tensor in on_device.items()
            if name.startswith("loss_")
        }
        found = {name: on_device.get(f"output_{name}") for name in ("vector", "logits", "values")}
        outputs = Outputs(found["vector"], found["logits"], found["values"], losses=terms)  # type: ignore[arg-type]
        batch = Batch(tuple(map(str, range(rows))), {}, empty_context(rows, device), targets)
        with torch.no_grad():
            losses = {
                name: float(loss)
                for name, loss in self.objective(_Recorded(outputs), batch).items()
            }
        return {**losses, "loss": sum(losses.values())}


def answer_metrics(tensors: dict[str, Tensor], task: Task) -> dict[str, float]:
    """Every metric over the labelled rows; nothing without answers or without labelled rows."""
    scores: dict[str, float] = {}
    for target_set in task.target_sets:
        answer = tensors.get(f"output_{target_set.output}")
        target = tensors.get(f"target_{target_set.batch_key}")
        if answer is not None and target is not None:
            scores |= answer_scores(target_set, target.numpy(), answer.float().numpy())
    return scores


def _gathered(part: Part) -> Part:
    """The parts of all processes, in the order of their ranks."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return part
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, part)
    merged = Part()
    for other in parts:
        merged.ids.extend(other.ids)
        merged.rows += other.rows
        merged.frames |= other.frames
        for name, tensors in other.tensors.items():
            merged.tensors.setdefault(name, []).extend(tensors)
        for name, total in other.losses.items():
            merged.losses[name] = merged.losses.get(name, 0.0) + total
    return merged


class _Watch:
    """A model that keeps what it returned for the batch as it is."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        self._model, self._batch = model, batch
        self.outputs: Outputs | None = None

    def __call__(self, streams: Streams, context: Context, need_attention: bool = False) -> Outputs:
        outputs = self._model(streams, context, need_attention=need_attention)
        if streams is self._batch.streams and context is self._batch.context:
            self.outputs = outputs
        return outputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class _Recorded:
    """Stands for a model whose outputs are known."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def __call__(self, streams: Streams, context: Context, need_attention: bool = False) -> Outputs:
        return self._outputs
