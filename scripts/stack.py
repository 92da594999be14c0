"""Members trained one by one, and their late fusions beside them in one table.

    python scripts/stack.py --data RECORDINGS --weights WEIGHTS --out stack [--corpora emovo]

The members stand in real_stack.yaml, or in the plan that --plan names, as real_speech.py takes it:
each member of a corpus is one run of `mmser train` below --out, and the same command goes on where
it was interrupted. Then the members' predictions of their validation splits are written, and the
members are fused three ways: `mean` of the probabilities, `vote`, and `weighted`, whose weights
come from each fold's own validation split. Nothing is chosen by the test split; which of the three
is best on one corpus says nothing about another. stack.csv has UA, WA and WF1 in percent with the
95 % interval over speakers; the fused tables lie beside it, for `mmser score` and `mmser compare`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from real_speech import Job, jobs, shown

import mmser
from mmser.cli.evaluate import also
from mmser.evaluation.scoring.score import POOLED, score
from mmser.late_fusion.table_fusion import TableMethod, fuse_tables
from mmser.runs.run_paths import VALIDATION
from mmser.runs.shared_speakers import speakers_line
from mmser.training.run import Run

PLAN = Path(__file__).with_name("real_stack.yaml")
METHODS: tuple[TableMethod, ...] = ("mean", "vote", "weighted")


def train(job: Job, weights: Path) -> Path:
    """One member with real weights, and what it predicts of its validation splits; -> its run."""
    # Real weights or none: `weights=random` of the other studies is taken back.
    real = replace(job, words=(*job.words, "weights=null", f"paths.weights={weights}"))
    if not real.done:
        mmser.train(*real.words)
    if not (real.folder / VALIDATION).is_file():
        also(Run(real.folder), "validation")
    return real.folder


def rows(corpus: str, runs: dict[str, Path], out: Path) -> list[dict[str, Any]]:
    """Members and fusions of one corpus, scored."""
    named: dict[str, Path | pd.DataFrame] = dict(runs)
    for method in METHODS:
        fused = fuse_tables(list(runs.values()), method)
        fused.to_parquet(out / f"{corpus}-{method}.parquet", index=False)
        named[f"{len(runs)} members, {method}"] = fused
    speakers = speakers_line(next(iter(runs.values())))
    lines = []
    for name, table in named.items():
        scores = score(table)
        pooled = scores[scores["scope"] == POOLED].set_index("metric")
        figures = {m.upper(): shown(pooled, m) for m in ("ua", "wa", "wf1")}
        lines.append({"corpus": corpus, "system": name, **figures, "speakers": speakers})
    return lines


def options_of() -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--plan", type=Path, default=PLAN, help="default: real_stack.yaml")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=Path("weights"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--corpora", nargs="+", help="default: all of the plan")
    parser.add_argument("--networks", nargs="+", metavar="MEMBER", help="default: all of the plan")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="folds trained at the same time")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"expected --data FOLDER of recordings; found no folder {options.data}")
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def main() -> None:
    options = options_of()
    plan = yaml.safe_load(options.plan.read_text(encoding="utf-8"))
    planned = list(jobs(plan, options))
    runs: dict[tuple[str, int], dict[str, Path]] = {}
    for place, job in enumerate(planned, start=1):
        print(f"{place} of {len(planned)}: {job.corpus} {job.network} seed {job.seed}", flush=True)
        runs.setdefault((job.corpus, job.seed), {})[job.network] = train(job, options.weights)
    lines: list[dict[str, Any]] = []
    for (corpus, seed), members in runs.items():
        lines += [{**row, "seed": seed} for row in rows(corpus, members, options.out)]
    table = pd.DataFrame(lines)
    table.to_csv(options.out / "stack.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
