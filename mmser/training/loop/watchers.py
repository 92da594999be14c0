"""Who looks on while a fold is trained, as its options ask."""

from __future__ import annotations

from pathlib import Path

from mmser.core.verbosity import is_verbose
from mmser.data.fold_data import FoldData
from mmser.metrics.table import better
from mmser.runs.run_paths import CURVE
from mmser.settings.trainer import Trainer as Options
from mmser.training.loop.averaging import WeightAverage
from mmser.training.loop.callbacks import (
    BestWeights,
    EarlyStopping,
    MetricsTable,
    ProgressLines,
    ResumeState,
)
from mmser.training.loop.loggers import LoggedScores, Place, logger_of
from mmser.training.loop.norms import PreciseNorms
from mmser.training.loop.progress_bar import BarOfFold, FoldBar, write_above_bar
from mmser.training.loop.watcher import Watcher


def make_watchers(
    options: Options,
    folder: Path,
    title: str,
    best: BestWeights,
    data: FoldData,
    bar: FoldBar | None = None,
) -> list[Watcher]:
    """Those that write into ``folder``, in the order in which they are told."""
    curve = MetricsTable(folder / CURVE)
    watchers: list[Watcher] = [best, curve]
    tool = logger_of(options)
    if tool is not None:
        watchers.append(LoggedScores(Place(tool, folder, title), curve))
    if is_verbose():
        watchers.append(ProgressLines(title, options.monitor, best, write_above_bar))
    if bar is not None:
        watchers.append(BarOfFold(bar, options.monitor, best))
    if options.precise_norms:
        watchers.append(PreciseNorms(options.precise_norms, data))
    if options.average is not None:
        # First, so that every other watcher finds the averaged weights in a check.
        watchers.insert(0, WeightAverage(options.average))
    if options.patience is not None:
        mode = better(options.monitor)
        watchers.append(EarlyStopping(options.monitor, mode, options.patience))
    # Last, so that what it writes has what the others know.
    return [*watchers, ResumeState(folder, best, options.save_every)]
