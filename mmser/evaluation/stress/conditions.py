"""A run under many conditions: the same trained models, another test split each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from mmser.cache.atomic import written_aside
from mmser.core.batch import Batch
from mmser.core.tables import SPLIT_COLUMN, read_parquet
from mmser.evaluation.evaluate import order_of, with_facts
from mmser.evaluation.predict import predict
from mmser.evaluation.scoring.score import POOLED, score
from mmser.metrics.table import is_headline

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore
    from mmser.data.fold_data import FoldData
    from mmser.training.run import Run

SCORED = (
    "condition",
    "metric",
    "value",
    "low",
    "high",
    "std_draws",
    "draws",
    "absent",
    "utterances",
)
_ROOM = re.compile(r"mmser\.extractors\.(audio|text|face)\.")


@dataclass(frozen=True, eq=False)
class Condition:
    """What is done to the test split.

    ``stores`` replace streams' stores, then ``change`` alters each batch. Conditions of one
    ``name`` are draws of the same thing and are scored together.
    """

    name: str
    change: Callable[[Batch], Batch] | None = None
    stores: Mapping[str, FeatureStore] = field(default_factory=dict)
    draw: int = 0


def predict_conditions(run: Run, conditions: Iterable[Condition]) -> pd.DataFrame:
    """Predictions of every finished fold and seed under every condition.

    They have two columns more, ``draw`` and ``absent``. ``absent`` is the share of the utterance's
    streams that were not there. Models are loaded once per condition, and conditions are taken one
    after the other, so that their stores need not exist together. Raises MmserError when no fold is
    finished.
    """
    tables = [_predicted(run, condition) for condition in conditions]
    return pd.concat(tables, ignore_index=True)


def _predicted(run: Run, condition: Condition) -> pd.DataFrame:
    tables = []
    for trained in run.finished():
        data, model = trained.data(test_stores=condition.stores), trained.model()
        absent: dict[str, float] = {}
        batches = _changed(data, condition.change, absent)
        table = predict(model, batches, data.task)
        table = table.iloc[order_of(table, data.ids("test"))].reset_index(drop=True)
        absent_share = table["id"].map(absent)
        tables.append(
            table.assign(
                fold=trained.fold, seed=trained.seed, draw=condition.draw, absent=absent_share
            )
        )
    return with_facts(pd.concat(tables, ignore_index=True), run.manifest, condition.name)


def _changed(
    data: FoldData, change: Callable[[Batch], Batch] | None, absent: dict[str, float]
) -> Iterator[Batch]:
    """The test batches under ``change``; notes in ``absent`` what each utterance lacks."""
    for batch in data.loader("test", shuffle=False):
        changed = change(batch) if change else batch
        there = torch.stack([stream.present for stream in changed.streams.values()]).float().mean(0)
        absent.update(zip(changed.ids, (1 - there).tolist(), strict=True))
        yield changed


def condition_scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """SCORED: pooled scores of each condition over folds, seeds and draws.

    The interval is speaker-clustered.
    ``std_draws`` is the standard deviation (N - 1) over draws, NaN for a single one; ``absent`` the
    mean share of streams that were not there.
    """
    rows: list[dict[str, Any]] = []
    for condition, group in predictions.groupby("condition", sort=False):
        # A draw is a repetition like a fold of its own: speakers stay the clusters over all of
        # them.
        tagged = group.assign(fold=group["fold"].astype(str) + " draw " + group["draw"].astype(str))
        by_draw = [_pooled(table, 2) for _, table in group.groupby("draw")]
        for metric, row in _pooled(tagged).items():
            values = pd.Series([draw[metric]["value"] for draw in by_draw])
            facts = {
                "condition": condition,
                "metric": metric,
                "std_draws": values.std(),
                "draws": len(by_draw),
                "absent": float(group["absent"].mean()),
                "utterances": group["id"].nunique(),
            }
            rows.append({**row, **facts})
    return pd.DataFrame(rows, columns=list(SCORED))


def _pooled(table: pd.DataFrame, draws: int | None = None) -> dict[str, dict[str, Any]]:
    scores = score(table) if draws is None else score(table, draws=draws)
    pooled = scores[(scores["scope"] == POOLED) & scores["metric"].map(is_headline)]
    scored: dict[str, dict[str, Any]] = {}
    for row in pooled.to_dict("records"):
        scored[row["metric"]] = {str(key): value for key, value in row.items()}
    return scored


def same_folds(run: Run) -> dict[str, Any]:
    """The options ``folds`` and ``seeds`` under which another system is trained as the run was."""
    folds = list(dict.fromkeys(fold for fold, _ in run.folds))
    return {"folds": folds, "seeds": sorted({seed for _, seed in run.folds})}


def tested_ids(run: Run) -> list[str]:
    """Utterances of the test split of a finished fold, each once."""
    finished = {fold for fold, _ in run.folds}
    tested = run.assignment[run.assignment[SPLIT_COLUMN] == "test"]
    return list(
        dict.fromkeys(map(str, tested.loc[tested["fold"].astype(str).isin(finished), "id"]))
    )


def modalities(data: FoldData, encoded: Collection[str]) -> dict[str, tuple[str, ...]]:
    """{modality: its streams}: audio, text, face.

    A stream of another extractor than theirs is a modality of its own. Only the streams ``encoded``
    by the model count: others serve the objective, such as the characters of a CTC term.
    """
    streams_by_modality: dict[str, tuple[str, ...]] = {}
    for stream in data.specs:
        if stream not in encoded:
            continue
        room = _ROOM.match(str(data.stores[stream].info["class"]))
        name = room[1] if room else stream
        streams_by_modality[name] = (*streams_by_modality.get(name, ()), stream)
    return streams_by_modality


def replace_rows(path: Path, table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Write ``table`` to the parquet file ``path``; -> all its rows.

    Earlier rows of the same ``keys`` are replaced, others stay.
    """
    if path.is_file():
        before = read_parquet(path, "Delete it and try its conditions again.")
        new_keys = set(table[list(keys)].itertuples(index=False, name=None))
        old_keys = before[list(keys)].itertuples(index=False, name=None)
        stays = [row_key not in new_keys for row_key in old_keys]
        if any(stays):
            table = pd.concat([before[stays], table], ignore_index=True)
    with written_aside(path) as aside:
        table.to_parquet(aside, index=False)
    return table
