"""What each modality and component of a system is worth: it is taken away, or exchanged.

One grid: rows are what was trained, columns what the test split still had.

- *test time*: the trained models see every subset of their modalities, the others masked.
- *random absence*: each modality of each utterance is absent with a given rate, several seeded
  draws.
- *training time*: the system is trained again with fewer encoders, on the same folds and seeds with
  the same budget.
- *remedy*: the system is trained again with modality dropout.
- *component*: any config group or key over a list of values.

A variant that cannot be built or trained is a row without a score whose ``note`` says why.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmser.core.errors import MmserError, UsageError
from mmser.evaluation.stress.conditions import (
    SCORED,
    Condition,
    condition_scores,
    modalities,
    predict_conditions,
    replace_rows,
    same_folds,
)
from mmser.evaluation.stress.masking import Keep, RandomAbsence, subsets
from mmser.evaluation.stress.variants import only_streams, slug, with_dropout, with_value
from mmser.metrics.table import leading, shown, title
from mmser.runs.run_paths import ABLATION, ABLATION_PREDICTIONS, ABLATION_RUNS

if TYPE_CHECKING:
    from mmser.training.run import Run

COLUMNS = ("train", "test", "kind", "rate", *SCORED[1:], "note")
"""``kind``: test | absence | train | remedy | component; ``rate`` the absence asked for, ``absent``
the absence achieved.
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Variant:
    """A system to train: its name in the grid, its kind, its settings, the modalities it has."""

    name: str
    kind: str
    settings: dict[str, Any]
    modalities: tuple[str, ...]


