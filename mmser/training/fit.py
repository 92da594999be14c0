"""Train a run: config -> data -> folds x seeds, each once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.atomic import write_json, written_aside
from mmser.cache.checked import checked_files
from mmser.cache.feature_store import FeatureStore
from mmser.cache.recorded import recorded_stores
from mmser.core.errors import MmserError
from mmser.runs.own_manifest import check_unchanged, keep_own_manifest
from mmser.runs.record import environment
from mmser.runs.run_identity import check_claim, claim, run_directory
from mmser.runs.run_paths import ASSIGNMENT, CHECKED, CONFIG, DONE, ENVIRONMENT, fold_folder
from mmser.runs.run_tables import read_assignment, read_json
from mmser.runs.training_stages import list_stages
from mmser.training.devices import find_place, is_distributed
from mmser.training.fold_training import fit_fold
from mmser.training.inputs.sources import (
    assign_folds,
    check_stores,
    corpus_name,
    manifest_differences,
    manifest_digests,
    open_stores,
    read_corpus_manifest,
)
from mmser.training.jobs import FoldSeed, job_count, run_in_processes
from mmser.training.run import Run

Settings = Mapping[str, Any]
_log = logging.getLogger(__name__)


def train(settings: Settings) -> Run:
    """Train every fold and seed of a resolved config (see configs/train.yaml) that is not done; ->
    the run.

    The run's folder is ``settings["run"]`` or follows from the settings, so the same call goes on
    where an interrupted one stopped. Labels of the test split are not read.

    Raises MmserError when the folder holds another config or was made from other caches, when a
    cache is missing, or when the corpus has not the counts the protocol expects.
    """
    directory, options = run_directory(settings), settings["trainer"]
    # A run that was begun on a GPU goes on without one; a new one that asks for a GPU must have it.
    place = find_place(str(options["accelerator"]), required=not (directory / CONFIG).is_file())
    assignment = prepare(directory, settings)
    pending = [item for item in wanted_folds(settings, assignment) if not _is_done(directory, item)]
    if pending:
        _log.info("training on %s", place.line)
    jobs = job_count(options, len(pending), place)
    # A distributed fold's helper processes repeat the command of the process that starts them.
    if pending and (jobs > 1 or is_distributed(options["devices"], place)):
        check_stores(run_stores(settings, Run(directory).recorded).values())
        write_json(directory / CHECKED, checked_files())
        run_in_processes(directory, pending, jobs, int(options["threads"]), place.accelerator)
    else:
        for fold, seed in pending:
            fit_fold(directory, fold, seed, place.accelerator)
    return Run(directory)


def prepare(directory: Path, settings: Settings) -> pd.DataFrame:
    """Write the config, the environment and the fold assignment once; later calls must find the
    same. -> assignment.

    What is wrong is told before anything is written: a run that is refused leaves no folder.
    """
    check_claim(directory, settings)
    path = directory / ASSIGNMENT
    manifest = read_corpus_manifest(settings)
    if path.is_file():
        made_with = read_json(directory / ENVIRONMENT)
        run_stores(settings, recorded_stores(settings, made_with))
        check_unchanged(directory, manifest)
        for line in manifest_differences(settings, manifest, made_with):
            _log.warning("%s: %s", directory, line)
        return read_assignment(directory)
    device = find_place(str(settings["trainer"]["accelerator"])).name
    record = environment(settings, run_stores(settings), device)
    assignment, differences = assign_folds(settings, manifest)
    wanted_folds(settings, assignment)
    claim(directory, settings)
    known = {"protocol_differences": differences, "manifests": manifest_digests(settings, manifest)}
    write_json(directory / ENVIRONMENT, {**record, **known})
    for line in differences:
        _log.warning("%s differs from the published corpus: %s", corpus_name(settings), line)
    keep_own_manifest(directory, manifest)
    with written_aside(path) as aside:
        assignment.to_parquet(aside, index=False)
    return assignment


def run_stores(
    settings: Settings, recorded: Mapping[str, str] | None = None
) -> dict[str, FeatureStore]:
    """The store of each stream, and as ``<stage>.<stream>`` of each stream of which a stage reads
    another one.
    """
    found = open_stores(settings, recorded)
    for stage in list_stages(settings):
        streams = {
            name: spec
            for name, spec in stage.settings["streams"].items()
            if _is_other(name, spec, settings)
        }
        own = open_stores({**stage.settings, "streams": streams}, recorded)
        found |= {f"{stage.name}.{stream}": store for stream, store in own.items()}
    return found


def _is_other(stream: str, spec: Mapping[str, Any], settings: Settings) -> bool:
    return bool(spec["extractor"] != (settings["streams"].get(stream) or {}).get("extractor"))


def wanted_folds(settings: Settings, assignment: pd.DataFrame) -> list[FoldSeed]:
    """(fold, seed) of ``settings["folds"]`` ("all" or names) and ``settings["seeds"]``, seed by
    seed.
    """
    known = list(dict.fromkeys(assignment["fold"].astype(str)))
    asked = known if settings["folds"] == "all" else [str(fold) for fold in settings["folds"]]
    unknown = [fold for fold in asked if fold not in known]
    if unknown:
        raise MmserError(f"folds among {', '.join(known)}", ", ".join(unknown), "Correct `folds`.")
    seeds = [int(seed) for seed in settings["seeds"]]
    return [(fold, seed) for seed, fold in product(seeds, asked)]


def _is_done(directory: Path, fold_seed: FoldSeed) -> bool:
    return (fold_folder(directory, *fold_seed) / DONE).is_file()
