"""How the processes of a distributed fold work together: Lightning's strategies by their names."""

from __future__ import annotations

from typing import Any

from lightning.pytorch.strategies import DDPStrategy, Strategy

from mmser.core.errors import UsageError
from mmser.settings.trainer import Trainer
from mmser.training.loop.sharding import Sharded

DDP = {"ddp": False, "ddp_find_unused_parameters_true": True}
"""{name: whether parameters are looked for that a step does not use}."""


class DataParallel(DDPStrategy):
    """Each process has the whole network and every n-th batch; gradients are averaged.

    Differs from Lightning's: the validation split is dealt out without repeating a batch, so that
    one process may have a batch more. A wrapped network would wait for the others there.
    """

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        module = self.lightning_module
        if module is None:
            raise RuntimeError("a strategy without a module")
        with self.precision_plugin.val_step_context():
            return module.validation_step(*args, **kwargs)


def make_strategy(options: Trainer, several: bool) -> str | Strategy:
    """The strategy of ``trainer.strategy``, of one process or several; ``auto`` of several is ddp.

    A name that only Lightning knows stays a name.
    """
    name = options.strategy
    if name == "fsdp" and options.average is not None:
        raise UsageError(
            "no trainer.average beside trainer.strategy=fsdp", f"{options.average:g}", "Use ddp."
        )
    if name == "fsdp":
        return Sharded()
    if name in DDP or (name == "auto" and several):
        return DataParallel(find_unused_parameters=DDP.get(name, False))
    return name
