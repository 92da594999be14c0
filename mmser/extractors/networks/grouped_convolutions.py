"""Grouped convolutions that a processor computes wrongly in bfloat16 stay in float32.

With some kernels of some processors (AMX: kernel 16 with 4, 8 or 12 channels a group) the result
has nothing to do with the right one. Features must not depend on the processor, so each such layer
is tried once on noise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

TOLERANCE = 0.05
"""Relative; bfloat16's own error is below one percent."""
_BATCH, _FRAMES = 2, 64


def keep_right(model: nn.Module) -> list[str]:
    """Set back to float32 every grouped convolution of a bfloat16 model on the CPU that gives other
    values there.

    Such a layer reads and gives bfloat16 as before. Returns the names of those set back.
    """
    exact = []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d) and layer.groups > 1 and _is_wrong(layer):
            layer.float()
            layer.register_forward_pre_hook(_to_float)
            layer.register_forward_hook(_to_bfloat16)
            exact.append(name)
    return exact


def _is_wrong(layer: nn.Conv1d | nn.Conv2d) -> bool:
    """The bfloat16 layer against its own weights in float32, on one stretch of noise."""
    generator = torch.Generator().manual_seed(0)
    sides = [_FRAMES + size for size in layer.kernel_size]
    noise = torch.randn(_BATCH, layer.in_channels, *sides, generator=generator).bfloat16()
    with torch.inference_mode():
        values = layer(noise).float()
        right = layer.float()(noise.float())
    layer.bfloat16()
    return not bool((values - right).norm() <= TOLERANCE * right.norm())


def _to_float(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.float() if isinstance(value, Tensor) else value for value in inputs)


def _to_bfloat16(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    return output.bfloat16()
