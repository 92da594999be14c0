"""Praat's TextGrid: tiers of intervals."""

from __future__ import annotations

from pathlib import Path

from mmser.core.errors import MmserError, reason_of
from mmser.core.needed_package import need_package
from mmser.corpora.drafts.tiers import Annotated, rows_of_tiers


def read_textgrid(path: Path, tier: str | None) -> list[Annotated]:
    """Tiers of points have no stretches and are left out; empty intervals are gaps."""
    need_package("praatio", "annotations")
    from praatio.data_classes.interval_tier import IntervalTier
    from praatio.textgrid import openTextgrid

    try:
        grid = openTextgrid(str(path), False, "silence", "rename")
    # The parser looks for words by their places and raises what it comes upon.
    except Exception as error:
        raise MmserError(
            f"a TextGrid in {path}", reason_of(error), "Save it again with Praat, as text."
        ) from error
    tiers = {
        each.name: [(mark.start, mark.end, mark.label) for mark in each.entries]
        for each in grid.tiers
        if isinstance(each, IntervalTier)
    }
    return [Annotated((), rows_of_tiers(tiers, tier, path))]
