"""A run's trained models -> its predictions table, fused vectors and attention samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmser.cache.atomic import written_aside
from mmser.cache.tensors import save_arrays
from mmser.core.errors import MmserError
from mmser.core.tables import CLEAN, PREDICTION_COLUMNS, read_parquet
from mmser.evaluation.byproducts.kept_attention import KeptAttention
from mmser.evaluation.byproducts.layer_change import layer_change
from mmser.evaluation.byproducts.layer_weights import layer_weights
from mmser.evaluation.predict import predict_and_embed
from mmser.metrics.predictions import FILE_NAME
from mmser.runs.run_paths import (
    ATTENTION,
    EMBEDDED,
    EMBEDDINGS,
    LAYER_WEIGHTS,
    LAYERS,
    fold_key,
)
from mmser.runs.training_stages import list_stages

if TYPE_CHECKING:
    from mmser.data.fold_data import FoldData
    from mmser.models.multimodal import MultimodalModel
    from mmser.training.run import Run, TrainedFold


def evaluate(
    run: Run | str | Path,
    condition: str = CLEAN,
    data: Callable[[TrainedFold], FoldData] | None = None,
    embeddings: int = 500,
    attention: int = 6,
) -> pd.DataFrame:
    """Predict the test split of every finished fold and seed; writes ``predictions.parquet``.

    Rows of the same condition are replaced, others kept, and the file appears whole: repeating
    changes nothing. ``data`` gives a fold's data under another condition; without it the run's own
    clean data are used. The clean condition also keeps up to ``embeddings`` fused vectors per fold
    and seed and the attention of up to ``attention`` utterances of the first one and of the most
    confident errors and least confident right answers of all, how far each stage moved each layer,
    and what learned sums take of the layers they read, for reports. Raises MmserError when no fold
    is finished or a condition comes without its data.
    """
    from mmser.training.run import Run

    run = Run(run) if isinstance(run, str | Path) else run
    clean = condition == CLEAN
    if not clean and data is None:
        raise MmserError(
            f"the disturbed data of condition '{condition}'",
            "none",
            "Use `mmser robustness`, or condition=clean.",
        )
    tables: list[pd.DataFrame] = []
    vectors: dict[str, np.ndarray] = {}
    kept = KeptAttention(attention)
    changes: list[pd.DataFrame] = []
    weights: list[pd.DataFrame] = []
    for trained in run.finished():
        names: dict[str, Any] = {"fold": trained.fold, "seed": trained.seed}
        fold_data, model = data(trained) if data else trained.data(), trained.model()
        table, vector = _predicted(model, fold_data)
        if clean:
            kept.add(model, fold_data, run.manifest, table.assign(**names))
            change = layer_change(model, list_stages(run.config), trained.directory)
            changes.append(change.assign(**names))
            weights.append(layer_weights(model).assign(**names))
        tables.append(table.assign(**names))
        vectors[fold_key(trained.fold, trained.seed)] = vector
    predictions = with_facts(pd.concat(tables, ignore_index=True), run.manifest, condition)
    if clean:
        _save_embeddings(run.directory, predictions, vectors, embeddings)
        _save_table(kept.table(), run.directory / ATTENTION)
        for name, folds in ((LAYERS, changes), (LAYER_WEIGHTS, weights)):
            if any(map(len, folds)):
                _save_table(pd.concat(folds, ignore_index=True), run.directory / name)
    return _save_predictions(predictions, condition, run.directory / FILE_NAME)


def _predicted(model: MultimodalModel, data: FoldData) -> tuple[pd.DataFrame, np.ndarray]:
    """Predictions and fused vectors (utterance, feature) of the test split, in the fold's order."""
    loader = data.loader("test", shuffle=False)
    table, vectors = predict_and_embed(model, loader, data.task)
    order = order_of(table, data.ids("test"))
    return table.iloc[order].reset_index(drop=True), vectors[order]


def order_of(table: pd.DataFrame, ids: tuple[str, ...]) -> np.ndarray:
    """Positions that bring ``table`` into the order of ``ids``.

    Raises MmserError unless every utterance is there exactly once.
    """
    if len(table) != len(ids) or set(table["id"]) != set(ids):
        raise MmserError(
            f"one prediction for each of the {len(ids)} test utterances",
            f"{table['id'].nunique()} utterances in {len(table)} predictions",
            "The loader leaves utterances out or repeats them.",
        )
    return pd.Index(table["id"]).get_indexer(list(ids))


def with_facts(table: pd.DataFrame, manifest: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Add corpus, speaker, session and condition; the columns in their stated order."""
    about = manifest.set_index("id")[["corpus", "speaker", "session"]]
    table = table.join(about, on="id").assign(condition=condition)
    first = [column for column in PREDICTION_COLUMNS if column in table]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def _save_predictions(table: pd.DataFrame, condition: str, path: Path) -> pd.DataFrame:
    if path.is_file():
        before = read_parquet(path, "Delete it and evaluate the run again.")
        others = before[before["condition"] != condition]
        table = pd.concat([others, table], ignore_index=True) if len(others) else table
    _save_table(table, path)
    return table


def _save_embeddings(
    directory: Path, table: pd.DataFrame, vectors: Mapping[str, np.ndarray], limit: int
) -> None:
    sampled_vectors, rows = {}, []
    for (fold, seed), group in table.groupby(["fold", "seed"], sort=False):
        key = fold_key(str(fold), int(str(seed)))
        places = np.unique(np.linspace(0, len(group) - 1, min(limit, len(group))).astype(int))
        # Half precision saves half the file, unless a value is too large for it.
        small = np.abs(vectors[key]).max() < np.finfo(np.float16).max
        sampled_vectors[key] = vectors[key][places].astype(np.float16 if small else np.float32)
        rows.append(group.iloc[places][["id", "fold", "seed"]])
    save_arrays(sampled_vectors, directory / EMBEDDINGS)
    _save_table(pd.concat(rows, ignore_index=True), directory / EMBEDDED)


def _save_table(table: pd.DataFrame, path: Path) -> None:
    with written_aside(path) as aside:
        table.to_parquet(aside, index=False)
