"""A network whose weights, gradients and optimizer states are spread over the processes of a fold.

Source: Zhao et al., "PyTorch FSDP", VLDB 2023, in the form of torch's ``fully_shard``: each layer
is put together when it is computed, and taken apart again. Names of parameters stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer
from torch.utils._pytree import SUPPORTED_NODES, register_dataclass

from mmser.core.batch import Outputs, Stream
from mmser.core.errors import MmserError
from mmser.training.loop.learner import Learner
from mmser.training.loop.processes import whole

LAYER_LISTS = ("layer", "layers")
"""Names of the lists of a network's transformer layers, each of which is called as a whole."""

LAYER_PARAMETERS = 1_000_000
"""Layers with fewer parameters travel together with what is around them."""


class Sharded(DDPStrategy):
    """Each process keeps a share of the network and has every n-th batch."""

    def configure_ddp(self) -> None:
        """Spread the network; the module is not wrapped, so that names and calls stay."""
        module: Any = self.lightning_module
        learner: Learner = module.learner
        if any(parameter.requires_grad for parameter in learner.objective.parameters()):
            raise MmserError(
                "an objective without weights of its own for trainer.strategy=fsdp",
                type(learner.objective).__name__,
                "Use trainer.strategy=ddp.",
            )
        _tell_of_answers()
        mesh = init_device_mesh(self.root_device.type, (self.world_size,))
        for layer in _large_layers(learner.model):
            fully_shard(layer, mesh=mesh)
        fully_shard(learner.model, mesh=mesh)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """The whole network's, in every process."""
        return whole(super().lightning_module_state_dict())

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """As of a network that is not spread."""
        state = optimizer.state_dict()
        slots = {number: whole(slot) for number, slot in state["state"].items()}
        return {**state, "state": slots}

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Spread what `optimizer_state` gave."""
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            slots = {
                number: _like(parameters[int(number)], slot)
                for number, slot in state["state"].items()
            }
            optimizer.load_state_dict({**state, "state": slots})


def put_together(module: nn.Module) -> None:
    """All weights in every process, so that each may compute as often as it wants."""
    for part in _sharded(module):
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()


def take_apart(module: nn.Module) -> None:
    """The reverse of `put_together`."""
    for number, part in enumerate(_sharded(module)):
        part.reshard()
        # What is around the layers stays together until it has learnt, as torch does by itself.
        part.set_reshard_after_forward(number > 0, recurse=False)


def _tell_of_answers() -> None:
    """Weights are put together for the gradients by what a network returns: torch must see it."""
    for kind in (Stream, Outputs):
        if kind not in SUPPORTED_NODES:
            register_dataclass(kind)


def _sharded(module: nn.Module) -> list[FSDPModule]:
    return [part for part in module.modules() if isinstance(part, FSDPModule)]


def _large_layers(model: nn.Module) -> Iterator[nn.Module]:
    for name, module in model.named_modules():
        if not isinstance(module, nn.ModuleList) or name.rpartition(".")[2] not in LAYER_LISTS:
            continue
        for layer in module:
            if sum(parameter.numel() for parameter in layer.parameters()) >= LAYER_PARAMETERS:
                yield layer


def _like(parameter: Tensor, slot: Mapping[str, Any]) -> dict[str, Any]:
    """An optimizer's numbers for a parameter, spread as that is."""
    if not isinstance(parameter, DTensor):
        return dict(slot)
    spread = {}
    for name, value in slot.items():
        spread[name] = value
        if isinstance(value, Tensor) and value.shape == parameter.shape and value.dim():
            on_device = value.to(parameter.device)
            spread[name] = distribute_tensor(on_device, parameter.device_mesh, parameter.placements)
    return spread
