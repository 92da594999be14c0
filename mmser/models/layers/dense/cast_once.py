"""Under autocast on a GPU, all weights are brought to the lower precision in a few kernels a pass.

Autocast casts each weight where it is used, and each gradient back: two kernels for every weight
and bias. The numbers are the same here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

CAST = (nn.Linear, nn.Conv1d, nn.Conv2d)
"""Layers whose weights autocast casts, each used as a whole."""

Owned = tuple[nn.Module, str, Tensor]


@contextmanager
def cast_once(model: nn.Module) -> Iterator[None]:
    """Within, the layers of ``model`` compute with weights that have been cast already.

    Where autocast is on, on a GPU; elsewhere nothing changes. The parameters stay as they are, and
    get their gradients.
    """
    owned = _castable(model) if torch.is_autocast_enabled("cuda") else []
    if not owned or not owned[0][2].is_cuda:
        yield
        return
    with replaced(owned, torch.get_autocast_dtype("cuda")):
        yield


@contextmanager
def replaced(owned: Sequence[Owned], dtype: torch.dtype) -> Iterator[None]:
    """Within, the modules find the cast weights under the names of their parameters."""
    cast = _CastAll.apply(dtype, *(weight for *_, weight in owned))
    # An attribute of the object itself comes before a parameter of the same name.
    for (module, name, _), weight in zip(owned, cast, strict=True):
        module.__dict__[name] = weight
    try:
        yield
    finally:
        for module, name, _ in owned:
            module.__dict__.pop(name, None)


def _castable(model: nn.Module) -> list[Owned]:
    """The weights and biases of its layers: whole parameters of float32, each once."""
    found: dict[int, Owned] = {}
    shared: set[int] = set()
    for module in model.modules():
        for name, weight in module._parameters.items():
            if type(module) not in CAST or type(weight) is not nn.Parameter:
                shared.add(id(weight))  # whoever else uses it needs it as it is
            elif weight.dtype == torch.float32 and id(weight) not in found:
                found[id(weight)] = module, name, weight
            else:
                shared.add(id(weight))
    return [one for number, one in found.items() if number not in shared]


class _CastAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *weights: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        ctx.set_materialize_grads(False)
        cast = [torch.empty_like(weight, dtype=dtype) for weight in weights]
        torch._foreach_copy_(cast, list(weights))
        learns = ctx.needs_input_grad[1:]
        frozen = [weight for weight, does in zip(cast, learns, strict=True) if not does]
        ctx.mark_non_differentiable(*frozen)
        return tuple(cast)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        given = [gradient for gradient in gradients if gradient is not None]
        whole = [torch.empty_like(gradient, dtype=torch.float32) for gradient in given]
        torch._foreach_copy_(whole, given)
        back = iter(whole)
        return None, *(None if gradient is None else next(back) for gradient in gradients)
