"""A uniform soup: the weights of several seeds of a fold, averaged, are one model.

Source: Wortsman et al., "Model soups", ICML 2022, section 2. It needs seeds that began with the
same weights and differ in the order of their batches and in dropout alone (``trainer.first_seed``):
two networks that began elsewhere do the same with other units, and the mean of their weights does
nothing. Every seed takes part, so nothing is selected.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmser.cache.atomic import write_json
from mmser.cache.tensors import save_state
from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.tensors import read_tensors
from mmser.runs.run_folder import FoldFolder
from mmser.runs.run_identity import claim
from mmser.runs.run_paths import (
    ASSIGNMENT,
    DONE,
    ENVIRONMENT,
    FOLD,
    OBJECTIVE,
    OWN_MANIFEST,
    PARTS,
    TRANSFORMS,
    WEIGHTS,
    fold_folder,
)
from mmser.runs.run_tables import read_json
from mmser.training.run import Run


def soup(run: Run, out: str | Path) -> Run:
    """Write the run ``out``: the weights of each fold are the mean over the seeds of ``run``.

    Raises MmserError where the seeds began with weights of their own, fewer than two of them are
    finished in some fold, or ``out`` has another run in it.
    """
    if run.settings.trainer.first_seed is None:
        raise MmserError(
            "seeds that began with the same weights",
            "each with its own",
            "Train with trainer.first_seed=0 seeds=[0,1,2]: the mean of networks that began "
            "elsewhere does nothing.",
        )
    by_fold = _seeds_of(run)
    directory, (first, *_) = Path(out), run.config["seeds"]
    claim(directory, _settings(run, directory, first))
    for name in (ASSIGNMENT, ENVIRONMENT, OWN_MANIFEST):
        if run.has(name):
            shutil.copy(run.directory / name, directory / name)
    if (run.directory / PARTS).is_dir():
        shutil.copytree(run.directory / PARTS, directory / PARTS, dirs_exist_ok=True)
    for fold, seeds in by_fold.items():
        _average_fold(seeds, fold_folder(directory, fold, first))
    return Run(directory)


def _seeds_of(run: Run) -> dict[str, list[FoldFolder]]:
    """{fold: its seeds}, all of which are finished."""
    wanted = len(run.config["seeds"])
    by_fold: dict[str, list[FoldFolder]] = {}
    for one in run.fold_folders():
        if one.is_finished:
            by_fold.setdefault(one.fold, []).append(one)
    counts = {fold: len(seeds) for fold, seeds in by_fold.items()}
    if wanted < 2 or not counts or min(counts.values()) < wanted:
        found = ", ".join(f"fold {fold}: {count}" for fold, count in counts.items()) or "none"
        raise MmserError(
            f"two seeds or more of every fold, and all {wanted} of the run finished",
            found,
            "Train with seeds=[0,1,2], or go on with the run's own command.",
        )
    return by_fold


def _settings(run: Run, directory: Path, seed: int) -> dict[str, Any]:
    config, card = run.config, dict(run.config.get("card") or {})
    listed = ", ".join(map(str, config["seeds"]))
    # What was published of the system is not about a soup of it.
    card |= {"title": f"{card.get('title', 'system')}, soup of seeds {listed}", "reported": []}
    return {**config, "card": card, "seeds": [seed], "run": str(directory)}


def _average_fold(seeds: Sequence[FoldFolder], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, OBJECTIVE):
        paths = [one.directory / name for one in seeds]
        if all(path.is_file() for path in paths):
            save_state(averaged([read_tensors(path) for path in paths]), folder / name)
    # Scalers and vocabularies come from the training split, which the seeds share.
    for path in seeds[0].directory.glob(f"{TRANSFORMS}.*"):
        shutil.copy(path, folder / path.name)
    facts = {**read_json(seeds[0].directory / FOLD), "best_score": None, "best_epoch": 0}
    write_json(folder / FOLD, {**facts, "soup_of": [one.seed for one in seeds]})
    write_json(folder / DONE, {"best_epoch": 0, "weights": WEIGHTS})


def averaged(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor; whole numbers (counters) are the first's."""
    first = states[0]
    if any(state.keys() != first.keys() for state in states):
        raise MmserError("the same tensors in every seed", "others", "Train the seeds again.")
    mean = {}
    for name, tensor in first.items():
        if tensor.is_floating_point():
            stacked = torch.stack([state[name].double() for state in states])
            mean[name] = stacked.mean(dim=0).to(tensor.dtype)
        else:
            mean[name] = tensor
    return mean
