"""Training a system from override words or from a resolved config.

With all that it needs before and after.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.composition import sweep as hydra_sweep
from mmser.composition.keywords import keyword_words
from mmser.core.errors import UsageError
from mmser.core.share import Share
from mmser.core.trust import trust_typed
from mmser.pipeline.caches import ensure_caches
from mmser.pipeline.fold_option import split_share
from mmser.pipeline.launcher_option import split_launcher
from mmser.pipeline.run import Run
from mmser.pipeline.train_settings import repeated, train_settings, with_default_protocol
from mmser.settings.run import RunSettings, read_run

if TYPE_CHECKING:
    from mmser.settings.launcher import Launcher
    from mmser.training.run import Run as TrainedFolds

log = logging.getLogger(__name__)


def train(
    *overrides: str,
    config: str | Path | None = None,
    parts: Mapping[str, Callable[..., Any]] | None = None,
    **options: Any,
) -> Run:
    """Train every fold and seed that is not done.

    Missing caches are made first; the predictions of the test split are written last. ``overrides``
    are Hydra words ("system=mcsan", "corpus=emodb"), ``options`` the same as keywords
    (``system="mcsan"``, ``seeds=[0, 1]``, ``trainer={"epochs": 5}``, ``root=DIR`` for the corpus's
    folder); ``config`` is a saved run's config.yaml to repeat. ``parts`` exchanges parts of the
    system for classes of your own, ``{"model.fusion": MyFusion}``: see
    `mmser.training.components.own_components`. The same call goes on where an interrupted one
    stopped. ``folds=shard:3/16`` trains a share of the folds and seeds, in the
    folder of the whole run, and predicts nothing. ``launcher=slurm`` trains them as jobs of a
    cluster (`mmser.settings.launcher`).
    """
    typed = [*overrides, *keyword_words(options)]
    trust_typed(typed)
    share, words = split_share(typed)
    launcher, words = split_launcher(words)
    settings = repeated(config, words) if config else train_settings(words)
    if not parts:
        return Run(train_config(settings, share, launcher).directory)
    from mmser.training.components.own_components import keep_sources, with_components

    if launcher is not None:
        raise UsageError("no launcher= beside parts=", launcher.name, "Their classes are here.")
    run = train_config(with_components(settings, parts), share)
    keep_sources(run.directory, parts)
    return Run(run.directory)


def train_config(
    settings: dict[str, Any], share: Share | None = None, launcher: Launcher | None = None
) -> TrainedFolds:
    """The same from a resolved mapping."""
    from mmser.evaluation.evaluate import evaluate

    run = fit_config(settings, share, launcher)
    if share is None and is_first_process(run.settings):
        evaluate(run)
    return run


def fit_config(
    settings: dict[str, Any], share: Share | None = None, launcher: Launcher | None = None
) -> TrainedFolds:
    """The same without a prediction: the labels of the test split are not read."""
    from mmser.training.fit import train as fit
    from mmser.training.inputs.refresh import refresh
    from mmser.training.loop.loggers import check_logger

    check_logger(read_run(settings).trainer)
    if is_first_process(read_run(settings)):
        ensure_caches(settings, refresh(settings))
    return fit(settings, share, launcher)


def is_first_process(settings: RunSettings) -> bool:
    """Whether this is the one process, or the first of ``trainer.num_nodes`` machines."""
    if settings.trainer.num_nodes == 1:
        return True
    from mmser.training.nodes import process_number

    return process_number(settings.trainer) == 0


def sweep(overrides: Sequence[str]) -> None:
    """`mmser train --multirun`: one run per combination of comma-separated values.

    A sweeper that optimises is given the mean validation score of the folds, never a test score.
    """
    trust_typed(overrides)
    hydra_sweep("train", with_default_protocol(overrides), _validation_score)


def _validation_score(settings: dict[str, Any]) -> float:
    run = train_config(settings)
    log.info("run: %s", run.directory)
    return validation_score(run)


def validation_score(run: TrainedFolds) -> float:
    """The mean over folds and seeds of the best score of the validation split.

    NaN where none chose the weights.
    """
    scores = [trained.facts["best_score"] for trained in run.finished()]
    return math.nan if None in scores else sum(map(float, scores)) / len(scores)
