"""One fold of one seed is trained.

``python -m mmser.training.fold_training RUN FOLD SEED ACCELERATOR`` does so in its own process.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmser.cache.atomic import write_json
from mmser.cache.checked import adopt
from mmser.cache.lock import locked
from mmser.core.errors import MmserError
from mmser.core.trust import trust
from mmser.data.fold_data import FoldData
from mmser.models.multimodal import MultimodalModel
from mmser.runs.run_paths import (
    CHECKED,
    DONE,
    FOLD,
    LOCKED,
    STATE,
    TRANSFORMS,
    WEIGHTS,
    fold_folder,
)
from mmser.runs.run_tables import read_json
from mmser.runs.training_stages import Stage, list_stages
from mmser.settings.run import RunSettings, read_run
from mmser.training.components.construction import make_model, parameter_count
from mmser.training.components.portable import network_sizes
from mmser.training.devices import Place, cpu_threads, find_place
from mmser.training.inputs.sources import open_fold
from mmser.training.loop.loggers import log_at_once
from mmser.training.loop.progress_bar import FoldBar
from mmser.training.nodes import process_number
from mmser.training.progress import RunProgress
from mmser.training.run import Run
from mmser.training.seeding import seed_generators
from mmser.training.solving import solve
from mmser.training.untrained import keep_untrained, learns_nothing


def fit_fold(
    directory: Path,
    fold: str,
    seed: int,
    accelerator: str | None = None,
    progress: RunProgress | None = None,
    run: Run | None = None,
) -> None:
    """Train every stage of one fold that is not done, going on where an interrupted one stopped.

    On ``accelerator``, or on the one the run's config names where this machine has it. ``progress``
    is told of it. A ``run`` that is opened already is not read once more for each fold. Raises
    MmserError when another process is training this fold.
    """
    folder = fold_folder(directory, fold, seed)
    run = run or Run(directory, tells_changes=False)
    settings = read_run(run.config)
    place = find_place(accelerator or settings.trainer.accelerator)
    recorded = run.recorded
    is_further = os.environ.get("LOCAL_RANK", "0") != "0" or process_number(settings.trainer) > 0
    with _alone(folder, is_further), cpu_threads(settings.trainer.threads):
        previous: Path | None = None
        stages = list_stages(run.config)
        for number, stage in enumerate(stages):
            target = folder / stage.folder
            if not (target / DONE).is_file():
                data = open_fold(
                    stage.settings, run.corpora, run.manifest, run.assignment, fold, seed, recorded
                )
                title = f"fold {fold} seed {seed} {stage.name}".strip()
                bar = progress.stretch(title, number, len(stages)) if progress else None
                fit_stage(stage, data, target, previous, seed, title, place, bar)
            previous = target
    if progress is not None:
        progress.finished(fold, seed)


def fit_stage(
    stage: Stage,
    data: FoldData,
    folder: Path,
    previous: Path | None,
    seed: int,
    title: str,
    place: Place,
    bar: FoldBar | None = None,
) -> None:
    """Train one stage into ``folder``, from ``previous``'s weights if there is a stage before."""
    settings = stage.settings
    if bar is not None:
        bar.show(0.0, "")
    if settings.solver:
        _solve_stage(settings, data, folder, title)
        return
    first_seed = settings.trainer.first_seed
    seed_generators(seed if first_seed is None else first_seed)
    model = make_model(settings.model, data.input_sizes, data.task)
    if learns_nothing(model):
        kept = keep_untrained(model, data, folder)
        _log(settings, folder, title, kept.monitor, kept.score)
        _finish_at_once(model, parameter_count(model), data, folder, kept.monitor, kept.score)
        return
    # Here, because it loads Lightning.
    from mmser.training.epochs import fit_epochs

    facts = fit_epochs(model, stage, data, folder, previous, seed, title, place, bar)
    if facts is not None:
        _finish(folder, data, facts)


def _solve_stage(settings: RunSettings, data: FoldData, folder: Path, title: str) -> None:
    """The same for a head that a solver finds in one go, without epochs."""
    solved = solve(settings, data, folder)
    _log(settings, folder, title, "ua", solved.score)
    _finish_at_once(solved.model, solved.parameters, data, folder, "ua", solved.score)


def _log(
    settings: RunSettings, folder: Path, title: str, monitor: str, score: float | None
) -> None:
    """Hand the only score of a fold without epochs to the tool that the settings name."""
    if score is not None:
        log_at_once(settings.trainer, folder, title, {f"validation_{monitor}": score})


def _finish_at_once(
    model: MultimodalModel,
    parameters: int,
    data: FoldData,
    folder: Path,
    monitor: str,
    score: float | None,
) -> None:
    """Finish a fold that took no epochs and whose weights are written."""
    data.transforms.save(folder / TRANSFORMS)
    facts = {
        "parameters": parameters,
        "epochs": 0,
        "device": "cpu",
        "monitor": monitor,
        "best_score": score,
        "best_epoch": 0,
        "network_sizes": network_sizes(model),
    }
    _finish(folder, data, facts)


def _finish(folder: Path, data: FoldData, facts: dict[str, Any]) -> None:
    """Write ``fold.json`` and the mark of a finished fold; the state for resuming goes."""
    description = {
        "fold": data.fold,
        "task": asdict(data.task),
        **data.task.names_by_kind,
        "input_sizes": data.input_sizes,
        "utterances": {split: len(data.ids(split)) for split in ("train", "validation")},
        **facts,
    }
    write_json(folder / FOLD, description)
    write_json(folder / DONE, {"best_epoch": facts["best_epoch"], "weights": WEIGHTS})
    (folder / STATE).unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path, is_further: bool) -> Iterator[None]:
    """Only one process trains a fold at a time; raises MmserError when another does."""
    # The further processes of a distributed run share the lock that their first one holds.
    if is_further:
        yield
        return
    with locked(folder / LOCKED, wait=False):
        yield


def _end_with_parent() -> None:
    """Wait until the pipe from the parent closes, as it does however the parent dies, and end."""
    sys.stdin.read()
    os._exit(1)


def main(words: list[str]) -> int:
    """RUN FOLD SEED ACCELERATOR [TRUSTED...] -> exit code.

    A problem for the user is the last line on stderr.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    directory, fold, seed, accelerator, *names = words
    trust(*names)
    try:
        if (Path(directory) / CHECKED).is_file():
            adopt(read_json(Path(directory) / CHECKED))
        fit_fold(Path(directory), fold, int(seed), accelerator)
    except MmserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
