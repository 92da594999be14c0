"""Every audio network on real speech, speakers held out, in one table.

    python scripts/real_speech.py --data RECORDINGS --out study [--corpora emovo] [--networks stl]
    [--seeds 0 1 2]

What is trained, with how many seeds and how it departs from each recipe stands in real_speech.yaml
beside this file; --plan names another: real_floors.yaml (linear models on functionals),
real_fusion.yaml (sound, with the sentence as text), real_meld.yaml (text), real_mosi.yaml (three
streams). Every corpus, network and seed is one run of
`mmser train` below --out; the same command goes on where it was interrupted, and a finished run is
not trained again. With --hours no run is begun after that time. With --pace nothing is trained
through: one epoch of one fold of each network is timed, and the hours of the whole are estimated.

table.csv and table.md are written after every run: UA, WA and WF1 in percent, pooled over folds and
seeds, with the 95 % interval over speakers; parameters against the published count; the median
seconds of an epoch (one thread); the epochs trained in the mean fold. With --floors (table.csv of
real_floors.yaml) the linear SVM on ComParE functionals of the same corpus and folds stands beside
each network: with z-scores per speaker where the network's features have them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import mmser
from mmser.core.errors import MmserError
from mmser.evaluation.scoring.score import POOLED, score
from mmser.metrics.predictions import FILE_NAME, read_predictions
from mmser.pipeline.train_settings import train_settings
from mmser.training.run import Run

PLAN = Path(__file__).with_suffix(".yaml")
FLOOR = "functionals_svm"


@dataclass(frozen=True)
class Job:
    """One network on one corpus with one seed; ``folder`` is its run's."""

    corpus: str
    network: str
    seed: int
    folder: Path
    words: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Predicted, so every fold is trained."""
        return (self.folder / FILE_NAME).is_file()


def jobs(plan: dict[str, Any], options: argparse.Namespace) -> Iterator[Job]:
    """Corpus by corpus, seed by seed, network by network as the plan lists them."""
    for name in options.corpora or plan["corpora"]:
        corpus = plan["corpora"][name]
        counts = corpus.get("seeds", {})
        for seed in options.seeds or range(max(counts.values(), default=1)):
            for network in options.networks or corpus.get("networks", plan["networks"]):
                if options.seeds is None and seed >= counts.get(network, 1):
                    continue
                how = plan["networks"][network]
                folder = options.out / "runs" / name / f"{network}-seed{seed}"
                words = [f"system={how.get('system', network)}", f"corpus={corpus['corpus']}"]
                words += [f"protocol={corpus[how['folds']]}", f"seeds=[{seed}]", f"run={folder}"]
                words += [
                    f"corpus.root={options.data / name}",
                    f"cache={options.out / 'cache' / name}",
                ]
                words += [f"trainer.jobs={options.jobs}", "weights=random"]
                yield Job(
                    name, network, seed, folder, (*words, *corpus.get("words", []), *how["words"])
                )


def paced(job: Job) -> float:
    """Seconds of the whole run if every epoch takes as long as one, and no patience
    ends it early.
    """
    from mmser.runs.training_stages import list_stages

    settings = train_settings(job.words)
    stages = settings["stages"] or {"": {}}
    epochs = [stage.settings.trainer.epochs for stage in list_stages(settings)]
    brief = [f"++stages.{name}.trainer.epochs=1" for name in stages if name] or ["trainer.epochs=1"]
    place = job.folder.with_name(f"{job.folder.name}-pace")
    run = Run(place) if (place / FILE_NAME).is_file() else None
    if run is None:
        shutil.rmtree(place, ignore_errors=True)
        first = [words for words in job.words if not words.startswith("run=")]
        fold = first_fold(job)
        run = mmser.train(*first, f"run={place}", f"folds=[{fold}]", *brief)
    seconds = [curve["seconds"].mean() for _, _, curve in curves(run)]
    return float(np.dot(seconds, epochs)) * run.assignment["fold"].nunique()


def first_fold(job: Job) -> str:
    """The name of the protocol's first fold."""
    from mmser.pipeline.caches import ensure_caches
    from mmser.settings.run import read_run
    from mmser.training.inputs.corpora import build_corpora
    from mmser.training.inputs.sources import assign_folds, read_corpus_manifest

    config = train_settings(job.words)
    ensure_caches(config)
    settings = read_run(config)
    corpora = build_corpora(settings)
    manifest = read_corpus_manifest(settings.cache, corpora.names)
    assignment, _ = assign_folds(corpora, manifest, settings.target_labels)
    return str(assignment["fold"].iloc[0])


def curves(run: Run) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """The learning curve of every stage of every finished fold."""
    for fold, seed in run.folds:
        for path in sorted(run.fold(fold, seed).directory.rglob("metrics.csv")):
            yield fold, seed, pd.read_csv(path)


def lines(
    plan: dict[str, Any], options: argparse.Namespace, failures: dict[tuple[str, str], str]
) -> pd.DataFrame:
    """The table of everything that is finished below --out, seeds together, and of what failed."""
    found: dict[tuple[str, str], list[Run]] = {}
    for path in sorted(options.out.glob(f"runs/*/*/{FILE_NAME}")):
        network, _, ending = path.parent.name.rpartition("-seed")
        if ending.isdigit():
            found.setdefault((path.parent.parent.name, network), []).append(Run(path.parent))
    floors = (
        pd.read_csv(options.floors)
        if options.floors and options.floors.is_file()
        else pd.DataFrame()
    )
    order = [(corpus, network) for corpus in plan["corpora"] for network in plan["networks"]]
    rows = [line(c, n, found[c, n], floors) for c, n in order if (c, n) in found]
    rows += [{"corpus": c, "network": n, "note": why} for (c, n), why in failures.items()]
    return pd.DataFrame(rows)


