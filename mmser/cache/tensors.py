"""Arrays and modules to safetensors and back: the one place that writes them.

A module's tensors may be views of one buffer (cuDNN does so with the weights of a recurrent layer),
share one storage (tied weights) or lie on a GPU. The file holds a contiguous copy of each by its
name, and tied ones once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.cache.atomic import written_aside
from mmser.core.errors import MmserError, reason_of

if TYPE_CHECKING:
    from torch import Tensor, nn


def save_arrays(arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Write arrays by name, whole or not at all."""
    from safetensors.numpy import save_file

    with written_aside(Path(path)) as aside:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, aside)


def load_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """What a file holds, as arrays. Raises MmserError when it is damaged."""
    from safetensors.numpy import load_file

    with _damage_as_error(path):
        return load_file(path)


def save_module(module: nn.Module, path: str | Path) -> None:
    """Write a module's parameters and buffers, whole or not at all."""
    save_state(module.state_dict(), path)


def save_state(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Write the tensors of a module's state, whole or not at all."""
    import torch
    from safetensors.torch import save_file

    names = [min(group) for group in _tied(state)]
    # A clone even of what is contiguous: as a view it would share its storage with its neighbours.
    copies = {
        name: state[name].detach().cpu().clone(memory_format=torch.contiguous_format)
        for name in sorted(names)
    }
    with written_aside(Path(path)) as aside:
        save_file(copies, aside)


@contextmanager
def _damage_as_error(path: str | Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise MmserError(
            f"an undamaged {path}", reason_of(error), "Copy it again, or make it again."
        ) from error


def _tied(state: Mapping[str, Tensor]) -> list[list[str]]:
    """The names of a state's tensors, grouped: those of one group are one and the same tensor."""
    groups: dict[object, list[str]] = {}
    for name, tensor in state.items():
        same = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        # Empty tensors have no place in memory, and those on the meta device none at all.
        groups.setdefault(same if tensor.numel() and tensor.data_ptr() else name, []).append(name)
    return list(groups.values())
