"""Features x heads on real recordings, every test speaker held out, beside published figures.

    python scripts/leaderboard.py --data RECORDINGS --weights WEIGHTS --out board
    python scripts/leaderboard.py --out board --docs docs/leaderboard.md   (the page alone)

What is trained stands in leaderboard.yaml beside this file. Every corpus, feature, head and
seed is one run of `mmser train` below --out, made as by real_speech.py; the same command goes on
where it was interrupted. CPU seconds are those of this process, one thread: of the features of the
whole corpus, and of training and testing all folds; "-" where they were not measured in one go.
After every run board.csv is written, and the page when --docs names it: UA, WA and WF1 in percent,
pooled over folds, with the 95 % interval over speakers.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from real_speech import Job, jobs, shown

import mmser
from mmser.core.errors import MmserError
from mmser.evaluation.scoring.score import POOLED, score
from mmser.metrics.predictions import FILE_NAME, read_predictions
from mmser.pipeline.preprocess import preprocess
from mmser.runs.shared_speakers import speakers_line
from mmser.training.run import Run

PLAN = Path(__file__).with_name("leaderboard.yaml")
SECONDS = "cpu_seconds.json"
VERSIONS = ("mmser", "torch", "transformers", "scikit-learn")


def study(plan: dict[str, Any], weights: Path) -> dict[str, Any]:
    """The plan as real_speech.py takes it: one network per feature and head."""
    networks: dict[str, Any] = {}
    for feature, head in pairs(plan):
        stream = plan["features"][feature]["stream"]
        system, *words = plan["heads"][head][stream]
        networks[f"{feature}-{head}"] = {
            "system": system.partition("=")[2],
            "folds": "protocol",
            # Real weights or none: `weights=random` of the other studies is taken back.
            "words": [
                *words,
                *plan["features"][feature]["words"],
                "weights=null",
                f"paths.weights={weights}",
            ],
        }
    corpora = {
        name: corpus | {"networks": [n for n in networks if fits(plan, n, corpus)]}
        for name, corpus in plan["corpora"].items()
    }
    return {"corpora": corpora, "networks": networks}


def pairs(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every feature with every head that takes its stream."""
    for feature, about in plan["features"].items():
        for head, how in plan["heads"].items():
            if about["stream"] in how and feature in how.get("features", [feature]):
                yield feature, head


def fits(plan: dict[str, Any], network: str, corpus: dict[str, Any]) -> bool:
    """Whether the corpus has the stream of the network's feature."""
    stream: str = plan["features"][network.split("-")[0]]["stream"]
    return stream == corpus["stream"]


class Seconds:
    """CPU seconds by what they were spent on, kept in a file below --out."""

    def __init__(self, out: Path) -> None:
        self.path = out / SECONDS
        self.known: dict[str, float] = self._kept()

    def _kept(self) -> dict[str, float]:
        kept: dict[str, float] = {}
        if self.path.is_file():
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        return kept

    def measure(self, key: str, started: float) -> None:
        """Keep the seconds of this process since ``started``, beside what another one kept."""
        self.known = self._kept() | {key: round(time.process_time() - started, 1)}
        self.path.write_text(json.dumps(self.known, indent=1), encoding="utf-8")

    def shown(self, key: str) -> str:
        """In whole seconds."""
        return f"{self.known[key]:.0f}" if key in self.known else "-"


def extract(plan: dict[str, Any], job: Job, options: argparse.Namespace, seconds: Seconds) -> None:
    """Fill the cache of the job's feature, and keep what that took."""
    corpus = plan["corpora"][job.corpus]
    feature = job.network.split("-")[0]
    name = plan["features"][feature]["extract"]
    cache = options.out / "cache" / job.corpus
    fresh = not list(cache.glob(f"*/{name}-*"))
    started = time.process_time()
    preprocess(
        corpus["corpus"],
        [name],
        root=options.data / job.corpus,
        cache=cache,
        overrides=[f"paths.weights={options.weights}", "workers=1"],
    )
    if fresh:
        seconds.measure(f"{job.corpus}/{feature}", started)


