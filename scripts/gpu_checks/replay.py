"""Training passes replayed as CUDA graphs: their gradients are those of the passes as they are."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from gpu_checks.systems import prepared
from mmser.models.layers.masks.latent_masking import LatentMasking
from mmser.models.replay.forward import GraphedForward, use_cuda_graphs
from mmser.training.loop.learner import Learner

TOLERANCE = 1e-4
"""Largest difference of a gradient, relative to the largest of all."""

PASSES = 3
"""The first records, the others replay."""


def replayed(name: str, folder: Path, device: torch.device) -> str:
    """The last stage of a system; says so where its passes cannot be recorded."""
    *_, last = prepared(name, folder)
    learner, batch = without_chance(last.learner).to(device).train(), last.batch.to(device)
    twin = copy.deepcopy(learner)
    use_cuda_graphs(twin.model)
    for _ in range(PASSES):
        expected, found = gradients(learner, batch), gradients(twin, batch)
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    difference = max(
        float((gradient - found[name]).abs().max()) for name, gradient in expected.items()
    )
    if not difference <= TOLERANCE * largest:
        raise AssertionError(f"gradients differ by {difference / largest:.1e} of the largest")
    forward = twin.model.forward
    recorded = isinstance(forward, GraphedForward) and forward.graphs
    return f"{'replayed' if recorded else 'goes without'}, gradients {difference / largest:.1e}"


def without_chance(learner: Learner) -> Learner:
    """The same without dropout and without stretches hidden at random."""
    for module in learner.modules():
        if isinstance(module, LatentMasking):
            module.frames = module.features = (0.0, 1, 0)
        elif isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
    return learner


def gradients(learner: Learner, batch: object) -> dict[str, Tensor]:
    learner.zero_grad()
    torch.manual_seed(0)
    learner.step(batch).total.backward()  # type: ignore[arg-type]
    named = learner.named_parameters()
    return {name: one.grad.clone() for name, one in named if one.grad is not None}
