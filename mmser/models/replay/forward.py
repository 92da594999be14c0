"""Training steps of small models replayed as CUDA graphs, one for each bucket of lengths.

A small model takes hundreds of kernels of a few microseconds: starting them one by one costs
several times what they take. A graph starts them all at once. It knows one shape alone, so that
streams are padded up to a bucket of lengths; no result depends on padding, so that none changes.
"""

from __future__ import annotations

import copy
import logging
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mmser.core.batch import Context, Outputs
from mmser.models.replay.graphs import on_gpu
from mmser.models.replay.recorded import (
    Gradients,
    NotRecordableError,
    Open,
    Recorded,
    Streams,
)

_log = logging.getLogger(__name__)

MOST = 32
"""Graphs kept for one model: beyond that a longer one is taken, or the step goes without."""


def use_cuda_graphs(model: nn.Module) -> None:
    """From now on training passes of ``model`` on a GPU are recorded and replayed.

    Names and places of its weights stay. What cannot be recorded (a pass that waits for the GPU, a
    fusion that gives a sequence) is computed as before, which is said once.
    """
    model.forward = GraphedForward(model)


def bucket(steps: int) -> int:
    """The length that ``steps`` are padded to: at most a quarter longer, at least 8."""
    if steps <= 8:
        return 8
    unit = max(8, 1 << (steps - 1).bit_length() - 3)
    return -(-steps // unit) * unit


class GraphedForward:
    """Stands in for the ``forward`` of a model."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._plain: Callable[..., Outputs] = type(model).forward.__get__(model)
        self._passes: dict[Any, Recorded] = {}
        self._unfit = False
        self._open: Callable[[], Open | None] = lambda: None
        self._gradients: Gradients | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphedForward:
        # A graph belongs to the weights that it was recorded with.
        return GraphedForward(copy.deepcopy(self._model, memo))

    @property
    def graphs(self) -> int:
        """How many shapes of batches have been recorded."""
        return len(self._passes)

    def __call__(
        self,
        streams: Streams,
        context: Context,
        need_attention: bool = False,
        need_steps: bool = False,
    ) -> Outputs:
        """As the model's own."""
        used = {name: streams[name] for name in self._model.encoders if name in streams}  # type: ignore[union-attr]
        if need_attention or need_steps or not self._can_replay(used, context):
            return self._plain(streams, context, need_attention, need_steps)
        recorded = self._find(used, context)
        if recorded is None:
            return self._plain(streams, context)
        opened = Open()
        self._open = weakref.ref(opened)
        return recorded.replay(used, context, opened)

    def _can_replay(self, streams: Streams, context: Context) -> bool:
        """A training step of its own weights, the backward pass of the last one done."""
        if self._unfit or not self._model.training or not torch.is_grad_enabled():
            return False
        if context.listeners is not None or len(streams) < len(self._model.encoders):  # type: ignore[arg-type]
            return False
        values = [stream.values for stream in streams.values()]
        if any(one.requires_grad or not on_gpu(one) for one in values):
            return False
        last = self._open()
        if last is not None and not last.closed:
            return False
        return self._room_for_gradients().given()

    def _room_for_gradients(self) -> Gradients:
        """What is recorded holds as long as the weights lie where they lay."""
        if self._gradients is None or not self._gradients.still_those_of_model():
            self._passes.clear()
            self._gradients = Gradients(self._model)
        return self._gradients

    def _find(self, streams: Streams, context: Context) -> Recorded | None:
        """The graph for this batch, recorded if need be; None if it has to go without."""
        precision = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
        kinds = tuple(
            (name, stream.values.dtype, len(stream.mask), *stream.values.shape[2:])
            for name, stream in streams.items()
        )
        times = tuple(bucket(stream.mask.shape[1]) for stream in streams.values())
        key = (precision, kinds, times)
        if key in self._passes:
            return self._passes[key]
        if len(self._passes) >= MOST:
            return self._longer(key)
        padded = dict(zip(streams, times, strict=True))
        try:
            recorded = Recorded(self._plain, self._model, streams, context, padded, self._gradients)  # type: ignore[arg-type]
        except (RuntimeError, NotRecordableError) as error:
            reason = str(error).strip().split("\n")[0]
            _log.warning("trainer.cuda_graphs: the model goes without, as %s", reason)
            self._unfit = True
            return None
        self._passes[key] = recorded
        return recorded

    def _longer(self, key: tuple[Any, ...]) -> Recorded | None:
        """A recorded pass of the same kind with room for the batch, at most twice as long."""
        *kind, times = key
        for (*other, room), recorded in self._passes.items():
            pairs = zip(times, room, strict=True)
            if other == kind and all(time <= most <= 2 * time for time, most in pairs):
                return recorded
        return None