def line(corpus: str, network: str, runs: list[Run], floors: pd.DataFrame) -> dict[str, Any]:
    """One network on one corpus over its seeds."""
    scores = score(pd.concat([read_predictions(run.directory) for run in runs], ignore_index=True))
    pooled = scores[scores["scope"] == POOLED].set_index("metric")
    card = runs[0].config["card"]
    scaled = any(
        stream.get("normalise") == "speaker_zscore" for stream in runs[0].config["streams"].values()
    )
    learnt = [curve for run in runs for *_, curve in curves(run)]
    # A classical learner takes no epochs.
    seconds = np.concatenate([[], *(curve["seconds"] for curve in learnt)])
    trained = sum(len(run.folds) for run in runs)
    protocol = runs[0].config["protocol"]["name"]
    floor = floor_of(floors, corpus, protocol, scaled)
    row = {
        "corpus": corpus,
        "network": network,
        "UA": shown(pooled, "ua"),
        "WA": shown(pooled, "wa"),
        "WF1": shown(pooled, "wf1"),
        "floor UA": floor,
        "below": ""
        if not floor
        else ("yes" if 100 * pooled.value["ua"] < float(floor.split()[0]) else "no"),
        "z-scores per speaker": "yes" if scaled else "no",
        "protocol": protocol,
        "seeds": " ".join(str(run.config["seeds"][0]) for run in runs),
        "parameters": runs[0].finished()[0].facts["parameters"],
        "published": card.get("parameters") or "",
        "s / epoch": round(float(np.median(seconds)), 2) if len(seconds) else "",
        "epochs": round(sum(len(curve) for curve in learnt) / trained),
    }
    return {**row, "note": "random weights" if runs[0].environment.get("random_weights") else ""}


def floor_of(floors: pd.DataFrame, corpus: str, protocol: str, scaled: bool) -> str:
    """UA of the linear SVM on ComParE functionals in the same folds, "" where it was
    not measured.
    """
    if floors.empty:
        return ""
    same = (floors["corpus"] == corpus) & (floors["protocol"] == protocol)
    same &= floors["z-scores per speaker"] == ("yes" if scaled else "no")
    rows = floors[same & floors["network"].str.startswith(FLOOR)]
    return str(rows["UA"].iloc[0]) if len(rows) else ""


def shown(pooled: pd.DataFrame, metric: str) -> str:
    """``value [low, high]`` in percent."""
    value, low, high = (100 * pooled[column][metric] for column in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def write(table: pd.DataFrame, out: Path) -> None:
    """table.csv and table.md."""
    if table.empty:
        return
    table.to_csv(out / "table.csv", index=False)
    cells = [
        list(table.columns),
        ["---"] * len(table.columns),
        *table.astype(object).fillna("").astype(str).values.tolist(),
    ]
    text = "\n".join("| " + " | ".join(row) + " |" for row in cells)
    (out / "table.md").write_text(text + "\n", encoding="utf-8")


def options_of() -> tuple[argparse.Namespace, dict[str, Any]]:
    """The command line and the plan it names."""
    planned = argparse.ArgumentParser(add_help=False)
    planned.add_argument("--plan", type=Path, default=PLAN, help="default: real_speech.yaml")
    plan = yaml.safe_load(planned.parse_known_args()[0].plan.read_text(encoding="utf-8"))
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=formatter, parents=[planned]
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("MMSER_DATA"), help="default: $MMSER_DATA"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--corpora", nargs="+", choices=plan["corpora"])
    parser.add_argument("--networks", nargs="+", choices=plan["networks"])
    parser.add_argument(
        "--seeds", nargs="+", type=int, help="default: as many as the plan says, 0 first"
    )
    parser.add_argument("--jobs", type=int, default=1, help="folds trained at the same time")
    parser.add_argument("--hours", type=float, default=float("inf"))
    parser.add_argument("--floors", type=Path, help="table.csv of real_floors.yaml")
    parser.add_argument("--pace", action="store_true", help="estimate the hours and stop")
    options = parser.parse_args()
    if not options.data or not Path(options.data).is_dir():
        sys.exit("expected --data FOLDER of recordings; found none: name it, or set MMSER_DATA")
    options.data = Path(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    return options, plan


def main() -> None:
    options, plan = options_of()
    failures: dict[tuple[str, str], str] = {}
    started, total = time.monotonic(), 0.0
    for job in jobs(plan, options):
        if time.monotonic() - started > 3600 * options.hours:
            print(f"{options.hours} hours are over: the same command goes on", flush=True)
            break
        if job.done and not options.pace:
            continue
        print(f"{job.corpus} {job.network} seed {job.seed}", flush=True)
        try:
            if options.pace:
                total += (seconds := paced(job))
                print(f"  {seconds / 60:.0f} minutes", flush=True)
                continue
            mmser.train(*job.words)
        except MmserError as error:
            failures[job.corpus, job.network] = str(error)
            print(f"  {error}", flush=True)
        write(lines(plan, options, failures), options.out)
    if options.pace:
        print(f"{total / 3600:.1f} hours at most, one run at a time")
        return
    table = lines(plan, options, failures)
    write(table, options.out)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
