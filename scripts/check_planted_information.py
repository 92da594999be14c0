"""Does a system find what was planted? Synthetic corpora in which one modality alone knows the
label.

    python scripts/check_planted_information.py --systems mcsan amh --out planted

For every modality of a system: write a SYNTHETIC corpus whose labels only that modality shows,
train, and score the test split with everything, without the informative modality (must fall to
chance, 0.25) and without each other one (must not fall). Prints a table; exits with 1 when a system
misses what was planted. The figures are about the platform, not about emotions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from mmser.evaluation.stress.ablation import ablate
from mmser.pipeline.train import train

INFORMATION = ("audio", "text", "face")
CHANCE = 0.25
SHORT = [
    "trainer.patience=null",
    "trainer.max_steps=-1",
    "trainer.check_every=1",
    "trainer.monitor=ua",
]


def planted(system: str, informative: str, out: Path, options: argparse.Namespace) -> pd.DataFrame:
    """Test-time ablation of a system trained where only ``informative`` knows the label."""
    place = out / informative
    words = [f"corpus.{name}_information={float(name == informative)}" for name in INFORMATION]
    words += [
        f"corpus.root={place / 'corpus'}",
        f"corpus.utterances_per_speaker={options.utterances}",
    ]
    words += [
        f"cache={place / 'cache'}",
        f"paths.runs={place / 'runs'}",
        "data.batch_size=16",
        *SHORT,
    ]
    words += [
        f"trainer.epochs={options.epochs}",
        f"trainer.jobs={options.jobs}",
        f"folds=[{options.folds}]",
    ]
    words += options.words
    run = train(
        f"system={system}",
        "corpus=synthetic",
        "protocol=synthetic4_loso5",
        "weights=random",
        *words,
    )
    grid = ablate(run)
    scores = grid[grid["metric"] == "ua"].assign(system=system, informative=informative)
    return scores[["system", "informative", "test", "value"]]


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """One row per system and informative modality: UA with all, without the informative one, least
    without another.
    """
    rows = []
    for (system, informative), part in table.groupby(["system", "informative"], sort=False):
        score = {
            frozenset(str(test).split("+")): value
            for test, value in zip(part["test"], part["value"], strict=True)
        }
        everything = max(score, key=len)
        without = score[everything - {informative}]
        others = min(score[everything - {name}] for name in everything - {informative})
        found = score[everything] > 2 * CHANCE and without < score[everything] - CHANCE
        ignored = others > score[everything] - 0.1
        rows.append((system, informative, score[everything], without, others, found, ignored))
    named = [
        "system",
        "informative",
        "UA all",
        "UA without it",
        "UA without another",
        "found",
        "others ignored",
    ]
    return pd.DataFrame(rows, columns=named)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--systems", nargs="+", default=["mcsan", "amh"])
    parser.add_argument("--out", type=Path, default=Path("planted"))
    parser.add_argument("--utterances", type=int, default=16, help="per speaker (ten speakers)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--folds", default="session1,session2")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--words", nargs="*", default=[], help="further Hydra words, for every system"
    )
    options = parser.parse_args()
    modalities = {"mcsan": ("audio", "text"), "amh": INFORMATION}
    tables = [
        planted(system, informative, options.out, options)
        for system in options.systems
        for informative in modalities.get(system, INFORMATION)
    ]
    table = verdicts(pd.concat(tables))
    print(table.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    sys.exit(int(not (table["found"] & table["others ignored"]).all()))


if __name__ == "__main__":
    main()