def train(plan: dict[str, Any], job: Job, options: argparse.Namespace, seconds: Seconds) -> None:
    """One run, with its CPU seconds where it is made in one go."""
    extract(plan, job, options, seconds)
    fresh, started = not job.folder.is_dir(), time.process_time()
    mmser.train(*job.words)
    if fresh:
        seconds.measure(f"{job.corpus}/{job.network}", started)


def board(plan: dict[str, Any], out: Path) -> pd.DataFrame:
    """One row per corpus, feature and head that is finished, its seeds together."""
    seconds = Seconds(out)
    rows = []
    for corpus, network in [(c, f"{f}-{h}") for c in plan["corpora"] for f, h in pairs(plan)]:
        folders = sorted(path.parent for path in out.glob(f"runs/{corpus}/{network}-*/{FILE_NAME}"))
        if not folders:
            continue
        feature, head = network.split("-")
        tables = [read_predictions(folder) for folder in folders]
        scores = score(pd.concat(tables, ignore_index=True))
        pooled = scores[scores["scope"] == POOLED].set_index("metric")
        run = Run(folders[0])
        rows.append(
            {
                "corpus": corpus,
                "features": plan["features"][feature]["title"],
                "head": plan["heads"][head]["title"],
                "UA": shown(pooled, "ua"),
                "WA": shown(pooled, "wa"),
                "WF1": shown(pooled, "wf1"),
                "CPU s, features": seconds.shown(f"{corpus}/{feature}"),
                "CPU s, learning": seconds.shown(f"{corpus}/{network}"),
                "parameters": f"{run.finished()[0].facts['parameters']:,}",
                "protocol": run.config["protocol"]["name"],
                "speakers": speakers_line(run.directory),
                "seeds": " ".join(str(Run(folder).config["seeds"][0]) for folder in folders),
                "versions": versions(run),
            }
        )
    return pd.DataFrame(rows)


def versions(run: Run) -> str:
    """The packages that decide the figures."""
    packages = run.environment["packages"]
    return ", ".join(f"{name} {packages[name]}" for name in VERSIONS)


def page(plan: dict[str, Any], table: pd.DataFrame) -> str:
    """docs/leaderboard.md."""
    today = datetime.datetime.now(datetime.UTC).date()
    lines = ["# Leaderboard on real recordings", ""]
    made_with = "; ".join(sorted(set(table["versions"])))
    made_with = "; ".join(sorted(set(table["versions"])))
    introduction = (
        f"Made by `scripts/leaderboard.py` on {today} ({made_with}). UA, WA and WF1 in percent, "
        "pooled over folds, with the 95 % interval from resampling speakers; with fewer than ten "
        "speakers it is too narrow. CPU seconds on one thread of a loaded two-core machine: "
        'features of the whole corpus, then training and testing all folds; "-" where they were '
        "made before. Nothing is selected on test data, and one setting serves all corpora. Rows "
        "within each other's intervals are not shown to differ. A transductive row has looked at "
        "the test speaker's other recordings, not at their labels."
    )
    lines += [textwrap.fill(introduction, 120, break_on_hyphens=False), ""]
    for name, corpus in plan["corpora"].items():
        rows = table[table["corpus"] == name]
        if rows.empty:
            continue
        by = "WF1" if corpus["stream"] == "text" else "UA"
        order = rows[by].str.split().str[0].astype(float).sort_values(ascending=False).index
        lines += [f"## {corpus['title']}", ""]
        lines += [
            f"Protocol `{rows['protocol'].iloc[0]}`; {rows['speakers'].iloc[0]}. Seeds: "
            f"{rows['seeds'].iloc[0]}.",
            "",
        ]
        columns = ["features", "head", "UA", "WA", "WF1", *(c for c in rows if "CPU" in c)]
        lines += [*markdown(rows.loc[order, [*columns, "parameters"]]), ""]
        quoted = [entry for entry in plan["published"] if entry["corpus"] == name]
        lines += quotation(quoted)
    return "\n".join(lines).rstrip() + "\n"


