"""The results of a job: one row per store, and the error when too many utterances failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.cache.growing import GrowingTable
from mmser.cache.index import OK
from mmser.core.errors import MmserError
from mmser.extractors.transcripts.pieces import CUT

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("extractor", "done", "failed", "reasons", "directory", "seconds", "random_weights")


def summary_row(
    name: str,
    rows: GrowingTable,
    ids: Sequence[str],
    directory: Path,
    seconds: float,
    random: bool,
) -> dict[str, Any]:
    """Counts over the utterances ``ids`` of one store, and the first that failed.

    ``rows`` are the store's index.
    """
    statuses = rows.take(ids, ("status",))["status"].to_numpy()
    failed = [ids[place] for place in np.flatnonzero(statuses != OK).tolist()]
    reasons = Counter(str(rows[key]["error"]) for key in failed)
    return {
        "extractor": name,
        "done": len(ids) - reasons.total(),
        "failed": reasons.total(),
        "reasons": ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())),
        "first": f"{failed[0]}: {rows[failed[0]]['detail']}" if failed else "",
        "directory": str(directory),
        "seconds": round(seconds, 3),
        "random_weights": random,
    }


def cut_texts(rows: GrowingTable, ids: Sequence[str]) -> str:
    """The number of utterances longer than an extractor's limit, and the first; "" for none."""
    if not rows.has("notes"):
        return ""
    notes = rows.take(ids, ("notes",))["notes"].to_pylist()
    cut = [key for key, note in zip(ids, notes, strict=True) if (note or "").startswith(CUT)]
    if not cut:
        return ""
    return (
        f"{len(cut)} of {len(ids)} texts are longer than the limit and were cut ({cut[0]}: "
        f"{rows[cut[0]]['notes']})"
    )


def summary_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per store."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS))


def check_failures(rows: Sequence[Mapping[str, Any]], max_failures: float) -> None:
    """Raise MmserError naming each store in which too many utterances failed.

    Too many are more than the share ``max_failures``.
    """
    over = [row for row in rows if row["failed"] > max_failures * (row["done"] + row["failed"])]
    if over:
        found = "; ".join(
            f"{row['extractor']}: {row['failed']} of {row['done'] + row['failed']} "
            f"({row['reasons']}; {row['first']})"
            for row in over
        )
        remedy = (
            f"Everything that worked is cached in {over[0]['directory']}; repair the media, "
            "or raise max_failures."
        )
        raise MmserError(f"at most {max_failures:.0%} of the utterances to fail", found, remedy)
