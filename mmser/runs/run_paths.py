"""The names of all files and folders of a run.

::

    config.yaml  environment.json  assignment.parquet  manifest.parquet   what it is made from
    folds/<fold>-seed<seed>/                                              one model each
    predictions.parquet, ...                                              what evaluation wrote
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mmser.core.file_names import file_name, name_of

CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
ASSIGNMENT = "assignment.parquet"
OWN_MANIFEST = "manifest.parquet"
CHECKED = "caches-checked.json"
"""What `train` has found undamaged, for the processes it starts (`mmser.cache.checked`)."""
PARTS = "parts"
"""The folder of the texts that define a user's own classes."""

FOLDS = "folds"
STAGES = "stages"
"""The folder of a fold's earlier stages."""
DONE = "done.json"
FOLD = "fold.json"
CURVE = "metrics.csv"
WEIGHTS = "model.safetensors"
OBJECTIVE = "objective.safetensors"
TRANSFORMS = "transforms"
STATE = "state.ckpt"
"""All that an interrupted training needs to go on; gone when the fold is done."""
LOCKED = "fold.lock"

VALIDATION = "validation.parquet"
"""Predictions of the validation splits, for late fusion to weigh systems by."""
EMBEDDINGS = "embeddings.safetensors"
"""One tensor (utterance, feature) for each `fold_key`; its rows are those of EMBEDDED in order."""
EMBEDDED = "embeddings.parquet"
ATTENTION = "attention.parquet"
LAYERS = "layers.parquet"
"""How far each stage of a staged run moved each layer."""
LAYER_WEIGHTS = "layer-weights.parquet"
"""What the model's learned sums take of each layer of a pretrained network."""
ROBUSTNESS = "robustness.parquet"
ROBUSTNESS_PREDICTIONS = "robustness-predictions.parquet"
ROBUSTNESS_RUNS = "robustness"
"""The folder of the runs that were trained again on a recogniser's words."""
ABLATION = "ablation.parquet"
ABLATION_PREDICTIONS = "ablation-predictions.parquet"
ABLATION_RUNS = "ablation"
"""The folder of the runs that were trained again with another component."""


def fold_folder(directory: Path, fold: str, seed: int) -> Path:
    """Where one fold of one seed lies."""
    return Path(directory) / FOLDS / fold_key(file_name(fold), seed)


def fold_key(fold: str, seed: int) -> str:
    """The name of a fold and a seed in tables and in files."""
    return f"{fold}-seed{seed}"


def fold_of(folder: Path, folds: Iterable[str]) -> tuple[str, int] | None:
    """(fold, seed) of a folder that `fold_folder` names; None for any other.

    The fold is one of ``folds`` if it can be: their names may hold what a file's may not.
    """
    match = re.fullmatch(r"(.+)-seed(\d+)", folder.name)
    if match is None:
        return None
    names = {file_name(fold): fold for fold in folds}
    return names.get(match[1], name_of(match[1])), int(match[2])