def stacked(path: Path, plan: dict[str, Any]) -> list[str]:
    """The table of scripts/stack.py as a section."""
    table = pd.read_csv(path)
    lines = ["## Seven members and their late fusions", ""]
    told = (
        "Made by `scripts/stack.py` (real_stack.yaml): functionals and Whisper statistics through "
        "linear SVMs, a logistic regression and networks with focal loss x class weights; fused by "
        "the mean of probabilities, by vote, and by weights from each fold's own validation split. "
        "The prior of these weights was added, at one value, after weights without it had given UA "
        "92.2 on EMO-DB, where one speaker validates a fold; otherwise nothing has looked at a "
        "test split."
    )
    lines += [textwrap.fill(told, 120, break_on_hyphens=False), ""]
    for corpus, rows in table.groupby("corpus", sort=False):
        seeds = " ".join(map(str, sorted(set(rows["seed"]))))
        title = plan["corpora"].get(corpus, {}).get("title", corpus)
        lines += [f"{title}; {rows['speakers'].iloc[0]}. Seeds: {seeds}.", ""]
        lines += [*markdown(rows[["system", "UA", "WA", "WF1"]]), ""]
    return lines


def quotation(entries: list[dict[str, Any]]) -> list[str]:
    """What EmoBox printed, with its protocol and how many speakers it shares."""
    if not entries:
        return []
    named = {"model": "frozen encoder", "data": "their data and folds", "ua": "UA", "wa": "WA"}
    table = (
        pd.DataFrame(entries)
        .drop(columns="corpus")[["model", "data", "ua", "wa", "f1", "speakers", "note"]]
        .rename(columns={**named, "f1": "macro F1"})
    )
    head = "Published, not measured here (EmoBox, Ma et al., Interspeech 2024, table 4):"
    return [head, "", *markdown(table), ""]


def markdown(table: pd.DataFrame) -> list[str]:
    """The lines of a table."""
    body = table.astype(str).values.tolist()
    cells = [list(table.columns), ["---"] * len(table.columns), *body]
    return ["| " + " | ".join(row) + " |" for row in cells]


def options_of() -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--plan", type=Path, default=PLAN, help="default: leaderboard.yaml")
    parser.add_argument("--data", type=Path, help="without it nothing is trained")
    parser.add_argument("--weights", type=Path, default=Path("weights"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--docs", type=Path, help="the page to write")
    parser.add_argument("--stack", type=Path, help="stack.csv of stack.py, for the page's end")
    parser.add_argument("--corpora", nargs="+", help="default: all of the plan")
    parser.add_argument("--networks", nargs="+", metavar="FEATURE-HEAD")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="folds trained at the same time")
    options = parser.parse_args()
    if options.data and not options.data.is_dir():
        sys.exit(f"expected --data FOLDER of recordings; found no folder {options.data}")
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def main() -> None:
    options = options_of()
    plan = yaml.safe_load(options.plan.read_text(encoding="utf-8"))
    seconds = Seconds(options.out)
    planned = list(jobs(study(plan, options.weights), options)) if options.data else []
    for place, job in enumerate(planned, start=1):
        if job.done:
            continue
        print(f"{place} of {len(planned)}: {job.corpus} {job.network}", flush=True)
        try:
            train(plan, job, options, seconds)
        except MmserError as error:
            print(f"  {error}", flush=True)
        board(plan, options.out).to_csv(options.out / "board.csv", index=False)
    table = board(plan, options.out)
    if options.docs and len(table):
        further = stacked(options.stack, plan) if options.stack else []
        text = "\n".join([page(plan, table), *further]).rstrip() + "\n"
        options.docs.write_text(text, encoding="utf-8")
    print(table.drop(columns="versions", errors="ignore").to_string(index=False))


if __name__ == "__main__":
    main()
