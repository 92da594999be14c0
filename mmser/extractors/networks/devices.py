"""Where a pretrained model runs, and in which precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import nn

    M = TypeVar("M", bound=nn.Module)

Precision = Literal["float32", "bfloat16"]


def placed(model: M, device: str, precision: Precision) -> M:
    """The model in eval mode, without gradients, on ``device`` (``auto``: the GPU when there is
    one).

    In bfloat16 on the CPU, grouped convolutions stay in float32 where this processor computes them
    wrongly.
    """
    import torch

    from mmser.extractors.networks.grouped_convolutions import keep_right

    where = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    model = model.eval().requires_grad_(False).to(where, getattr(torch, precision))
    if precision == "bfloat16" and torch.device(where).type == "cpu":
        keep_right(model)
    return model


def place_of(model: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and dtype of a model's parameters."""
    parameter = next(model.parameters())
    return parameter.device, parameter.dtype


def seeded(build: Callable[[], M], seed: int) -> M:
    """A randomly initialised model that depends on ``seed`` alone; the caller's random state is
    left as it was.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
