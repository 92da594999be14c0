"""What a stage takes over from the stage before: weights, by name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from torch import nn

from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.adapters import names_of_plain
from mmser.models.layers.checkpoints.tensors import read_tensors
from mmser.runs.run_paths import OBJECTIVE, WEIGHTS


def take_over(
    model: nn.Module, objective: nn.Module, folder: Path, patterns: Sequence[str]
) -> None:
    """Copy what an earlier stage saved in ``folder`` into the components of this one, by name.

    A pattern that matches nothing the earlier stage has, or a tensor of another shape, raises
    MmserError; a tensor this stage has no place for is left behind.
    """
    matched_patterns: set[str] = set()
    for module, name, prefix in ((model, WEIGHTS, ""), (objective, OBJECTIVE, "objective.")):
        if not (folder / name).is_file():
            continue
        saved, here = read_tensors(folder / name), module.state_dict()
        own_names = names_of_plain(module)
        taken_over = {}
        for key, tensor in saved.items():
            matching = {pattern for pattern in patterns if fnmatchcase(prefix + key, pattern)}
            matched_patterns |= matching
            if matching and key in own_names:
                _check_shape(prefix + key, tensor.shape, here[own_names[key]].shape)
                taken_over[own_names[key]] = tensor
        module.load_state_dict(taken_over, strict=False)
    unused = [pattern for pattern in patterns if pattern not in matched_patterns]
    if unused:
        raise MmserError(
            f"weights matching {', '.join(unused)} in {folder.name}",
            "none",
            "Correct `load` of the next stage.",
        )


def _check_shape(name: str, saved: Sequence[int], here: Sequence[int]) -> None:
    if tuple(saved) != tuple(here):
        raise MmserError(
            f"{name} of shape {tuple(here)}",
            f"{tuple(saved)} in the stage before",
            "Leave it out of `load`.",
        )
