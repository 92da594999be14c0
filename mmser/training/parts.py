"""From a run's settings to its parts: model, objective, learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import nn

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.multimodal import MultimodalModel, build_model, check_arguments
from mmser.training.learner import Learner

Settings = Mapping[str, Any]


def make_model(settings: Settings, input_sizes: Mapping[str, int], task: Task) -> MultimodalModel:
    """Encoders, fusion and head of ``settings["model"]`` in the dimensions of the data."""
    parts = built(settings["model"])
    missing = [name for name in ("encoders", "fusion", "head") if not parts.get(name)]
    if missing:
        raise MmserError("model.encoders, model.fusion and model.head", f"no {', '.join(missing)}", "Name a system.")
    return build_model(parts["encoders"], parts["fusion"], parts["head"], input_sizes, task)


def built(config: Mapping[str, Any]) -> Any:
    """What a config names, still without the dimensions of the data. Raises MmserError when it cannot be found."""
    try:
        return instantiate(dict(config), _convert_="all")
    except InstantiationException as error:
        raise MmserError(
            "parts that can be found and built",
            " ".join(str(error).split()),
            "A class written in a notebook or script (__main__) is known there alone: run the cell that defines it "
            "(its text is in the run's folder, parts/), or move it into a file that Python can import.",
        ) from error


def make_learner(settings: Settings, model: MultimodalModel, task: Task, seed: int) -> Learner:
    """The learner of these settings around a model."""
    parts = {name: built(settings[name]) for name in ("objective", "optimizer", "scheduler")}
    for name, part in parts.items():
        check_arguments(f"the {name}", part)
    objective: nn.Module = parts["objective"](task=task, vector_size=model.vector_size)
    trainer = settings["trainer"]
    return Learner(
        model,
        objective,
        task,
        parts["optimizer"],
        parts["scheduler"],
        monitor=trainer["monitor"],
        groups=trainer["groups"],
        frozen=trainer["freeze"],
        clip_norm=trainer["clip_norm"],
        clip_mode=trainer["clip_mode"],
        seed=seed,
    )


def parameter_count(module: nn.Module) -> int:
    """Parameters that learn."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
