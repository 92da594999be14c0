"""CUDA graphs: what has been started on a GPU, started again as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mmser.models.replay.side_by_side import recording

WARM = 2
"""Passes before a graph is recorded, in which libraries choose and prepare their kernels."""


def on_gpu(values: Tensor) -> bool:
    return values.is_cuda


def warm_up(*work: Callable[[], None]) -> None:
    """Libraries choose and prepare their kernels; raises RuntimeError where work waits for the GPU.

    Not on the stream of everything else, whose memory a recording could not part with.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for number in range(WARM):
            with _no_waiting(number > 0):
                for part in work:
                    part()
    torch.cuda.current_stream().wait_stream(side)


def new_pool() -> Any:
    """Memory that the graphs of one model share, as no two of them run at the same time."""
    return torch.cuda.graph_pool_handle()


def record(work: Callable[[], None], pool: Any) -> Callable[[], None]:
    """What ``work`` starts on the GPU, as one call that starts it again."""
    graph = torch.cuda.CUDAGraph()
    try:
        # Other threads copy batches meanwhile, which is none of this recording's business.
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"), recording():
            work()
    except RuntimeError:
        # The generator believes that the recording goes on, and would refuse to draw any number.
        generator = torch.cuda.default_generators[torch.cuda.current_device()]
        generator.graphsafe_set_state(generator.clone_state())
        raise
    return graph.replay


@contextmanager
def own_precision() -> Iterator[None]:
    """The precision around, without its memory of cast weights, which would outlive the pass."""
    enabled, dtype = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    with torch.autocast("cuda", dtype, enabled, cache_enabled=False):
        yield


@contextmanager
def unchanged_chance() -> Iterator[None]:
    """The random numbers afterwards are those that would have come without the passes within."""
    before = torch.cuda.get_rng_state()
    try:
        yield
    finally:
        torch.cuda.set_rng_state(before)


@contextmanager
def unchanged_buffers(model: nn.Module) -> Iterator[None]:
    """Running statistics are not to feel the passes before a graph is recorded."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, kept in before:
                buffer.copy_(kept)


@contextmanager
def _no_waiting(strict: bool) -> Iterator[None]:
    """Within, an operation that waits for the GPU raises RuntimeError if ``strict``."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error" if strict else before)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
