"""`mmser search`: the values of some options with the best validation score.

Each trial is a run in a folder of its own, below that of the search; no trial predicts its test
split. What was tried stands in ``journal.jsonl`` (of Optuna: lines of JSON), the words of the
search in ``search.json``. The same command goes on where it was interrupted, the trials that it was
in included; the next trial depends on the finished ones and on its number alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmser.cache.atomic import write_json
from mmser.cache.layout import LOCK
from mmser.cache.lock import locked
from mmser.composition.search_space import Dimension, split_space, with_values
from mmser.core.errors import MmserError, UsageError
from mmser.core.trust import trust_typed
from mmser.metrics.table import better
from mmser.pipeline.run import load_run
from mmser.pipeline.train import fit_config, validation_score
from mmser.pipeline.train_settings import train_settings
from mmser.pipeline.trials import run_apart

JOURNAL, WORDS, TRIALS = "journal.jsonl", "search.json", "trials"

RANDOM_TRIALS = 10
"""Trials before the estimator proposes values."""

FAILURES = 3
"""Trials that may fail before the first one succeeds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial: its values as override words, its mean validation score, its run's folder.

    ``words`` are those of the training command with these values.
    """

    values: Mapping[str, str]
    score: float
    directory: Path
    words: Sequence[str]
    study: Path

    @property
    def command(self) -> str:
        """The command that trains it anew."""
        return shlex.join(["mmser", "train", *self.words])


def search(
    *overrides: str,
    trials: int = 20,
    jobs: int = 1,
    study: str | Path | None = None,
    seed: int = 0,
) -> Best:
    """Train ``trials`` runs of ``overrides``, some of which have several values; -> the best.

    Several values are written as for a sweep (see `mmser.composition.search_space`). The search
    lies in ``study`` (a folder below ``paths.runs`` where None); ``jobs`` trials are trained at the
    same time. A tree-structured Parzen estimator (Bergstra et al., 2011) proposes values, after ten
    random ones. The score is that of ``trainer.monitor`` on the validation split, the mean over
    folds and seeds.

    Raises MmserError when the folder holds another search, or no trial succeeds.
    """
    if find_spec("optuna") is None:
        raise MmserError("Optuna", "none", "pip install 'mmser[optuna]'.")
    trust_typed(overrides)
    fixed, space = split_space(overrides)
    if any(word.partition("=")[0] == "run" for word in fixed):
        raise UsageError("no run= in a search", "run=", "Trials lie in the search's own folder.")
    settings = _checked(fixed, space)
    monitor = settings["trainer"]["monitor"]
    if monitor == "last":
        raise UsageError(
            "a trainer.monitor by which trials are compared", monitor, "Name a metric, or loss."
        )
    directory = Path(study) if study is not None else _directory(settings, fixed, space)
    with locked(directory / f"search{LOCK}", wait=False):
        _claim(directory, {"words": fixed, "space": _plain(space), "seed": seed})
        return _Search(directory, fixed, space, better(monitor), seed).through(trials, jobs)


def _checked(fixed: Sequence[str], space: Mapping[str, Dimension]) -> dict[str, Any]:
    """The settings of one trial; every end of every option is composed, so that a wrong one is
    told before the first trial."""
    firsts = {key: dimension.ends[0] for key, dimension in space.items()}
    settings = train_settings(with_values(fixed, firsts))
    for key, dimension in space.items():
        for end in dimension.ends[1:]:
            train_settings(with_values(fixed, {**firsts, key: end}))
    return settings


def _directory(
    settings: Mapping[str, Any], fixed: Sequence[str], space: Mapping[str, Dimension]
) -> Path:
    content = json.dumps([sorted(fixed), _plain(space)], sort_keys=True)
    system = (settings.get("card") or {}).get("name") or "system"
    name = f"search-{system}-{settings['protocol']['name']}"
    return Path(settings["paths"]["runs"]) / (
        f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    )


def _plain(space: Mapping[str, Dimension]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps({key: asdict(d) for key, d in space.items()}))
    return plain


def _claim(directory: Path, content: Mapping[str, Any]) -> None:
    path = directory / WORDS
    if not path.is_file():
        write_json(path, content)
        return
    theirs = json.loads(path.read_text(encoding="utf-8"))
    differing = [key for key in content if theirs.get(key) != content[key]]
    if differing:
        raise MmserError(
            f"this search in {directory}",
            f"another one: its {' and '.join(differing)} differ",
            "Choose another folder with --study DIR.",
        )


class _Search:
    """A study of Optuna's and the runs of its trials."""

    def __init__(
        self,
        directory: Path,
        fixed: Sequence[str],
        space: Mapping[str, Dimension],
        direction: str,
        seed: int,
    ) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.directory, self.fixed, self.space = optuna, directory, fixed, space
        self.seed = seed
        self.study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(directory / JOURNAL))),
            study_name="search",
            direction="minimize" if direction == "min" else "maximize",
            load_if_exists=True,
        )
        self._distributions = {key: self._distribution(each) for key, each in space.items()}

    def through(self, trials: int, jobs: int) -> Best:
        """Trials until there are so many, those first that were interrupted."""
        state = self.optuna.trial.TrialState
        known = self.study.get_trials(deepcopy=False)
        left = [trial.number for trial in known if trial.state == state.RUNNING]
        running: dict[Future[float], int] = {}
        with ThreadPoolExecutor(jobs) as pool:
            while True:
                while len(running) < jobs:
                    number = left.pop(0) if left else self._next(trials)
                    if number is None:
                        break
                    if jobs > 1:
                        running[pool.submit(self._score, number, True)] = number
                    else:
                        running[_at_once(self._score, number)] = number
                if not running:
                    return self.best()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._tell(running.pop(future), future, trials)

    def best(self) -> Best:
        """The best finished trial. Raises MmserError where there is none."""
        try:
            trial = self.study.best_trial
        except ValueError as error:
            raise MmserError(
                "a finished trial", "none", "Raise --trials; see the messages above."
            ) from error
        values = self._values(trial.params)
        words = with_values(self.fixed, values)
        return Best(
            values, float(trial.value or 0.0), self._folder(trial.number), words, self.directory
        )

    def _next(self, trials: int) -> int | None:
        """The number of a new trial; None when there are enough."""
        if len(self.study.get_trials(deepcopy=False)) >= trials:
            return None
        number = len(self.study.get_trials(deepcopy=False))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of options that Optuna calls experimental
            # By its number, so that an interrupted search proposes what an undisturbed one does.
            self.study.sampler = self.optuna.samplers.TPESampler(
                seed=self.seed + number,
                n_startup_trials=RANDOM_TRIALS,
                multivariate=True,
                constant_liar=True,
            )
            trial = self.study.ask(fixed_distributions=self._distributions)
        return int(trial.number)

    def _score(self, number: int, apart: bool = False) -> float:
        values = self._values(self.study.get_trials(deepcopy=False)[number].params)
        words = with_values(self.fixed, {**values, "run": str(self._folder(number))})
        if not apart:
            return validation_score(fit_config(train_settings(words)))
        run_apart(words, self._folder(number))
        return validation_score(load_run(self._folder(number)))

    def _tell(self, number: int, future: Future[float], trials: int) -> None:
        states = self.optuna.trial.TrialState
        trial = self.study.get_trials(deepcopy=False)[number]
        values = " ".join(f"{key}={text}" for key, text in self._values(trial.params).items())
        try:
            score = future.result()
        except MmserError as error:
            self.study.tell(number, state=states.FAIL)
            log.warning("trial %d of %d failed (%s): %s", number + 1, trials, values, error)
            told = [each.state for each in self.study.get_trials(deepcopy=False)]
            if states.COMPLETE not in told and told.count(states.FAIL) >= FAILURES:
                raise
            return
        if score != score:
            self.study.tell(number, state=states.FAIL)
            log.warning("trial %d of %d has no score (%s)", number + 1, trials, values)
            return
        self.study.tell(number, score)
        best = self.study.best_trial
        log.info(
            "trial %d of %d: %.4f (%s); best %.4f, of trial %d",
            number + 1, trials, score, values, best.value, best.number + 1,
        )  # fmt: skip

    def _folder(self, number: int) -> Path:
        return self.directory / TRIALS / f"{number + 1:04d}"

    def _values(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {key: each.text(params[key]) for key, each in self.space.items()}

    def _distribution(self, dimension: Dimension) -> Any:
        kinds = self.optuna.distributions
        if dimension.choices:
            return kinds.CategoricalDistribution(dimension.choices)
        if dimension.whole:
            low, high = int(dimension.low), int(dimension.high)
            return kinds.IntDistribution(low, high, log=dimension.log)
        return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _at_once(work: Callable[[int], float], number: int) -> Future[float]:
    """What a pool would give, worked out in this thread, which the user may interrupt."""
    future: Future[float] = Future()
    try:
        future.set_result(work(number))
    except MmserError as error:
        future.set_exception(error)
    return future
