"""What the report is about, and the warnings that nobody may overlook."""

from __future__ import annotations

import pandas as pd

from mmser.core.tables import CLEAN
from mmser.core.target_sets.classes import class_names
from mmser.evaluation.scoring.score import POOLED
from mmser.metrics.bootstrap import LEVEL
from mmser.metrics.predictions import target_sets_of
from mmser.metrics.table import leading, shown, title
from mmser.reports.page import Html, element, facts, folded, join, note
from mmser.reports.reported_run import ReportedRun


def header(runs: list[ReportedRun]) -> Html:
    """Title, then each run's facts and marks."""
    titles = [run.card.get("title") or run.name for run in runs]
    heading = titles[0] if len(runs) == 1 else f"{len(runs)} runs compared"
    facts = [_about(run, len(runs) > 1) for run in runs]
    return Html(f"<header>{join([element('h1', heading), *facts])}</header>")


def marks(run: ReportedRun) -> list[str]:
    """Warnings, in capitals, against reading more into the figures than they say."""
    warnings = []
    if run.synthetic:
        warnings.append("SYNTHETIC DATA: no statement about real speech")
    if run.random_weights:
        warnings.append("RANDOM WEIGHTS: an extractor was not trained")
    if run.speakers and run.speakers.shared:
        shared, tested = run.speakers.shared, run.speakers.tested
        warnings.append(f"SPEAKER-DEPENDENT: {shared} of {tested} test speakers also train")
    differing = run.environment.get("protocol_differences") or []
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        examples = "; ".join(map(str, differing[:3]))
        warnings.append(f"OTHER COUNTS than the protocol's: {examples}{more}")
    if run.streams_on_own_scale:
        streams = ", ".join(run.streams_on_own_scale)
        warnings.append(
            f"TRANSDUCTIVE: {streams} on the scale of each test speaker's own unlabelled recordings"
        )
    if run.enrolments:
        warnings.append(
            f"ENROLMENT: {', '.join(run.enrolments)} of each test speaker, unlabelled and scored "
            "with the others, set the scale, shrunk towards the training speakers"
        )
    return warnings


def _about(run: ReportedRun, several: bool) -> Html:
    table, protocol = run.predictions, run.config.get("protocol") or {}
    seeds, folds = sorted(table["seed"].unique()), list(dict.fromkeys(table["fold"]))
    fold_names = f"{', '.join(folds[:12])}{', ...' if len(folds) > 12 else ''}"
    speakers = table.loc[table["speaker"] != "", ["corpus", "speaker"]].drop_duplicates()
    targets: list[str] = []
    for target_set in target_sets_of(table):
        targets += target_set.names
    protocol_words = [str(protocol[key]) for key in ("name", "title") if protocol.get(key)]
    pairs: list[tuple[str, object]] = [
        ("System", run.card.get("title", "not stated")) if several else ("Run", run.name),
        ("Citation", run.card.get("citation", "not stated")),
        ("Corpus", ", ".join(c for c in table["corpus"].unique() if c) or "not stated"),
        ("Protocol", " – ".join(protocol_words) or "not stated"),
        ("Predicts", ", ".join(targets)),
        ("Tested on", f"{table['id'].nunique()} utterances of {len(speakers)} speakers"),
        ("Folds", f"{len(folds)}: {fold_names}"),
        ("Seeds", ", ".join(map(str, seeds))),
    ]
    counts = {fold.facts["parameters"] for fold in run.folds if "parameters" in fold.facts}
    if counts:
        ends = sorted({min(counts), max(counts)})
        pairs.append(("Parameters", " to ".join(f"{count:,}" for count in ends)))
    if run.shared_speakers == 0:
        pairs.append(("Speakers", "no test speaker is in the training split of the same fold"))
    elif run.shared_speakers is None:
        pairs.append(
            (
                "Speakers",
                "whether test speakers are also in training could not be told from the files",
            )
        )
    badges = Html("".join(element("span", mark, "mark") for mark in marks(run)))
    intro = note(
        "Drawn from the files in the run's folder; nothing was computed anew but scores from "
        "predictions."
    )
    # The introduction of a page about several runs is its heading.
    first = element("h3", run.name) if several else intro
    about = folded(f"About {run.name}", facts(pairs)) if several else facts(pairs)
    return join([first, badges, element("p", summary(run), "summary"), about])


def summary(run: ReportedRun) -> str:
    """The main score of the undisturbed test splits with its interval, beside what guessing gives.

    "UA 94.4 (95 % interval 91.0 to 97.7) over 339 utterances of 10 speakers; chance 25.0, ..."
    """
    scores = run.scores
    pooled = scores[(scores["scope"] == POOLED) & (scores["condition"] == CLEAN)]
    name = next(iter(leading(sorted(pooled["metric"]))), None)
    if name is None:
        return "No score of undisturbed test splits."
    row = pooled[pooled["metric"] == name].iloc[0]
    low, high = (shown(name, row[end]) for end in ("low", "high"))
    known = not pd.isna(row["low"])
    interval = (
        f"{LEVEL:.0%} interval {low} to {high}" if known else "too few speakers for an interval"
    )
    clusters = f"{int(row['clusters'])} {row['cluster']}{'s' if row['clusters'] != 1 else ''}"
    text = (
        f"{title(name)} {shown(name, row['value'])} ({interval}) over "
        f"{int(row['utterances'])} utterances of {clusters}"
    )
    classes = class_names(run.predictions)
    if not classes or name != "ua":
        return f"{text}."
    table = run.predictions[run.predictions["condition"] == CLEAN]
    targets = table["target"].dropna()
    most = targets.value_counts()
    chance = 1 / targets.nunique()
    return (
        f"{text}. Guessing gives {shown('ua', chance)}; always saying {most.index[0]}, the "
        f"commonest class, is right in {most.iloc[0] / len(targets):.1%} of utterances."
    )
