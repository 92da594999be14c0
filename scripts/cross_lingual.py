"""German and English speech to Italian: MetaSER against TransSER, MultiSER and no transfer, by
share of the target.

    python scripts/cross_lingual.py --data RECORDINGS --out crossed [--shares 0.1 0.5 1.0] [--seeds
    0 1 2]

Sources: EMO-DB's four classes and RAVDESS; target: EMOVO, one speaker of six held out, another one
validates. Each system, share of the target's training utterances (the same of every class) and seed
is one run of `mmser train`. The stage that hears the sources alone has a fixed number of epochs, so
it is the same for every share and fold and is trained once. The same command goes on where it was
interrupted. table.csv, table.md and curve.png are written after every run: UA pooled over folds and
seeds, with the 95 % interval over speakers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import pandas as pd

import mmser
from mmser.core.errors import MmserError
from mmser.evaluation.scoring.score import POOLED, score
from mmser.metrics.predictions import FILE_NAME, read_predictions

SOURCES = {"emodb": "emodb_4class", "ravdess": "ravdess"}
TARGET = "emovo"
SPEAKERS = ("f1", "f2", "f3", "m1", "m2", "m3")
# What differs from the recipes, whose 2,500 epochs at 1e-4 and 10,000 steps of 8 x 125 clips would
# take days on a CPU. All hear MFCCs with z-scores fitted on the training split (the recipes
# normalise nothing, and then learn more slowly).
SHORT = ["streams.audio.normalise=zscore", "optimizer.lr=1e-3", "scheduler.steps_up=100"]
SHORT_TARGET = ["stages.target.trainer.epochs=60"]
SHORT_SOURCES = ["++stages.sources.trainer={epochs: 15, monitor: last, patience: null}"]
SYSTEMS = {
    "no transfer": [
        "system=transser",
        *SHORT,
        *SHORT_TARGET,
        "~stages.sources",
        "stages.target.trainer.freeze=[]",
    ],
    "transser": ["system=transser", *SHORT, *SHORT_SOURCES, *SHORT_TARGET],
    "multiser": ["system=multiser", *SHORT, *SHORT_SOURCES, *SHORT_TARGET],
    "metaser": [
        "system=metaser_tuned",
        "data.episodes={tasks: 2, support: 8, query: 8, count: 20, by: corpus}",
        "stages.meta.trainer.epochs=10",
    ],
}
FIRST_STAGE = {"transser": "sources", "multiser": "sources", "metaser": "meta"}


def words_of(system: str, share: float, seed: int, options: argparse.Namespace) -> list[str]:
    """The words of `mmser train`, without the run's folder."""
    words = [
        f"corpus={TARGET}",
        f"corpus.root={options.data / TARGET}",
        f"protocol=metaser4_{TARGET}",
    ]
    for name, place in SOURCES.items():
        words += [
            f"+corpus@domains.{name}.corpus={name}",
            f"domains.{name}.corpus.root={options.data / place}",
        ]
        words += [f"+protocol@domains.{name}.protocol=metaser4_{name}"]
    return [
        *words,
        f"cache={options.out / 'cache'}",
        f"seeds=[{seed}]",
        f"data.train_share={share}",
        *SYSTEMS[system],
    ]


def folder_of(system: str, share: float | str, seed: int, options: argparse.Namespace) -> Path:
    """The run's folder."""
    return Path(options.out / "runs" / f"{system.replace(' ', '_')}-{share}-seed{seed}")


def run(system: str, share: float, seed: int, options: argparse.Namespace) -> None:
    """Train one run, its first stage taken from an earlier one where that heard the same."""
    folder, words = folder_of(system, share, seed, options), words_of(system, share, seed, options)
    if system in FIRST_STAGE:
        start = folder_of(system, "start", seed, options)
        mmser.train(*words_of(system, 1.0, seed, options), f"run={start}", f"folds=[{SPEAKERS[0]}]")
        stage = Path("stages", FIRST_STAGE[system])
        for speaker in SPEAKERS:
            here = folder / "folds" / f"{speaker}-seed{seed}" / stage
            if not here.exists():
                shutil.copytree(start / "folds" / f"{SPEAKERS[0]}-seed{seed}" / stage, here)
    mmser.train(*words, f"run={folder}")


def table(options: argparse.Namespace) -> pd.DataFrame:
    """UA of every system and share that is finished, seeds together."""
    rows = []
    for system in options.systems:
        for share in sorted(options.shares):
            places = [folder_of(system, share, seed, options) for seed in options.seeds]
            done = [place for place in places if (place / FILE_NAME).is_file()]
            if not done:
                continue
            scores = score(
                pd.concat([read_predictions(place) for place in done], ignore_index=True)
            )
            pooled = scores[(scores["scope"] == POOLED) & (scores["metric"] == "ua")].iloc[0]
            figures = {name: round(100 * pooled[name], 1) for name in ("value", "low", "high")}
            rows.append({"system": system, "share": share, **figures, "seeds": len(done)})
    return pd.DataFrame(rows)


def write(found: pd.DataFrame, out: Path) -> None:
    """table.csv, table.md and curve.png."""
    if found.empty:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found.to_csv(out / "table.csv", index=False)
    cells = [list(found.columns), ["---"] * found.shape[1], *found.astype(str).values.tolist()]
    (out / "table.md").write_text(
        "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n", encoding="utf-8"
    )
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for place, (system, rows) in enumerate(found.groupby("system", sort=False)):
        spread = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        aside = 100 * rows["share"] + 0.8 * (
            place - 1.5
        )  # intervals that lie on each other hide each other
        axes.errorbar(
            aside, rows["value"], yerr=spread, marker="osD^"[place], capsize=3, label=system
        )
    axes.set_xlabel("share of the target's training utterances (%)")
    axes.set_ylabel("UA (%)")
    axes.axhline(25, color="grey", linestyle=":", label="chance")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(out / "curve.png", dpi=150)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("MMSER_DATA"), help="default: $MMSER_DATA"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.25, 0.5, 1.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    if not options.data or not Path(options.data).is_dir():
        sys.exit("expected --data FOLDER of recordings; found none: name it, or set MMSER_DATA")
    options.data = Path(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for share in sorted(options.shares, reverse=True):
            for system in options.systems:
                if (folder_of(system, share, seed, options) / FILE_NAME).is_file():
                    continue
                print(f"{system}, {share:.0%} of the target, seed {seed}", flush=True)
                try:
                    run(system, share, seed, options)
                except MmserError as error:
                    sys.exit(str(error))
                write(table(options), options.out)
    print(table(options).to_string(index=False))


if __name__ == "__main__":
    main()
