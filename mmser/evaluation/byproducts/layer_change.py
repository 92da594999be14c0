"""How far each training stage of a run has moved the layers it took over from the stage before.

Source: Triantafyllopoulos and Schuller, "The role of task and acoustic similarity in audio transfer
learning: insights from the speech emotion recognition case", ICASSP 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

import pandas as pd
from torch import nn

from mmser.cache.tensors import load_arrays
from mmser.metrics.layer_distance import layer_distances
from mmser.runs.run_paths import WEIGHTS
from mmser.runs.training_stages import Stage

LAYER_COLUMNS = ("stage", "layer", "distance")


def layer_change(model: nn.Module, stages: Sequence[Stage], folder: Path) -> pd.DataFrame:
    """LAYER_COLUMNS: cosine distance of each layer's weights before and after each stage.

    ``model`` is the fold's, whose convolutions and linear layers are listed in network order,
    ``folder`` the fold's. A layer that a stage did not take over from the one before is left out.
    Empty where there is one stage.
    """
    order, tables = list(model.state_dict()), []
    for before, after in pairwise(stages):
        paths = [folder / stage.folder / WEIGHTS for stage in (before, after)]
        if not all(path.is_file() for path in paths):
            continue
        first, second = map(load_arrays, paths)
        names = [name for name in order if _matches(name, after.load)]
        both = {name: first[name] for name in names if name in first and name in second}
        tables.append(layer_distances(both, second).assign(stage=after.name))
    if not tables:
        return pd.DataFrame(columns=[*LAYER_COLUMNS])
    return pd.concat(tables, ignore_index=True)[[*LAYER_COLUMNS]]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
