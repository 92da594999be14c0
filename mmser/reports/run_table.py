"""Every run below a folder, one row each: what it is, how far it is, how well it does."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.core.folders import folders_below
from mmser.core.tables import CLEAN
from mmser.metrics.table import better, leading, shown, title
from mmser.runs.run_folder import RunFolder
from mmser.runs.run_identity import identity
from mmser.runs.run_paths import CONFIG, FOLDS

MOST_CHANGES = 4
"""Changed options that a row tells."""


@dataclass(frozen=True)
class ListedRun:
    """``scores`` is {metric: (value, low, high)} of the clean test splits, empty before them.

    ``problem`` says why a folder could not be read.
    """

    name: str
    system: str = ""
    protocol: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    done: int = 0
    planned: int = 0
    parameters: int | None = None
    changed: float = 0.0
    scores: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    problem: str = ""


def list_runs(folder: Path, sort: str = "score", metric: str | None = None) -> list[dict[str, str]]:
    """A row per run below ``folder``.

    ``sort`` is score (best first), name or date (newest first). Runs of one system and protocol
    are told apart by the options in which they differ. Raises MmserError for no folder or no run.
    """
    if not folder.is_dir():
        raise MmserError("a folder of runs", f"no folder {folder}", "Name one, such as runs.")
    runs = list(_runs(folder))
    if not runs:
        raise MmserError(f"runs below {folder}", "none", "Make one with mmser train.")
    chosen = metric or next(
        iter(leading(sorted({name for run in runs for name in run.scores}))), "ua"
    )
    sign = -1.0 if better(chosen) == "max" else 1.0

    def place(run: ListedRun) -> tuple[Any, ...]:
        value = run.scores.get(chosen, (math.nan,))[0]
        by_score = (math.isnan(value), 0.0 if math.isnan(value) else sign * value)
        orders = {"score": (run.protocol, *by_score), "name": (), "date": (-run.changed,)}
        return (*orders[sort], run.name)

    changes = _changes(runs)
    return [_row(run, chosen, changes[run.name]) for run in sorted(runs, key=place)]


def _runs(folder: Path) -> Iterator[ListedRun]:
    """Runs within runs (of an ablation, of a search) are listed too; a fold's folder is none."""
    for path in folders_below(folder):
        if (path / CONFIG).is_file():
            name = str(path.relative_to(folder)) if path != folder else path.resolve().name
            try:
                yield _listed(path, name)
            except MmserError as error:
                yield ListedRun(name, problem=f"unreadable: {error.found}")


def _listed(path: Path, name: str) -> ListedRun:
    run = RunFolder(path)
    config = run.config
    folds = run.fold_folders()
    finished = [one for one in folds if one.is_finished]
    assigned = run.assignment["fold"].nunique() if (path / "assignment.parquet").is_file() else 0
    counts = [one.facts.get("parameters") for one in finished[:1]]
    return ListedRun(
        name,
        system=str((config.get("card") or {}).get("name") or ""),
        protocol=str(config["protocol"].get("name", "")),
        settings=identity(config),
        done=len(finished),
        planned=max(len(finished), assigned * len(config["seeds"])),
        parameters=counts[0] if counts else None,
        changed=max((each.stat().st_mtime for each in path.glob(f"{FOLDS}/*")), default=0.0),
        scores=_scores(path),
    )


def _scores(path: Path) -> dict[str, tuple[float, float, float]]:
    from mmser.evaluation.scoring.score import POOLED, score
    from mmser.metrics.predictions import FILE_NAME

    if not (path / FILE_NAME).is_file():
        return {}
    table = score(path)
    rows = table[(table["scope"] == POOLED) & (table["condition"] == CLEAN)]
    return {
        row["metric"]: (row["value"], row["low"], row["high"]) for row in rows.to_dict("records")
    }


def _changes(runs: Sequence[ListedRun]) -> dict[str, str]:
    """{run: the options in which it differs from others of its system and protocol}."""
    changes = {}
    for run in runs:
        kin = [one for one in runs if (one.system, one.protocol) == (run.system, run.protocol)]
        keys = sorted({key for one in kin for key in one.settings})
        differing = [
            key
            for key in keys
            if not key.startswith("card.")
            and any(one.settings.get(key) != run.settings.get(key) for one in kin)
        ]
        words = [f"{key}={run.settings.get(key)}" for key in differing if key in run.settings]
        more = f" and {len(words) - MOST_CHANGES} more" if len(words) > MOST_CHANGES else ""
        changes[run.name] = " ".join(words[:MOST_CHANGES]) + more
    return changes


def _row(run: ListedRun, metric: str, changes: str) -> dict[str, str]:
    values = run.scores.get(metric)
    score = ""
    if values is not None:
        value, low, high = (shown(metric, number) for number in values)
        score = f"{value} [{low}, {high}]"
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.changed)) if run.changed else ""
    return {
        "run": run.name,
        "protocol": run.protocol,
        title(metric): score or run.problem or "not scored",
        "folds": f"{run.done}/{run.planned}",
        "parameters": "" if run.parameters is None else f"{run.parameters:,}",
        "trained": day,
        "differs in": changes,
    }
