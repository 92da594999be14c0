"""`folds=shard:3/16` of a training command: one machine's share of the folds of a run."""

from __future__ import annotations

from collections.abc import Sequence

from mmser.core.share import Share

SHARD = "folds=shard:"


def split_share(overrides: Sequence[str]) -> tuple[Share | None, list[str]]:
    """(the share that the overrides name, or None, and the other overrides).

    The run is that of the other overrides: its folds and seeds are what is shared out. Raises
    UsageError for a share that is not NUMBER/COUNT.
    """
    named = [word for word in overrides if word.startswith(SHARD)]
    others = [word for word in overrides if not word.startswith(SHARD)]
    share = Share.parse(named[-1].removeprefix(SHARD), "folds=shard:") if named else None
    return share, others
