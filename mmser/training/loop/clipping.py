"""Gradient clipping: by the norm of all gradients, by the norm of each tensor, or by value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from mmser.core.errors import MmserError

ClipMode = Literal["norm", "tensor", "value"]


def clip_gradients(
    parameters: Iterable[nn.Parameter], limit: float | None, mode: ClipMode = "norm"
) -> None:
    """Clip in place; ``limit`` None leaves all as it is.

    ``tensor`` bounds the norm of each parameter's gradient by itself, as TensorFlow's
    ``clip_by_norm`` does.
    """
    if limit is None:
        return
    with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    if mode == "norm":
        clip_grad_norm_(with_gradient, limit)
    elif mode == "tensor":
        for parameter in with_gradient:
            clip_grad_norm_(parameter, limit)
    elif mode == "value":
        clip_grad_value_(with_gradient, limit)
    else:
        raise MmserError(
            "clip_mode norm, tensor or value", f"'{mode}'", "Correct trainer.clip_mode."
        )
