"""Scores of the validation split over all its utterances at once, never averaged over batches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs, empty_context
from mmser.core.contracts import Model, SplitLoss, TraceLoss
from mmser.core.task import Task
from mmser.metrics.families import answer_scores
from mmser.objectives.paradigms.supervised import objective_of
from mmser.training.loop.processes import of_all_processes


@dataclass
class ValidationTotals:
    """Predictions and targets of one process, row by row, and sums of its losses."""

    ids: list[str] = field(default_factory=list)
    tensors: dict[str, list[Tensor]] = field(default_factory=dict)
    losses: dict[str, list[Tensor]] = field(default_factory=dict)
    """The loss of each batch, beside ``firsts``: its first utterance."""
    firsts: dict[str, list[str]] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    """How many rows each batch has, by its first utterance."""
    frames: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """Values and targets (frame, value) of each utterance, where the objective learns labels frame
    by frame.
    """

    def joined(self, keep: list[int]) -> dict[str, Tensor]:
        """Each tensor's rows ``keep``, in that order."""
        return {name: torch.cat(parts)[keep] for name, parts in self.tensors.items()}

    def mean_losses(self) -> dict[str, float]:
        """Each loss per row."""
        means = {}
        rows = sum(self.batches.values())
        for name, losses in self.losses.items():
            total = 0.0
            for loss, first in zip(torch.cat(losses).tolist(), self.firsts[name], strict=True):
                total += loss * self.batches[first]
            means[name] = total / max(1, rows)
        return means

    def on_cpu(self) -> ValidationTotals:
        """The same in the CPU's memory: what was left on the device is read once."""
        tensors = {name: [torch.cat(parts).cpu()] for name, parts in self.tensors.items()}
        losses = {name: [torch.stack(parts).cpu()] for name, parts in self.losses.items()}
        return replace(self, tensors=tensors, losses=losses)


class ValidationEpoch:
    """Collects batches, then scores them together.

    A `SplitLoss` is computed over all rows at once (a CCC of batches is not the CCC). Other losses
    are means over batches weighted by rows. A `TraceLoss` has its values scored over all frames of
    the split, not over utterances' means.
    """

    def __init__(self, objective: nn.Module, task: Task) -> None:
        self.objective = objective
        self._paradigm = objective_of(objective)
        self.task = task
        self.whole = isinstance(objective, SplitLoss) and objective.whole_split
        self.totals = ValidationTotals()

    def add(self, model: Model, batch: Batch, progress: float = 0.0) -> None:
        """Predict one batch; ``progress`` is the share of training done."""
        self.totals.batches[batch.ids[0]] = len(batch.ids)
        outputs: Outputs | None
        if self.whole:
            outputs = model(batch.streams, batch.context)
        else:
            step = self._paradigm.step(model, batch, progress)
            outputs = step.outputs
            for name, loss in {**step.losses, "loss": step.total}.items():
                self.totals.losses.setdefault(name, []).append(loss.detach())
                self.totals.firsts.setdefault(name, []).append(batch.ids[0])
        if outputs is not None:
            self._keep_rows(outputs, batch)
            self._keep_frames(outputs, batch)

    def _keep_rows(self, outputs: Outputs, batch: Batch) -> None:
        rows = len(batch.ids)
        self.totals.ids.extend(batch.ids)
        answers = {"logits": outputs.logits, "values": outputs.values}
        if self.whole:  # what its losses read beside the answers
            answers["vector"] = outputs.vector
        tensors = {f"output_{name}": each for name, each in answers.items() if each is not None}
        tensors |= {f"target_{name}": target for name, target in batch.targets.items()}
        if self.whole:
            tensors |= {f"loss_{name}": loss.expand(rows) for name, loss in outputs.losses.items()}
        for name, tensor in tensors.items():
            self.totals.tensors.setdefault(name, []).append(tensor.detach())

    def _keep_frames(self, outputs: Outputs, batch: Batch) -> None:
        if not isinstance(self.objective, TraceLoss):
            return
        paired = self.objective.paired_frames(outputs, batch)
        if paired is None:
            return
        values, target = (frames.detach().cpu() for frames in paired)
        self.totals.frames |= {name: (values[i], target[i]) for i, name in enumerate(batch.ids)}

    def finish(self, device: torch.device) -> dict[str, float]:
        """Scores of everything added, gathered from all processes; starts afresh."""
        totals, self.totals = _gathered(self.totals.on_cpu()), ValidationTotals()
        scores = totals.mean_losses()
        if not totals.ids:
            return scores
        # Distributed loaders may repeat an utterance to keep the processes in step. Backwards, so
        # that of equal ids the first row stays.
        first = {identifier: row for row, identifier in reversed(list(enumerate(totals.ids)))}
        tensors = totals.joined(sorted(first.values()))
        if self.whole:
            scores |= self._whole_losses(tensors, device)
        if totals.frames:
            joined = [torch.cat(frames) for frames in zip(*totals.frames.values(), strict=True)]
            tensors |= {"output_values": joined[0], "target_values": joined[1]}
        metrics = answer_metrics(tensors, self.task)
        if not metrics and scores.get("loss") == 0.0:
            # Zero is what objectives say of rows without labels: of a whole split it would be an
            # invented score.
            scores["loss"] = float("nan")
        return scores | metrics

    def _whole_losses(self, tensors: dict[str, Tensor], device: torch.device) -> dict[str, float]:
        """The losses of the whole split as of one batch, and the means of the model's own."""
        rows = len(next(iter(tensors.values())))
        on_device = {name: tensor.to(device) for name, tensor in tensors.items()}
        targets = _by_suffix(on_device, "target_")
        terms = {
            name: tensor.float().mean() for name, tensor in _by_suffix(on_device, "loss_").items()
        }
        vector = on_device["output_vector"]
        logits, values = on_device.get("output_logits"), on_device.get("output_values")
        outputs = Outputs(vector, logits, values)
        batch = Batch(tuple(map(str, range(rows))), {}, empty_context(rows, device), targets)
        with torch.no_grad():
            losses = {name: float(loss) for name, loss in self.objective(outputs, batch).items()}
        losses |= {name: float(loss) for name, loss in terms.items()}
        return {**losses, "loss": sum(losses.values())}


def _by_suffix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with ``prefix``, by the rest of the name."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def answer_metrics(tensors: dict[str, Tensor], task: Task) -> dict[str, float]:
    """Every metric over the labelled rows; nothing without answers or without labelled rows."""
    scores: dict[str, float] = {}
    for target_set in task.target_sets:
        answer = tensors.get(f"output_{target_set.output}")
        target = tensors.get(f"target_{target_set.batch_key}")
        if answer is not None and target is not None:
            scores |= answer_scores(target_set, target.numpy(), answer.float().numpy())
    return scores


def _gathered(totals: ValidationTotals) -> ValidationTotals:
    """The totals of all processes, in the order of their ranks."""
    of_all = of_all_processes(totals)
    if len(of_all) == 1:
        return totals
    merged = ValidationTotals()
    for other in of_all:
        merged.ids.extend(other.ids)
        merged.batches |= other.batches
        merged.frames |= other.frames
        for name, tensors in other.tensors.items():
            merged.tensors.setdefault(name, []).extend(tensors)
        for name, losses in other.losses.items():
            known = merged.firsts.setdefault(name, [])
            # A batch that two processes had counts once.
            new = [at for at, first in enumerate(other.firsts[name]) if first not in set(known)]
            merged.losses.setdefault(name, []).append(torch.cat(losses)[new])
            known.extend(other.firsts[name][at] for at in new)
    return merged