def ablate(
    run: Run | str | Path,
    train: bool = False,
    rates: Sequence[float] = (),
    draws: int = 3,
    remedy: float | None = None,
    vary: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """The grid of COLUMNS, one row per (train, test, metric).

    It is also written to ``<run>/ablation.parquet``.
    ``train`` trains the system again for every smaller subset of modalities; ``remedy`` again with
    modality dropout of that probability; ``vary`` again for each value of each key (see
    `variants.with_value`). ``rates`` are of random absence, in ``draws`` seeded draws. Variants
    that are trained already are not trained again. Raises MmserError when the run has no finished
    fold, UsageError for a rate outside [0, 1] or an unknown key.
    """
    from mmser.training.run import Run

    run = Run(run) if isinstance(run, str | Path) else run
    probabilities = list(rates) if remedy is None else [*rates, remedy]
    wrong = [rate for rate in probabilities if not 0 <= rate <= 1]
    if wrong or draws < 1:
        raise UsageError(
            "rates between 0 and 1 and at least one draw", f"{wrong or draws}", "Correct them."
        )
    groups = modalities(run.finished()[0].data(), run.settings.model["encoders"])
    whole = "+".join(groups)
    variants = list(_variants(run, groups, train, remedy, vary or {}))
    tables, predictions = [], []
    for variant in [_Variant(whole, "test", {}, tuple(groups)), *variants]:
        table, predicted = _row_of_the_grid(run, variant, groups, rates, draws, seed)
        tables.append(table)
        predictions.append(predicted)
    all_predictions = pd.concat([table for table in predictions if len(table)], ignore_index=True)
    replace_rows(run.directory / ABLATION_PREDICTIONS, all_predictions, ["condition"])
    return replace_rows(
        run.directory / ABLATION, pd.concat(tables, ignore_index=True), ["train", "test"]
    )


def grid_text(table: pd.DataFrame, metric: str | None = None) -> str:
    """The grid of one metric for a terminal, in percent where it is a share.

    Without ``metric`` it is UA, or the first there is.
    """
    metrics = list(dict.fromkeys(table["metric"].dropna()))
    if not metrics:
        return "nothing could be scored: " + "; ".join(dict.fromkeys(table["note"]))
    name = metric or leading(metrics)[0]
    rows = table[table["metric"] == name]
    cells = rows.assign(cell=[_cell(row) for row in rows.to_dict("records")])
    grid = cells.pivot(index="train", columns="test", values="cell")
    grid = grid.reindex(index=rows["train"].unique(), columns=rows["test"].unique()).fillna("-")
    grid.index.name, grid.columns.name = "trained on", None
    lines = [
        f"{title(name)}, pooled over folds and seeds; columns: what the test split had",
        grid.reset_index().to_string(index=False),
    ]
    lines += [
        f"{row['train']}: {row['note']}" for row in table[table["note"] != ""].to_dict("records")
    ]
    return "\n".join(lines)


def _cell(row: Mapping[Any, Any]) -> str:
    value, low, high = (shown(row["metric"], row[key]) for key in ("value", "low", "high"))
    return value if pd.isna(row["low"]) else f"{value} [{low}, {high}]"


def _variants(
    run: Run,
    groups: Mapping[str, Sequence[str]],
    train: bool,
    remedy: float | None,
    vary: Mapping[str, Sequence[str]],
) -> Iterator[_Variant]:
    everything = tuple(groups)
    # The first subset is the whole, which the run itself is.
    smaller = subsets(everything)[1:] if train else []
    for subset in smaller:
        streams = list(chain.from_iterable(groups[name] for name in subset))
        yield _Variant("+".join(subset), "train", only_streams(run.config, streams), subset)
    if remedy is not None:
        name = f"{'+'.join(everything)} dropout {remedy:g}"
        yield _Variant(name, "remedy", with_dropout(run.config, remedy), everything)
    for key, values in vary.items():
        for value in values:
            yield _Variant(
                f"{key}={value}", "component", with_value(run.config, key, value), everything
            )


def _row_of_the_grid(
    run: Run,
    variant: _Variant,
    groups: Mapping[str, Sequence[str]],
    rates: Sequence[float],
    draws: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores (COLUMNS) and predictions of one trained system under every test condition."""
    own = {name: tuple(groups[name]) for name in variant.modalities}
    tests = {
        "+".join(subset): ("test", float("nan"), subset) for subset in subsets(variant.modalities)
    }
    if variant.kind == "component":
        tests = dict(list(tests.items())[:1])  # with all modalities alone
    tests |= {f"absent {rate:g}": ("absence", rate, ()) for rate in rates}
    try:
        trained = run if variant.kind == "test" else _trained(run, variant)
        predicted = predict_conditions(trained, _conditions(tests, own, draws, seed))
    except MmserError as error:
        if variant.kind == "test":
            raise
        _log.warning("%s: %s", variant.name, error)
        note = {
            "train": variant.name,
            "test": next(iter(tests)),
            "kind": variant.kind,
            "note": str(error),
        }
        return pd.DataFrame([note], columns=list(COLUMNS)), pd.DataFrame()
    scores = condition_scores(predicted)
    kinds = [
        tests[test][0] if variant.kind == "test" else variant.kind for test in scores["condition"]
    ]
    scores = scores.assign(train=variant.name, test=scores["condition"], kind=kinds, note="")
    scores = scores.assign(rate=[tests[test][1] for test in scores["test"]])[list(COLUMNS)]
    return scores, predicted.assign(
        condition=f"train {variant.name}, test " + predicted["condition"]
    )


def _conditions(
    tests: Mapping[str, tuple[str, float, Sequence[str]]],
    groups: Mapping[str, Sequence[str]],
    draws: int,
    seed: int,
) -> Iterator[Condition]:
    for name, (kind, rate, subset) in tests.items():
        if kind == "absence":
            for draw in range(draws):
                yield Condition(name, RandomAbsence(groups, rate, draw, seed), draw=draw)
        else:
            yield Condition(
                name, Keep(chain.from_iterable(groups[modality] for modality in subset))
            )


def _trained(run: Run, variant: _Variant) -> Run:
    from mmser.training.fit import train

    directory = run.directory / ABLATION_RUNS / slug(variant.name)
    _log.info("training %s into %s", variant.name, directory)
    return train({**variant.settings, **same_folds(run), "run": str(directory)})
