"""The distance between a run's domains: the proxy A-distance of the fused vectors.

It is fitted and judged within the training split (on held-out fifths of it), so the test split
stays unread.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from torch import nn

from mmser.core.batch import Batch
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.evaluation.predict import run_model
from mmser.metrics.proxy_a_distance import proxy_a_distance

if TYPE_CHECKING:
    from mmser.training.run import Run

COLUMNS = ("fold", "seed", "domain", "first", "second", "rows", "distance")


def domain_distances(run: Run) -> pd.DataFrame:
    """Proxy A-distance of every two corpora and of the genders: columns `COLUMNS`.

    It is that of each fold's training split.
    With data.train_on the last stage's training split is meant. Raises MmserError when it has one
    domain alone.
    """
    tables = []
    for trained in run.finished():
        data, model = trained.data(), trained.model()
        table = distances_of(model, data.loader("train", shuffle=False), data.task)
        tables.append(table.assign(fold=trained.fold, seed=trained.seed))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def distances_of(model: nn.Module, loader: Iterable[Batch], task: Task) -> pd.DataFrame:
    """The distances between the fused vectors of ``loader``.

    Columns domain ("corpus" or "gender"), first, second, rows (of both) and distance.
    """
    kinds = {"corpus": task.corpora, "gender": task.genders}
    kinds = {kind: names for kind, names in kinds.items() if len(names) > 1}
    if not kinds:
        raise MmserError(
            "two corpora or two genders in the training split",
            f"corpora {', '.join(task.corpora) or 'none'}, genders "
            f"{', '.join(task.genders) or 'none'}",
            "Add a corpus under `domains`.",
        )
    vectors, targets = [], {kind: list[np.ndarray]() for kind in kinds}
    for batch, outputs in run_model(model, loader):
        vectors.append(outputs.vector.float().cpu().numpy())
        for kind, batches in targets.items():
            batches.append(batch.targets[kind].numpy())
    joint, rows = np.concatenate(vectors), []
    for kind, names in kinds.items():
        place = np.concatenate(targets[kind])
        for one, other in combinations(range(len(names)), 2):
            sets = joint[place == one], joint[place == other]
            size = sum(map(len, sets))
            rows.append((kind, names[one], names[other], size, proxy_a_distance(*sets)))
    return pd.DataFrame(rows, columns=["domain", "first", "second", "rows", "distance"])
