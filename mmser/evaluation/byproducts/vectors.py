"""Vectors of a run's trained models, clean by fold, as a cache and as a table.

By default each utterance is given by the model of the fold that tests it, which neither trained nor
validated on it. Vectors of different folds lie in different spaces: the column ``fold`` says which.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmser.cache.atomic import written_aside
from mmser.cache.layout import LOCK, MANIFEST
from mmser.cache.lock import locked
from mmser.cache.manifests import keep_manifest
from mmser.core.batch import Batch, Outputs
from mmser.core.clip import Features
from mmser.core.errors import MmserError, UsageError
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.manifest import read_manifest, write_manifest
from mmser.evaluation.predict import run_model
from mmser.extraction.import_features import store_arrays

if TYPE_CHECKING:
    from mmser.training.run import Run, TrainedFold

VECTOR = "vector"
"""The fused vector, as against the encoder's output of a stream."""
ALL = "all"
SPLITS = ("test", "validation", "train")
"""From what a fold's model has never seen to what it learned from."""
TABLE, VECTORS, FRAMES = "table.parquet", "vectors.npy", "frames.npz"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """Which vectors are asked for.

    ``of`` is `VECTOR` or the name of a stream, whose encoder's steps are given. ``fold`` takes that
    fold's model for all its utterances, trained on or not; None: each by the fold that tests it.
    ``seed`` is one, None the first, or "all": side by side in the order of seeds. ``others`` adds
    the utterances that no fold tests, by the first fold that validates them, else trains on them.
    """

    of: str = VECTOR
    fold: str | None = None
    seed: int | str | None = None
    others: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """``table`` has id, corpus, speaker, fold, split and seeds; ``arrays`` (time, size) by id.

    The split is the utterance's in that fold: "test" means that its model has not heard it.
    """

    table: pd.DataFrame
    arrays: Mapping[str, np.ndarray]


def run_vectors(run: Run, request: Request) -> Vectors:
    """The vectors of a run's finished folds. Raises MmserError where none fit the request."""
    seeds = _seeds(run, request.seed)
    by_seed = [_of_seed(run, request, seed) for seed in seeds]
    shared = [name for name in by_seed[0] if all(name in found for found in by_seed)]
    if not shared:
        raise MmserError(
            "utterances in the test split of a finished fold", "none", "Train the folds first."
        )
    facts = run.manifest.set_index("id")[["corpus", "speaker"]]
    rows = []
    for name in shared:
        places = {(found[name].fold, found[name].split) for found in by_seed}
        if len(places) > 1:
            raise MmserError(
                "the same folds of every seed", f"{name} in {len(places)}", "Name one seed=K."
            )
        first = by_seed[0][name]
        rows.append({"id": name, "fold": first.fold, "split": first.split})
    table = pd.DataFrame(rows).join(facts, on="id").assign(seeds="+".join(map(str, seeds)))
    arrays = {
        name: np.concatenate([found[name].values for found in by_seed], axis=1) for name in shared
    }
    _log_what_they_are(run, table)
    return Vectors(table[["id", "corpus", "speaker", "fold", "split", "seeds"]], arrays)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    fold: str
    split: str
    values: np.ndarray


def _seeds(run: Run, seed: int | str | None) -> list[int]:
    finished = list(dict.fromkeys(seed for _, seed in run.folds))
    if seed == ALL:
        return finished
    chosen = finished[:1] if seed is None else [one for one in finished if one == seed]
    if not chosen:
        listed = ", ".join(map(str, finished)) or "none that is finished"
        raise UsageError(f"a seed among {listed}, or all", str(seed), "Choose one of them.")
    if seed is None and len(finished) > 1:
        _log.info(
            "seed %d of %s (seed=all: side by side)", chosen[0], ", ".join(map(str, finished))
        )
    return chosen


def _of_seed(run: Run, request: Request, seed: int) -> dict[str, _Found]:
    """{utterance: the vectors of the fold that has the least to do with it}."""
    folds = [one for one in run.finished() if one.seed == seed]
    chosen = [one for one in folds if request.fold in (None, one.fold)]
    if not chosen:
        listed = ", ".join(one.fold for one in folds)
        raise UsageError(f"a fold among {listed}", str(request.fold), "Choose one of them.")
    found: dict[str, _Found] = {}
    repeated = 0
    every = SPLITS if request.fold is not None or request.others else SPLITS[:1]
    # Split by split: what some fold tests is never taken from another that learned from it.
    for split in every:
        for trained in chosen:
            wanted = _wanted(run, trained, split) - found.keys()
            repeated += len(_wanted(run, trained, split)) - len(wanted) if split == "test" else 0
            if wanted:
                made = _of_split(trained, split, request.of)
                found |= {
                    name: _Found(trained.fold, split, values)
                    for name, values in made
                    if name in wanted
                }
    if repeated:
        _log.warning(
            "%d utterances are tested by several folds: the first one's are taken", repeated
        )
    return found


