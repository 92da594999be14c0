"""Buffers whose sizes the training data decide: they are read in the size they were saved in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor, nn


def open_buffers(
    module: nn.Module,
    axes: Mapping[str, Collection[int]],
    state: Mapping[str, Tensor],
    prefix: str,
) -> None:
    """Give buffers of ``module`` the sizes that ``state`` has for them along their open ``axes``.

    For a module's ``_load_from_state_dict``, before torch compares the sizes: what does not fit
    along the other axes is left for torch to refuse.
    """
    for name, open_axes in axes.items():
        own, saved = module.get_buffer(name), state.get(prefix + name)
        if saved is None or saved.dim() != own.dim():
            continue
        sizes = [
            saved.shape[axis] if axis in open_axes else size for axis, size in enumerate(own.shape)
        ]
        module.register_buffer(name, own.new_zeros(sizes))
