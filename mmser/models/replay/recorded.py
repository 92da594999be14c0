"""A forward and a backward pass of one shape of batch, recorded once and replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmser.core.batch import Context, Outputs, Stream
from mmser.models.replay.graphs import (
    new_pool,
    own_precision,
    record,
    unchanged_buffers,
    unchanged_chance,
    warm_up,
)

Streams = Mapping[str, Stream]


class NotRecordableError(Exception):
    """Why a pass has to be computed as it is."""


class Open:
    """A forward pass whose backward pass is still to come; it lives as long as its graph."""

    closed = False


class Gradients:
    """What all graphs of a model write into: memory, and a gradient of each learning parameter."""

    def __init__(self, model: nn.Module) -> None:
        self._owners = [
            (module, name, parameter)
            for module in model.modules()
            for name, parameter in module._parameters.items()
            if parameter is not None
        ]
        self.pool = new_pool()
        self._places = [parameter.data_ptr() for *_, parameter in self._owners]
        learning = {id(p): p for *_, p in self._owners if p.requires_grad}
        self.parameters = list(learning.values())
        self.tensors = [torch.zeros_like(parameter) for parameter in self.parameters]

    def still_those_of_model(self) -> bool:
        """The parameters lie where they lay."""
        pairs = zip(self._owners, self._places, strict=True)
        return all(parameter.data_ptr() == place for (*_, parameter), place in pairs)

    def given(self) -> bool:
        """The model computes with its own parameters, and not with others in their place."""
        return all(module._parameters.get(name) is own for module, name, own in self._owners)

    def release(self) -> None:
        """Gradients that have been handed out and are still kept stay as they are."""
        for parameter, tensor in zip(self.parameters, self.tensors, strict=True):
            kept = parameter.grad
            if kept is not None and kept.data_ptr() == tensor.data_ptr():
                parameter.grad = kept.clone()


class Recorded:
    """The forward and the backward pass of one shape of batch."""

    def __init__(
        self,
        plain: Callable[..., Outputs],
        model: nn.Module,
        streams: Streams,
        context: Context,
        times: Mapping[str, int],
        gradients: Gradients,
    ) -> None:
        self.gradients = gradients
        self._streams = {name: _room(stream, times[name]) for name, stream in streams.items()}
        self._context = replace(
            context,
            dialogue=context.dialogue.clone(),
            turn=context.turn.clone(),
            speaker=context.speaker.clone(),
        )
        self._fill(streams, context)
        self.learning: list[Tensor] = []
        self._outputs: Any = None
        self.upstream: list[Tensor] = []
        self.touched: list[bool] = []
        with own_precision(), unchanged_buffers(model), unchanged_chance():
            self._record(plain)

    def _record(self, plain: Callable[..., Outputs]) -> None:
        ahead = partial(self._pass, plain)
        warm_up(ahead, self._pass_backwards)
        self.forward = record(ahead, self.gradients.pool)
        self.backward = record(self._pass_backwards, self.gradients.pool)
        # What autograd kept for the recording is not needed for what has been recorded.
        self.learning = [tensor.detach() for tensor in self.learning]
        self._outputs = _mapped(self._outputs, Tensor.detach)

    def _pass(self, plain: Callable[..., Outputs]) -> None:
        """Sets ``learning``: what the model gives that a gradient may come back to."""
        # New names for the same memory: nothing that was remembered of a mask may be found again.
        streams = {n: Stream(s.values.detach(), s.mask.detach()) for n, s in self._streams.items()}
        outputs = plain(streams, self._context)
        if outputs.sequence is not None:
            raise NotRecordableError("its answers are as long as the batch")
        leaves: list[Tensor] = []
        _mapped(outputs, leaves.append)
        self._outputs = outputs
        self._learns = [tensor.requires_grad for tensor in leaves]
        self.learning = [tensor for tensor in leaves if tensor.requires_grad]
        if not self.upstream:
            self.upstream = [torch.zeros_like(tensor) for tensor in self.learning]
            self.touched = [False] * len(self.upstream)

    def _pass_backwards(self) -> None:
        found = torch.autograd.grad(
            self.learning, self.gradients.parameters, self.upstream, allow_unused=True
        )
        self.reached = [gradient is not None for gradient in found]
        pairs = list(zip(self.gradients.tensors, found, strict=True))
        torch._foreach_copy_(
            [tensor for tensor, new in pairs if new is not None],
            [new for _, new in pairs if new is not None],
        )

    def _fill(self, streams: Streams, context: Context) -> None:
        for name, stream in streams.items():
            room, steps = self._streams[name], stream.mask.shape[1]
            room.values[:, :steps].copy_(stream.values)
            room.mask[:, :steps].copy_(stream.mask)
            room.mask[:, steps:].fill_(False)
        for field in ("dialogue", "turn", "speaker"):
            getattr(self._context, field).copy_(getattr(context, field))

    def replay(self, streams: Streams, context: Context, opened: Open) -> Outputs:
        """The outputs of this batch, until the next one overwrites them."""
        self._fill(streams, context)
        learning = iter(_Replay.apply(self, opened, *self.gradients.parameters))
        learns = iter(self._learns)
        return _mapped(self._outputs, lambda kept: next(learning) if next(learns) else kept)


class _Replay(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, recorded: Recorded, opened: Open, *parameters: Tensor) -> Any:  # type: ignore[override]
        ctx.recorded, ctx.opened = recorded, opened
        ctx.set_materialize_grads(False)
        recorded.forward()
        return tuple(tensor.detach() for tensor in recorded.learning)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor | None) -> Any:  # type: ignore[override]
        recorded: Recorded = ctx.recorded
        gradients = recorded.gradients
        gradients.release()
        for number, (room, given) in enumerate(zip(recorded.upstream, upstream, strict=True)):
            if given is not None:
                room.copy_(given)
            elif recorded.touched[number]:
                room.zero_()
            recorded.touched[number] = given is not None
        recorded.backward()
        ctx.opened.closed = True
        pairs = zip(gradients.tensors, recorded.reached, strict=True)
        return None, None, *(tensor.detach() if reached else None for tensor, reached in pairs)


def _room(stream: Stream, steps: int) -> Stream:
    """Zeros for as many rows, all padding."""
    values, batch = stream.values, len(stream.mask)
    return Stream(
        values.new_zeros(batch, steps, *values.shape[2:]), stream.mask.new_zeros(batch, steps)
    )


def _mapped(value: Any, each: Callable[[Tensor], Any]) -> Any:
    """Every tensor inside exchanged, in the order of fields and keys."""
    if isinstance(value, Tensor):
        return each(value)
    if isinstance(value, Mapping):
        return {name: _mapped(item, each) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _mapped(getattr(value, field.name), each) for field in fields(value)}
        return replace(value, **parts)
    return value
