"""Train a run: config -> data -> folds x seeds, each once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.atomic import write_json, written_aside
from mmser.cache.checked import checked_files
from mmser.cache.feature_store import FeatureStore
from mmser.cache.layout import LOCK
from mmser.cache.lock import locked
from mmser.cache.recorded import recorded_stores
from mmser.core.errors import MmserError
from mmser.core.share import Share
from mmser.runs.own_manifest import check_unchanged, keep_own_manifest
from mmser.runs.record import environment
from mmser.runs.run_identity import check_claim, claim, run_directory
from mmser.runs.run_paths import ASSIGNMENT, CHECKED, CONFIG, DONE, ENVIRONMENT, fold_folder
from mmser.runs.run_tables import read_assignment, read_json
from mmser.runs.shared_speakers import count_shared
from mmser.runs.training_stages import list_stages
from mmser.settings.launcher import Launcher
from mmser.settings.run import RunSettings, read_run
from mmser.training.devices import find_place, is_distributed
from mmser.training.fold_training import fit_fold
from mmser.training.forks import FoldSeed
from mmser.training.inputs.corpora import RunCorpora, build_corpora
from mmser.training.inputs.sources import (
    assign_folds,
    check_stores,
    manifest_differences,
    manifest_digests,
    open_stores,
    read_corpus_manifest,
)
from mmser.training.jobs import job_count, run_in_processes
from mmser.training.launched import run_as_jobs
from mmser.training.loop.loggers import check_logger
from mmser.training.nodes import part, process_number, wait_until_prepared
from mmser.training.progress import RunProgress
from mmser.training.run import Run

_log = logging.getLogger(__name__)

DIFFERENCES = 8
"""Lines printed of what a corpus has otherwise than its protocol says."""


def train(
    config: Mapping[str, Any], share: Share | None = None, launcher: Launcher | None = None
) -> Run:
    """Train every fold and seed of a resolved config that is not done; -> the run.

    The options are those of configs/train.yaml. Of n shares the first trains every n-th fold and
    seed from the first on, in the same folder as the others, at the same time or not. A
    ``launcher`` trains the folds as jobs of a cluster.

    The run's folder is ``config["run"]`` or follows from the config, so the same call goes on
    where an interrupted one stopped. Labels of the test split are not read.

    Raises MmserError when the folder holds another config or was made from other caches, when a
    cache is missing, or when the corpus has not the counts the protocol expects.
    """
    directory, settings = run_directory(config), read_run(config)
    options = settings.trainer
    check_logger(options)
    # A run that was begun on a GPU goes on without one; a new one that asks for a GPU must have it.
    # Where jobs are submitted there need not be one.
    is_new = launcher is None and not (directory / CONFIG).is_file()
    place = find_place(options.accelerator, required=is_new)
    corpora = build_corpora(settings)
    if process_number(options):
        wait_until_prepared(directory)
        assignment = read_assignment(directory)
    else:
        assignment = _prepare_shared(directory, config, settings, corpora, share)
    wanted = wanted_folds(settings, assignment)
    if share is not None:
        wanted = wanted[share.number - 1 :: share.count]
    pending = [item for item in wanted if not _is_done(directory, item)]
    if pending and launcher is not None:
        run_as_jobs(directory, pending, launcher)
        return Run(directory)
    if pending:
        _log.info("training on %s", place.line)
    opened = Run(directory, tells_changes=False)
    if process_number(options):
        for fold, seed in pending:
            fit_fold(directory, fold, seed, place.accelerator, run=opened)
        part()
        return Run(directory)
    jobs = job_count(options, len(pending), place)
    # A distributed fold's helper processes repeat the command of the process that starts them.
    several = jobs > 1 or is_distributed(options.devices, place)
    with closing(RunProgress(directory, len(wanted), len(wanted) - len(pending))) as progress:
        if pending and several and options.num_nodes == 1:
            stores = run_stores(config, settings, corpora.names, opened.recorded)
            check_stores(stores.values())
            with locked(directory / f"{CHECKED}{LOCK}"):
                write_json(directory / CHECKED, checked_files())
            run_in_processes(directory, pending, jobs, options, place, progress.finished)
        else:
            for fold, seed in pending:
                fit_fold(directory, fold, seed, place.accelerator, progress, opened)
    if options.num_nodes > 1:
        part()
    return Run(directory)


def _prepare_shared(
    directory: Path,
    config: Mapping[str, Any],
    settings: RunSettings,
    corpora: RunCorpora,
    share: Share | None,
) -> pd.DataFrame:
    """`prepare`, by one machine at a time where several may begin the run."""
    if share is None:
        return prepare(directory, config, settings, corpora)
    with locked(directory.with_name(f"{directory.name}{LOCK}"), say=_log.warning):
        return prepare(directory, config, settings, corpora)


def prepare(
    directory: Path, config: Mapping[str, Any], settings: RunSettings, corpora: RunCorpora
) -> pd.DataFrame:
    """Write the config, the environment and the fold assignment once; -> the assignment.

    Later calls must find the same. Errors are raised before anything is written: a run that is
    refused leaves no folder.
    """
    check_claim(directory, config)
    path, names = directory / ASSIGNMENT, corpora.names
    manifest = read_corpus_manifest(settings.cache, names)
    if path.is_file():
        made_with = read_json(directory / ENVIRONMENT)
        run_stores(config, settings, names, recorded_stores(config, made_with))
        check_unchanged(directory, manifest)
        for line in manifest_differences(names, manifest, made_with):
            _log.warning("%s: %s", directory, line)
        return read_assignment(directory)
    device = find_place(settings.trainer.accelerator).name
    record = environment(settings.seeds, run_stores(config, settings, names), device)
    assignment, differences = assign_folds(corpora, manifest, settings.target_labels)
    wanted_folds(settings, assignment)
    claim(directory, config)
    counted = count_shared(assignment, manifest)
    facts = {
        "protocol_differences": differences,
        "speakers": asdict(counted) if counted else None,
        "manifests": manifest_digests(names, manifest),
    }
    write_json(directory / ENVIRONMENT, {**record, **facts})
    tell_differences(corpora.tested.name, differences, directory / ENVIRONMENT)
    keep_own_manifest(directory, manifest)
    with written_aside(path) as aside:
        assignment.to_parquet(aside, index=False)
    return assignment


def tell_differences(corpus: str, differences: Sequence[str], record: Path) -> None:
    """Warn of the first ones; ``record`` is the file that has them all."""
    for line in differences[:DIFFERENCES]:
        _log.warning("%s differs from the published corpus: %s", corpus, line)
    if len(differences) > DIFFERENCES:
        _log.warning("and %d more differences: see %s", len(differences) - DIFFERENCES, record)


def run_stores(
    config: Mapping[str, Any],
    settings: RunSettings,
    corpora: Sequence[str],
    recorded: Mapping[str, str] | None = None,
) -> dict[str, FeatureStore]:
    """The store of each stream, by its name.

    Where a training stage reads another store for a stream, that is ``<stage>.<stream>``.
    """
    stores = open_stores(settings, corpora, recorded)
    for stage in list_stages(config):
        own = stage.settings
        others = {
            name: spec
            for name, spec in own.streams.items()
            if name not in settings.streams or spec.extractor != settings.streams[name].extractor
        }
        opened = open_stores(replace(own, streams=others), corpora, recorded)
        stores |= {f"{stage.name}.{stream}": store for stream, store in opened.items()}
    return stores


def wanted_folds(settings: RunSettings, assignment: pd.DataFrame) -> list[FoldSeed]:
    """(fold, seed) of ``settings.folds`` ("all" or names) and ``settings.seeds``, seed by seed."""
    names = list(dict.fromkeys(assignment["fold"].astype(str)))
    folds = names if settings.folds == "all" else [str(fold) for fold in settings.folds]
    unknown = [fold for fold in folds if fold not in names]
    if unknown:
        raise MmserError(f"folds among {', '.join(names)}", ", ".join(unknown), "Correct `folds`.")
    return [(fold, seed) for seed, fold in product(settings.seeds, folds)]


def _is_done(directory: Path, fold_seed: FoldSeed) -> bool:
    return (fold_folder(directory, *fold_seed) / DONE).is_file()
