"""``launcher=slurm launcher.partition=gpu`` of a training command: its folds as jobs."""

from __future__ import annotations

from collections.abc import Sequence

from mmser.composition.words import read_words
from mmser.core.errors import UsageError
from mmser.settings.check import check_options
from mmser.settings.launcher import Launcher

KEY = "launcher"


def split_launcher(overrides: Sequence[str]) -> tuple[Launcher | None, list[str]]:
    """(what starts the folds, or None, and the other overrides).

    It is no part of the run, which is the same wherever it is trained. Raises UsageError for an
    option that launchers do not have.
    """
    own = [word for word in overrides if word.partition("=")[0].partition(".")[0] == KEY]
    if not own:
        return None, list(overrides)
    values = {word.key.partition(".")[2] or "name": word.parsed() for word in read_words(own)}
    if "name" not in values:
        raise UsageError("launcher=slurm or launcher=submitit_local", own[0], "Name it.")
    check_options(Launcher, values, KEY)
    return Launcher(**values), [word for word in overrides if word not in own]
