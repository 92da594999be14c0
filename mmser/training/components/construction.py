"""From a run's settings to its components: model and objective."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mmser.composition import built
from mmser.core.bounds import check_numbers, count_values
from mmser.core.completion import completed
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.checkpoints.size_limits import no_larger_than
from mmser.models.layers.checkpoints.tensors import load_saved
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.settings.part import check_part

VALUES = 5000
"""More than any model's config holds; each takes time to build."""


def make_model(
    config: Mapping[str, Any], input_sizes: Mapping[str, int], task: Task
) -> MultimodalModel:
    """The model of a ``config`` with encoders, fusion and head, in the dimensions of the data."""
    components = built(config)
    missing = [name for name in ("encoders", "fusion", "head") if not components.get(name)]
    if missing:
        raise MmserError(
            "model.encoders, model.fusion and model.head",
            f"no {', '.join(missing)}",
            "Name a system.",
        )
    return build_model(
        components["encoders"], components["fusion"], components["head"], input_sizes, task
    )


def saved_model(
    config: Mapping[str, Any], input_sizes: Mapping[str, int], task: Task, weights: Path
) -> MultimodalModel:
    """The model of a saved run or model folder with its ``weights``.

    Raises MmserError when there are none, or the config asks for another network than the file
    holds.
    """
    if not weights.is_file():
        raise MmserError(
            "the weights of the model", f"no file {weights}", "Train, export or download it again."
        )
    _check_meant(config)
    with no_larger_than(weights):
        model = make_model(config, input_sizes, task)
    load_saved(model, weights)
    return model


def saved_objective(
    config: Mapping[str, Any], vector_size: int, task: Task, weights: Path
) -> nn.Module:
    """The objective with what it learned beside the model, such as auxiliary layers.

    Without a file of weights it has learned nothing.
    """
    _check_meant(config)
    with no_larger_than(weights):
        objective: nn.Module = completed(
            "the objective", built(config), task=task, vector_size=vector_size
        )
    if weights.is_file():
        load_saved(objective, weights)
    return objective


def _check_meant(config: Any) -> None:
    """Raise MmserError for a config that no training can have had."""
    values = count_values(config)
    if values > VALUES:
        raise MmserError(
            f"a config of at most {VALUES:,} values", f"{values:,}", "The config is damaged."
        )
    check_numbers(config, "config")
    check_part(config, "config")


def parameter_count(module: nn.Module) -> int:
    """Parameters that learn."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