def _wanted(run: Run, trained: TrainedFold, split: str) -> set[str]:
    rows = run.assignment[run.assignment["fold"].astype(str) == trained.fold]
    return set(rows.loc[rows[SPLIT_COLUMN] == split, "id"])


def _of_split(trained: TrainedFold, split: str, of: str) -> Iterator[tuple[str, np.ndarray]]:
    """(utterance, (time, size) float32) of a split; without augmentation."""
    data, model = trained.data(), trained.model()
    for batch, outputs in run_model(model, data.loader(split, shuffle=False)):
        yield from _rows(batch, outputs, of)


def _rows(batch: Batch, outputs: Outputs, of: str) -> Iterator[tuple[str, np.ndarray]]:
    if of == VECTOR:
        vectors = outputs.vector.float().cpu().numpy()
        yield from ((name, vectors[row][None]) for row, name in enumerate(batch.ids))
        return
    if of not in outputs.encoded:
        streams = ", ".join(outputs.encoded)
        raise UsageError(f"of={VECTOR}, or a stream: {streams}", of, "Choose one of them.")
    stream = outputs.encoded[of]
    values, mask = stream.values.float().cpu().numpy(), stream.mask.cpu().numpy()
    for row, name in enumerate(batch.ids):
        # An utterance without this stream has no steps.
        if mask[row].any():
            yield name, values[row][mask[row]]


def _log_what_they_are(run: Run, table: pd.DataFrame) -> None:
    folds = table["fold"].nunique()
    if folds > 1:
        _log.warning(
            "vectors of %d folds lie in %d spaces (column fold); a second run over the same folds "
            "trains on vectors of models that learned from its test split: fold=NAME gives all "
            "utterances of one fold by its model, clean for its test split",
            folds,
            folds,
        )
    left_out = run.assignment["id"].nunique() - len(table)
    if left_out:
        _log.warning(
            "%d utterances of the protocol are left out: no finished fold tests them, or they have "
            "nothing to encode (others=true adds those that a fold validates or trains on)",
            left_out,
        )
    trained_on = int((table["split"] != "test").sum())
    if trained_on:
        _log.warning(
            "%d utterances come from a model that trained or validated on them", trained_on
        )


def store_vectors(run: Run, vectors: Vectors, name: str, cache: Path, of: str) -> list[Path]:
    """Write ``<cache>/<corpus>/<name>-<fingerprint>`` of each corpus; returns the stores.

    A stream reads them by ``extractor: <name>``; an utterance without vectors is a failure there.
    """
    directories = []
    for corpus, rows in vectors.table.groupby("corpus", sort=False):
        folder = cache / str(corpus)
        with locked(folder / f"manifest{LOCK}"):
            if not (folder / MANIFEST).is_file():
                own = run.manifest[run.manifest["corpus"] == corpus]
                keep_manifest(folder, partial(write_manifest, own))
        parts = zip(rows["id"], rows["fold"], rows["split"], strict=True)
        arrays = {
            identifier: Features(vectors.arrays[identifier], notes=f"fold {fold}, {split}")
            for identifier, fold, split in parts
        }
        facts = {"run": run.name, "of": of, "seeds": str(rows["seeds"].iloc[0])}
        ids = list(read_manifest(folder / MANIFEST)["id"])
        directory, _ = store_arrays(cache, str(corpus), name, ids, arrays, facts)
        directories.append(directory)
    return directories


def write_vectors(vectors: Vectors, folder: Path) -> list[Path]:
    """Write the table beside its numbers, row by row (or, of steps, an array per id)."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / TABLE) as aside:
        vectors.table.to_parquet(aside, index=False)
    arrays: Sequence[np.ndarray] = [vectors.arrays[name] for name in vectors.table["id"]]
    is_vector = all(len(array) == 1 for array in arrays)
    path = folder / (VECTORS if is_vector else FRAMES)
    with written_aside(path) as aside, aside.open("wb") as file:
        if is_vector:
            np.save(file, np.concatenate(arrays))
        else:
            np.savez(file, **dict(zip(vectors.table["id"], arrays, strict=True)))
    return [folder / TABLE, path]
