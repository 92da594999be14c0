"""An exponential moving average of the weights, which is what validation scores and what is kept.

Source: Polyak and Juditsky, SIAM J. Control Optim. 1992, in the exponential form of Tarvainen and
Valpola, NeurIPS 2017. Training goes on with the weights of the last step. In the first steps the
decay is ``(1 + steps) / (10 + steps)`` at most, so that a short training forgets where it began.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmser.training.loop.learner import Learner
from mmser.training.loop.watcher import Trainer, Watcher


class WeightAverage(Watcher):
    """Averages model and objective after every optimizer step; the first of all watchers.

    From the start of a check of the validation split to the next training step the learner has the
    averaged weights: those who look at it in between (`BestWeights`) need know nothing of them.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.average: dict[str, Tensor] = {}
        self.steps = 0
        self._live: dict[str, Tensor] = {}

    def on_fit_start(self, trainer: Trainer, learner: Learner) -> None:
        own = _weights(learner)
        # A resumed training has its average from before.
        start = self.average or own
        self.average = {name: start[name].to(own[name], copy=True) for name in own}

    def on_train_batch_start(self, trainer: Trainer, learner: Learner) -> None:
        self._give_back(learner)

    def on_train_batch_end(self, trainer: Trainer, learner: Learner) -> None:
        if trainer.global_step == self.steps:
            return  # gradients are still being accumulated
        self.steps = trainer.global_step
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        own = _weights(learner)
        torch._foreach_lerp_(list(self.average.values()), [own[n] for n in self.average], 1 - decay)

    def on_validation_start(self, trainer: Trainer, learner: Learner) -> None:
        own = _weights(learner)
        self._live = {name: tensor.clone() for name, tensor in own.items()}
        _copy(self.average, own)

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None:
        self._give_back(learner)

    def on_train_end(self, trainer: Trainer, learner: Learner) -> None:
        self._give_back(learner)

    def _give_back(self, learner: Learner) -> None:
        """The weights of the last step, where the learner has the average."""
        _copy(self._live, _weights(learner))
        self._live = {}

    def state_dict(self) -> dict[str, Any]:
        return {"average": self.average, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.average, self.steps = state_dict["average"], state_dict["steps"]


def _weights(learner: nn.Module) -> dict[str, Tensor]:
    """Parameters and statistics of norms, as they lie in the learner."""
    state = learner.state_dict()
    return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in source.items():
            target[name].copy_(tensor)
