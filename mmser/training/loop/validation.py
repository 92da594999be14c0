"""Scores of the validation part, computed once per check over all its utterances, never averaged
over batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Context, Outputs, Streams, empty_context
from mmser.core.task import Task
from mmser.metrics.classification import grouped_confusion, macro_f1, ua, wa, wf1
from mmser.metrics.regression import ccc


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
        found = class_scores(tensors, self.task) | value_scores(tensors, self.task)
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


def class_scores(tensors: dict[str, Tensor], task: Task) -> dict[str, float]:
    """UA, WA, WF1 and macro F1 over the labelled rows; nothing without logits or without a labelled
    row.
    """
    logits, target = tensors.get("output_logits"), tensors.get("target_emotion")
    if logits is None or target is None or not bool((target != UNLABELLED).any()):
        return {}
    labelled = target != UNLABELLED
    truth, guess = target[labelled].numpy(), logits[labelled].argmax(dim=1).numpy()
    counts = grouped_confusion(
        truth, guess, np.zeros(len(truth), dtype=np.int64), len(task.classes), 1
    )[0]
    scores = {"ua": ua(counts), "wa": wa(counts), "wf1": wf1(counts), "macro_f1": macro_f1(counts)}
    return {name: float(score) for name, score in scores.items()}


def value_scores(tensors: dict[str, Tensor], task: Task) -> dict[str, float]:
    """CCC of each value over its labelled rows and their mean; nothing for a value without two
    labelled rows.
    """
    values, target = tensors.get("output_values"), tensors.get("target_values")
    if values is None or target is None:
        return {}
    scores = {}
    for column, name in enumerate(task.values):
        known = ~target[:, column].isnan()
        if int(known.sum()) > 1:
            scores[f"ccc_{name}"] = ccc(
                target[known, column].numpy(), values[known, column].float().numpy()
            )
    return {**scores, "ccc": float(np.mean(list(scores.values())))} if scores else {}


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
