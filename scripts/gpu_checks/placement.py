"""Tensors that lie on a device this machine does not have: what mixes them with the CPU's is found
without a GPU.

Such a tensor computes on the CPU and says that it lies on the device "meta"; an operation that is
given tensors of both places fails as it does on a GPU. Values are right, so that code may look at
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

from gpu_checks.systems import prepared

AWAY = torch.device("meta")
MIXED = {"_pack_padded_sequence", "_pack_padded_sequence_backward", "_to_copy", "copy_"}
"""Operations that take tensors of both places."""

INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
"""A GPU's tensor may be indexed by one of the CPU, and not the other way round."""


class AwayTensor(Tensor):
    """A tensor of the device that is not there; ``here`` holds its values."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> AwayTensor:
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=AWAY,
        )
        made.here = here
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"AwayTensor{tuple(self.shape)}"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


class Away(TorchDispatchMode):
    """Within it tensors can be made on, and moved to, the device that is not there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


class Literals(TorchFunctionMode):
    """``new_tensor`` copies numbers to the device below the level at which `Away` looks."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is torch.Tensor.new_tensor and isinstance(args[0], AwayTensor):
            return AwayTensor(args[0].here.new_tensor(*args[1:], **(kwargs or {})))
        return func(*args, **(kwargs or {}))


def placement(name: str, folder: Path, device: torch.device) -> str:
    """A training step of each stage of a system, and its model in evaluation mode with attention,
    away.
    """
    stages = 0
    for part in prepared(name, folder):
        learner = move_away(part.learner).train()
        with Literals(), Away():
            batch = part.batch.to(AWAY)
            learner.step(batch).total.backward()
            learner.after_step()
            with torch.no_grad():
                learner.model.eval()(batch.streams, batch.context, need_attention=True)
        stages += 1
    return f"{stages} stages"


def move_away(module: nn.Module) -> Any:
    """Every parameter and buffer of ``module`` on the device that is not there; tied ones stay
    tied.
    """
    moved: dict[int, nn.Parameter] = {}
    for part in module.modules():
        for name, old in [*part._parameters.items()]:
            if old is not None:
                new = nn.Parameter(
                    AwayTensor(old.detach().clone()), requires_grad=old.requires_grad
                )
                part._parameters[name] = moved.setdefault(id(old), new)
        for name, buffer in [*part._buffers.items()]:
            if buffer is not None:
                part._buffers[name] = AwayTensor(buffer.detach().clone())
        if isinstance(part, nn.RNNBase):
            part._flat_weights = [getattr(part, name) for name in part._flat_weights_names]
    return module


def _computed(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    name = func._schema.name.split("::")[1]
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    away = [tensor for tensor in tensors if isinstance(tensor, AwayTensor)]
    if away:
        _check_places(name, tensors)
    asked = kwargs.get("device")
    here = {
        **tree_map(_here, dict(kwargs)),
        **({} if asked is None else {"device": torch.device("cpu")}),
    }
    result = func(*tree_map(_here, tuple(args)), **here)
    if name == "_pack_padded_sequence" and away:
        return AwayTensor(result[0]), result[1]  # the sizes of the batches belong to the CPU
    stays = bool(away) if asked is None else torch.device(asked) == AWAY
    if not stays:
        return result
    wrapped = tree_map(lambda leaf: AwayTensor(leaf) if isinstance(leaf, Tensor) else leaf, result)
    return return_and_correct_aliasing(func, args, kwargs, wrapped) if away else wrapped


def _here(leaf: Any) -> Any:
    return leaf.here if isinstance(leaf, AwayTensor) else leaf


def _check_places(name: str, tensors: Sequence[Tensor]) -> None:
    """A number of the CPU (no dimension) may take part anywhere."""
    near = [tensor for tensor in tensors if not isinstance(tensor, AwayTensor) and tensor.dim()]
    if not near or name in MIXED or (name in INDEXED and isinstance(tensors[0], AwayTensor)):
        return
    raise RuntimeError(
        f"{name} of a tensor {tuple(near[0].shape)} on the CPU and others on the device"
    )
