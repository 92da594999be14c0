"""What the processes of a distributed fold tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch.distributed
from torch import nn

Told = TypeVar("Told")


def of_all_processes(told: Told) -> list[Told]:
    """What each process tells, in the order of their ranks; of a single process its own."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return [told]
    of_all: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(of_all, told)
    return of_all


def share_buffers(module: nn.Module) -> None:
    """Give every process the first one's buffers, such as the statistics of batch norm."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for buffer in module.buffers():
            torch.distributed.broadcast(buffer, 0)


def whole(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state with the tensors that are spread over the processes put together; all take part."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return dict(state)
    from torch.distributed.tensor import DTensor

    return {
        name: value.full_tensor() if isinstance(value, DTensor) else value
        for name, value in state.items()
    }
