"""What the run was trained on: the caches, and the utterances that failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from mmser.reports.cache_files import CacheFiles
from mmser.reports.page import Html, bullets, element, heading, note, section, table
from mmser.reports.reported_run import ReportedRun

MOST_WARNINGS = 10


def caches(runs: list[ReportedRun]) -> Html:
    """One table per run: store, utterances done and failed, size.

    Below it the reasons of failures, and the warnings about the corpus.
    """
    blocks: list[Html] = []
    for run in runs:
        if not run.caches:
            blocks.append(
                note(
                    f"{run.name}: its caches are not on this machine, or the run does not name "
                    "them."
                )
            )
            continue
        head = ["Stream", "Store", "Feature", "Stored as", "Done", "Failed", "Median length", "MB"]
        blocks += [
            heading(run.name, runs),
            table(head, map(_row, run.caches), text=4, stacked=True),
            _failures(run.caches),
        ]
        blocks += _warnings(run.warnings)
    return section("Caches and failures", blocks)


def _row(cache: CacheFiles) -> list[object]:
    index, info = cache.index, cache.info
    done = index[index["status"] == "ok"] if len(index) else index
    shape = info.get("feature_shape")
    feature = " x ".join(map(str, shape)) if shape else "one number"
    random = Html("<small>random weights</small>") if info.get("random_weights") else Html("")
    name = Html(f"{element('span', cache.directory.name)}{random}")
    median = f"{done['length'].median():.0f}" if len(done) else "–"
    figures = [len(done), len(index) - len(done), median, f"{cache.size / 1e6:.1f}"]
    return [cache.stream, name, feature, info.get("dtype", "not stated"), *figures]


def _failures(caches: list[CacheFiles]) -> Html:
    failed = []
    for cache in caches:
        in_cache = cache.index[cache.index["status"] != "ok"]
        failed.append(in_cache.assign(stream=cache.stream))
    together = pd.concat(failed) if failed else pd.DataFrame()
    if together.empty:
        return note("No utterance failed in any of these caches.")
    counts = (
        together.groupby(["stream", "error"], sort=True)["id"].agg(["size", "min"]).reset_index()
    )
    rows = [[r["stream"], r["error"], r["min"], r["size"]] for r in counts.to_dict("records")]
    caption = "Failed utterances: their modality is masked as absent, never filled in"
    return table(["Stream", "Reason", "For example", "Utterances"], rows, caption, text=3)


def _warnings(warnings: Any) -> list[Html]:
    lines = list(_flat(warnings))
    if not lines:
        return []
    shown = lines[:MOST_WARNINGS]
    if len(lines) > MOST_WARNINGS:
        shown.append(f"and {len(lines) - MOST_WARNINGS} more")
    return [element("p", "Preprocessing found odd about this corpus:"), bullets(shown)]


def _flat(content: Any) -> Iterable[str]:
    """Each warning as a line, whether the file lists them or files them under names."""
    if isinstance(content, dict):
        for name, inner in content.items():
            for line in _flat(inner):
                yield f"{name}: {line}"
    elif isinstance(content, list):
        for inner in content:
            yield from _flat(inner)
    elif content:
        yield str(content)
