"""Batch norm whose statistics are measured anew before each check ("precise batch norm").

Source: Wu, Johnson, "Rethinking 'batch' in BatchNorm", 2021, section 3. The running averages of
training trail behind weights that move quickly: on small corpora, with ten steps in an epoch, a
network that has learnt well may be judged at chance, and its best epoch is picked by luck.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmser.core.batch import Batch
from mmser.data.fold_data import FoldData
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.training.loop.learner import Learner
from mmser.training.loop.watcher import Trainer, Watcher


class PreciseNorms(Watcher):
    """Before each check of the validation split, measures the statistics of batch norm.

    They come from ``batches`` batches of the training split. Training itself is untouched: it
    normalises by the batch. Frozen layers keep what they have.
    """

    def __init__(self, batches: int, data: FoldData) -> None:
        self.batches, self.data = batches, data

    def on_validation_start(self, trainer: Trainer, learner: Learner) -> None:
        loader = self.data.loader("train", shuffle=True)
        # Reading training batches draws random numbers, which training itself must not miss.
        devices = [learner.device] if learner.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            measure_norms(learner.model, islice(loader, self.batches), learner.device)


def measure_norms(model: nn.Module, batches: Iterable[Batch], device: torch.device) -> None:
    """Set the running statistics of every learning batch norm to their mean over ``batches``.

    All other modules run in evaluation mode, in which ``model`` is left.
    """
    model.eval()
    norms = [
        norm
        for norm in model.modules()
        if isinstance(norm, (MaskedBatchNorm, _BatchNorm)) and _learns(norm)
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        for number, batch in enumerate(batches, start=1):
            for norm in norms:
                norm.train()
                norm.momentum = 1 / number  # the mean of all so far
            moved = batch.to(device)
            model(moved.streams, moved.context)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval()
        norm.momentum = momentum


def _learns(norm: nn.Module) -> bool:
    return all(parameter.requires_grad for parameter in norm.parameters())
