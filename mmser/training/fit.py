"""Train a run: config -> data -> folds x seeds, each once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.atomic import write_json, written_aside
from mmser.core.errors import MmserError
from mmser.training.fold import fit_fold
from mmser.training.folder import ASSIGNMENT, DONE, ENVIRONMENT, claim, fold_folder, read_json, run_directory
from mmser.training.jobs import FoldSeed, job_count, run_in_processes
from mmser.training.record import environment
from mmser.training.run import Run
from mmser.training.sources import assign_folds, open_stores, read_corpus_manifest

Settings = Mapping[str, Any]


def train(settings: Settings) -> Run:
    """Train every fold and seed of a resolved config (see configs/train.yaml) that is not done; -> the run.

    The run's folder is ``settings["run"]`` or follows from the settings, so the same call goes on where an
    interrupted one stopped. Labels of the test part are not read.

    Raises MmserError when the folder holds another config or was made from other caches, when a cache is missing, or
    when the corpus has not the counts the protocol expects.
    """
    directory = run_directory(settings)
    claim(directory, settings)
    assignment = prepare(directory, settings)
    pending = [item for item in wanted_folds(settings, assignment) if not _is_done(directory, item)]
    options = settings["trainer"]
    jobs = job_count(options, len(pending))
    # A distributed fold's helper processes repeat the command of the process that starts them.
    if jobs > 1 or options["devices"] not in (1, "1", "auto"):
        run_in_processes(directory, pending, jobs, int(options["threads"]))
    else:
        for fold, seed in pending:
            fit_fold(directory, fold, seed)
    return Run(directory)


def prepare(directory: Path, settings: Settings) -> pd.DataFrame:
    """Write the environment and the fold assignment once; later calls must find the same caches. -> assignment."""
    path = directory / ASSIGNMENT
    record = environment(settings, open_stores(settings))
    if path.is_file():
        made_from = read_json(directory / ENVIRONMENT)["caches"]
        differing = [stream for stream, mark in record["caches"].items() if made_from.get(stream) != mark]
        if differing:
            raise MmserError(
                f"the caches that {directory} was made from",
                f"other features in the stream {', '.join(differing)}",
                "Name that cache's folder in full in streams.<name>.extractor, or choose another run=DIR.",
            )
        return pd.read_parquet(path)
    assignment, differences = assign_folds(settings, read_corpus_manifest(settings))
    write_json(directory / ENVIRONMENT, {**record, "protocol_differences": differences})
    with written_aside(path) as aside:
        assignment.to_parquet(aside, index=False)
    return assignment


def wanted_folds(settings: Settings, assignment: pd.DataFrame) -> list[FoldSeed]:
    """(fold, seed) of ``settings["folds"]`` ("all" or names) and ``settings["seeds"]``, seed by seed."""
    known = list(dict.fromkeys(assignment["fold"].astype(str)))
    asked = known if settings["folds"] == "all" else [str(fold) for fold in settings["folds"]]
    unknown = [fold for fold in asked if fold not in known]
    if unknown:
        raise MmserError(f"folds among {', '.join(known)}", ", ".join(unknown), "Correct `folds`.")
    return [(fold, int(seed)) for seed in settings["seeds"] for fold in asked]


def _is_done(directory: Path, fold_seed: FoldSeed) -> bool:
    return (fold_folder(directory, *fold_seed) / DONE).is_file()
