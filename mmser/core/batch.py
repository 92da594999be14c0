"""The tensors that flow through a model: Stream, Context, Batch, Fused, Outputs, Step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

UNLABELLED = -100
"""Class index of an utterance without a label (torch's ``ignore_index``); values use NaN."""

Streams = Mapping[str, "Stream"]


def _moved(value: Any, *args: Any, **kwargs: Any) -> Any:
    """``value.to(...)`` through dictionaries; what holds no tensors stays."""
    if isinstance(value, Mapping):
        return {name: _moved(item, *args, **kwargs) for name, item in value.items()}
    if isinstance(value, Tensor | _Movable):
        return value.to(*args, **kwargs)
    return value


class _Movable:
    """``to`` for the nouns below: every tensor of the dataclass moves, nothing else changes."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        moved = {f.name: _moved(getattr(self, f.name), *args, **kwargs) for f in fields(self)}  # type: ignore[arg-type]
        return replace(self, **moved)  # type: ignore[type-var]


@dataclass(frozen=True, slots=True, eq=False)
class Stream(_Movable):
    """One padded sequence per utterance.

    ``values`` is (batch, time, *feature); ``mask`` is (batch, time) bool, True = real. What stands
    in padded positions is undefined (it may be NaN). An absent modality is a row of False. Rows may
    also have gaps.
    """

    values: Tensor
    mask: Tensor

    def to(self, *args: Any, **kwargs: Any) -> Stream:
        """Move both tensors; a dtype applies to ``values`` alone."""
        values = self.values.to(*args, **kwargs)
        return Stream(values, self.mask.to(device=values.device))

    def pin_memory(self) -> Stream:
        """Both tensors in memory that a GPU copies from without waiting."""
        return Stream(self.values.pin_memory(), self.mask.pin_memory())

    @property
    def present(self) -> Tensor:
        """(batch,) bool: the utterance has this stream at all."""
        return self.mask.any(dim=1)

    @property
    def lengths(self) -> Tensor:
        """(batch,) long: number of real steps."""
        return self.mask.sum(dim=1)

    def filled(self, value: float = 0.0) -> Tensor:
        """``values`` with every padded position set to ``value``.

        So NaN in the padding cannot spread.
        """
        mask = self.mask.reshape(self.mask.shape + (1,) * (self.values.dim() - 2))
        return self.values.masked_fill(~mask, value)


@dataclass(frozen=True, slots=True, eq=False)
class Context(_Movable):
    """Where each row stands in its conversation: dialogue, turn and speaker, (batch,) long each.

    ``listeners`` (batch, listener) long asks for the judgements of single annotators, named by
    their place in ``Task.listeners`` (its length: an unknown annotator; `UNLABELLED`: none). None,
    the default, asks for the consensus.
    """

    dialogue: Tensor
    turn: Tensor
    speaker: Tensor
    listeners: Tensor | None = None

    def pin_memory(self) -> Context:
        """The tensors in memory that a GPU copies from without waiting."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        pinned = {name: each.pin_memory() for name, each in tensors.items() if each is not None}
        return replace(self, **pinned)


@dataclass(frozen=True, slots=True, eq=False)
class Batch(_Movable):
    """Utterances collated: row i of every tensor belongs to ``ids[i]``.

    ``targets`` may hold ``emotion`` (batch,) long with `UNLABELLED`; ``votes`` (batch, class)
    float, rows sum to 1 or are NaN; ``values`` (batch, value) float with NaN; ``speaker``,
    ``gender``, ``corpus`` (batch,) long; ``listener`` and ``listener_emotion`` (batch, vote) long,
    the annotator and the class of each vote (see `mmser.data.listeners`); further targets are named
    by the loss that needs them.

    ``streams`` are what a model reads. ``traces`` are labels over time, which no model sees: values
    or classes (batch, time[, value]) at every frame or segment, or the characters of a transcript.
    """

    ids: tuple[str, ...]
    streams: dict[str, Stream]
    context: Context
    targets: dict[str, Tensor] = field(default_factory=dict)
    traces: dict[str, Stream] = field(default_factory=dict)

    def pin_memory(self) -> Batch:
        """Every tensor in memory that a GPU copies from without waiting; data loaders call it."""
        streams = {name: stream.pin_memory() for name, stream in self.streams.items()}
        traces = {name: trace.pin_memory() for name, trace in self.traces.items()}
        targets = {name: target.pin_memory() for name, target in self.targets.items()}
        context = self.context.pin_memory()
        return replace(self, streams=streams, traces=traces, targets=targets, context=context)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """What a fusion returns.

    ``vector`` is (batch, feature). ``losses`` are label-free terms, already weighted. ``attention``
    holds weights by name, (batch, [head,] query, key) or (batch, time), only when asked for.
    ``sequence`` is the fused sequence (batch, time, feature) of systems that predict at every step.
    """

    vector: Tensor
    losses: dict[str, Tensor] = field(default_factory=dict)
    attention: dict[str, Tensor] = field(default_factory=dict)
    sequence: Stream | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a model returns: ``logits`` (batch, class) and ``values`` (batch, value), or None.

    ``vector`` is the fused (batch, feature) embedding; ``encoded`` the encoders' streams (losses
    such as CTC read them); ``losses``, ``attention`` and ``sequence`` come from the fusion.

    ``steps``, only when asked for and where the model can, holds the head's answers at every step
    of ``sequence``: vector (batch, step, feature), logits (batch, step, class), values (batch,
    step, value). What stands where ``sequence.mask`` is False is undefined. ``listeners`` (batch,
    listener, class), only where the context names listeners and the head can, are the logits of
    each annotator by themselves.
    """

    vector: Tensor
    logits: Tensor | None = None
    values: Tensor | None = None
    encoded: dict[str, Stream] = field(default_factory=dict)
    losses: dict[str, Tensor] = field(default_factory=dict)
    attention: dict[str, Tensor] = field(default_factory=dict)
    sequence: Stream | None = None
    steps: Outputs | None = None
    listeners: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What a training paradigm makes of one batch: named losses, each already weighted.

    ``outputs`` are the model's answers for the batch as it is, None where it was not run on that.
    """

    losses: dict[str, Tensor]
    outputs: Outputs | None = None

    @property
    def total(self) -> Tensor:
        """The sum of the losses in float32, which the learner steps on."""
        return torch.stack([loss.float() for loss in self.losses.values()]).sum()


def empty_context(batch: int, device: torch.device | None = None) -> Context:
    """Every row its own dialogue, first turn, speaker 0: for models that ignore context."""
    rows = torch.arange(batch, device=device)
    return Context(dialogue=rows, turn=torch.zeros_like(rows), speaker=torch.zeros_like(rows))
