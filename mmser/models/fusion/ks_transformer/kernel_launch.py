"""Launching a Triton kernel without looking it up each time."""

from __future__ import annotations

from typing import Any

from torch import Tensor

Tensors = tuple[Tensor | None, ...]

ALIGNMENT = 16
"""Triton compiles anew for addresses and strides that are no multiples of this."""

_COMPILED: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = {}
"""The compiled kernel and its constants, by what they were compiled for."""


def run(
    kernel: Any,
    grid: tuple[int, ...],
    tensors: Tensors,
    numbers: tuple[float, ...],
    strides: tuple[int, ...],
    options: dict[str, Any],
) -> None:
    """Launch ``kernel(*tensors, *numbers, *strides, **options)``.

    ``options`` are its constants, which come last among its parameters, and Triton's own. Triton
    takes longer to find a compiled kernel by its arguments than many of these run. Where all
    addresses and strides are aligned, as they nearly always are, types and options say which it is.
    """
    known = _known(kernel, tensors, strides, options)
    if known in _COMPILED:
        compiled, constants = _COMPILED[known]
        compiled[(*grid, 1, 1)[:3]](*tensors, *numbers, *strides, *constants)
        return
    compiled = kernel[grid](*tensors, *numbers, *strides, **options)
    if known is not None and compiled is not None:
        constants = kernel.arg_names[len(tensors) + len(numbers) + len(strides) :]
        _COMPILED[known] = compiled, tuple(options[name] for name in constants)


def _known(
    kernel: Any, tensors: Tensors, strides: tuple[int, ...], options: dict[str, Any]
) -> tuple[Any, ...] | None:
    """What a kernel is compiled for; None where an address or a stride is not aligned."""
    bits = 0
    kinds: list[Any] = []
    for tensor in tensors:
        if tensor is None:
            kinds.append(None)
        else:
            kinds.append(tensor.dtype)
            bits |= tensor.data_ptr()
    largest = 0
    for stride in strides:
        bits |= stride
        largest |= stride
    if bits % ALIGNMENT or largest >> 31 or tensors[0] is None:
        return None
    return id(kernel), tensors[0].get_device(), *kinds, *options.values()
