"""The model card (README.md) of a model folder.

It says what the model is, what it was tested on and how well, and what it is not for. The scores
are those of the run's own test predictions; published figures are not among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import pandas as pd
import yaml

from mmser import __version__
from mmser.core.tables import CLEAN
from mmser.evaluation.scoring.score import FOLD, MEAN, POOLED, score
from mmser.inference.trained import Member, TrainedRun
from mmser.metrics.predictions import FILE_NAME
from mmser.metrics.table import METRICS, is_on_card, is_share, meaning, shown, title
from mmser.reports.reported_run import ReportedRun, read_run
from mmser.reports.sections.header import marks

UNKNOWN = "unknown"
USE = """## Use

```python
import mmser

recogniser = mmser.load("hf:owner/name")  # or this folder; revision="<commit>" pins it
# start, end, prediction, probabilities, contribution of each modality
table = recogniser.predict("clip.mp4")
```

or `mmser predict run=hf:owner/name clip.mp4`. The streams are made by the extractors named below,
out of the sound, words and pictures of the clip; pretrained weights that an extractor needs are not
in this folder, and mmser says which are missing."""

LIMITS = """## Intended use and limits

For research on emotion recognition. The classes are those of one corpus and of the people who
labelled it; what its speakers, language, culture, acting, microphones and cameras have in common is
in the model. Scores on another corpus are as a rule far lower: measure on your own labelled data
before you rely on a prediction. Probabilities are no better calibrated than the scores above say,
and a system that saw no missing modality in training need not bear one.

An expressed emotion is not a felt one. Do not use this to judge persons, at work, at school, in
law, medicine or migration, nor on recordings of people who have not agreed; some laws forbid such
uses.

Weights learnt from a licensed corpus may fall under its licence: the terms of use of {corpus} say
whether they may be passed on. Licence of this folder: {license}."""


TAGS = {"audio": "speech", "text": "text", "face": "face"}
"""The hub's tag of a modality."""


def make_card(
    trained: TrainedRun,
    members: Sequence[Member],
    streams: Mapping[str, Any],
    license: str = UNKNOWN,
) -> str:
    """The text of README.md.

    ``streams`` are as in config.json; a run without predictions has no scores to show.
    """
    has_predictions = (trained.run.directory / FILE_NAME).is_file()
    files = read_run(trained.run.directory) if has_predictions else None
    scores = _scores(files) if files else pd.DataFrame()
    notes = _marks(trained, files)
    corpora = trained.run.corpora.names
    system = trained.settings.card
    front = _front(trained, scores, notes, corpora, license)
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
        f"# {system.get('title') or trained.name}",
        *(f"**{mark}**" for mark in notes),
        _facts(trained, members, corpora),
        USE.rstrip(),
        _score_section(trained, scores, members),
        _stream_section(streams),
        LIMITS.format(corpus=", ".join(corpora), license=license).rstrip(),
        f"Written by mmser {__version__}.",
    ]
    return "\n\n".join(parts) + "\n"


def _marks(trained: TrainedRun, files: ReportedRun | None) -> list[str]:
    """The report's warnings.

    For a run without predictions: those that follow from config and environment.
    """
    if files:
        return marks(files)
    warnings = []
    if any("synthetic" in name.lower() for name in trained.run.corpora.names):
        warnings.append("SYNTHETIC DATA: no statement about real speech")
    if trained.run.environment.get("random_weights"):
        warnings.append("RANDOM WEIGHTS: an extractor was not trained")
    return warnings


def _scores(files: ReportedRun) -> pd.DataFrame:
    table = files.predictions
    scores = score(table[table["condition"] == CLEAN])
    return scores[scores["metric"].map(is_on_card)]


def _front(
    trained: TrainedRun,
    scores: pd.DataFrame,
    notes: Sequence[str],
    corpora: Sequence[str],
    license: str,
) -> dict[str, Any]:
    """The hub's front matter.

    Figures that say nothing about real speech stay out of what machines read.
    """
    system, protocol = trained.settings.card, trained.settings.protocol
    name = str(system.get("name") or trained.name)
    modalities = {_modality(source.info) for source in trained.sources.values()}
    tags = [tag for modality, tag in TAGS.items() if modality in modalities]
    front: dict[str, Any] = {
        "library_name": "mmser",
        "license": license,
        "tags": ["mmser", "emotion-recognition", *tags, name],
        "datasets": list(corpora),
    }
    if tags == [TAGS["audio"]] and protocol.get("classes"):
        front["pipeline_tag"] = "audio-classification"
    figures = _hub_figures(scores)
    is_real = not any(mark.startswith(("SYNTHETIC", "RANDOM")) for mark in notes)
    if figures and is_real:
        front["metrics"] = [figure["type"] for figure in figures]
        task = {"type": "audio-classification", "name": "emotion recognition"}
        data = {"type": corpora[0], "name": f"{corpora[0]}, protocol {protocol['name']}"}
        results = [{"task": task, "dataset": data, "metrics": figures}]
        front["model-index"] = [{"name": name, "results": results}]
    return front


def _hub_figures(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """The pooled scores that the hub has a name for."""
    figures = []
    for row in scores.to_dict("records"):
        hub_name = METRICS[row["metric"]].hub if row["metric"] in METRICS else ""
        if row["scope"] == POOLED and hub_name:
            value = round(float(row["value"]), 4)
            figures.append({"type": hub_name, "name": title(row["metric"]), "value": value})
    return figures


def _facts(trained: TrainedRun, members: Sequence[Member], corpora: Sequence[str]) -> str:
    settings, task = trained.settings, members[0].task
    folds = [trained.run.fold(member.fold, member.seed).facts for member in members]
    counts = {int(fold["parameters"]) for fold in folds if fold.get("parameters") is not None}
    span = sorted({min(counts), max(counts)}) if counts else []
    names = ", ".join(f"fold {member.fold} seed {member.seed}" for member in members)
    vote = "; their mean decides" if len(members) > 1 else ""
    predicted = chain.from_iterable(target_set.names for target_set in task.target_sets)
    rows = {
        "predicts": ", ".join(predicted),
        "system": _stated(settings.card, "name", "citation", " – ") or trained.name,
        "corpus": ", ".join(corpora),
        "protocol": _stated(settings.protocol, "name", "title", ": "),
        "models in this folder": f"{len(members)}, {names}{vote}",
        "trainable parameters": " to ".join(f"{n:,}" for n in span) or "not recorded",
        "trained with": f"{_class(settings.objective)}, {_class(settings.optimizer)}",
    }
    lines = [f"| {key} | {_cell(value)} |" for key, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _stated(config: Mapping[str, Any], first: str, second: str, between: str) -> str:
    return between.join(str(config[key]) for key in (first, second) if config.get(key))


def _class(config: Mapping[str, Any]) -> str:
    return str(config["_target_"]).rpartition(".")[2]


def _score_section(trained: TrainedRun, scores: pd.DataFrame, members: Sequence[Member]) -> str:
    if not len(scores):
        return "## Scores\n\nNone: the run's test split was never predicted."
    pooled = scores[scores["scope"] == POOLED].to_dict("records")
    means = scores[scores["scope"] == MEAN].set_index("metric")
    single = scores[scores["scope"] == FOLD]
    folds, seeds = single["fold"].nunique(), sorted(set(single["seed"]))
    first = pooled[0]
    # The folder may hold one of several models that the pooled score is about.
    one = members[0] if len(members) == 1 and folds * len(seeds) > 1 else None
    lines = [
        "## Scores",
        f"Of the run's own test predictions under {trained.settings.protocol['name']}: "
        f"{first['utterances']} predictions, {first['clusters']} {first['cluster']}s, {folds} "
        f"fold{'' if folds == 1 else 's'}, seed{'' if len(seeds) == 1 else 's'} "
        f"{', '.join(map(str, seeds))}. Each was made by a model that had not seen the "
        f"utterance{_scored(folds * len(seeds), len(members))}.",
    ]
    head = ["score", "pooled", f"95 % interval over {first['cluster']}s", "mean over folds", "std"]
    head += [f"fold {one.fold} seed {one.seed}"] if one else []
    table = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in pooled:
        metric, mean = row["metric"], means.loc[row["metric"]]
        cells = [title(metric) + (" (%)" if is_share(metric) else ""), shown(metric, row["value"])]
        cells += [f"{shown(metric, row['low'])} to {shown(metric, row['high'])}"]
        cells += [shown(metric, mean["value"]), shown(metric, mean["std_folds"])]
        if one:
            is_own = (single["fold"] == one.fold) & (single["seed"] == one.seed)
            own = single[is_own & (single["metric"] == metric)]
            cells.append(shown(metric, float(own["value"].iloc[0])) if len(own) else "")
        table.append(f"| {' | '.join(cells)} |")
    names = "; ".join(f"{title(row['metric'])}: {meaning(row['metric'])}" for row in pooled)
    return "\n\n".join([*lines, "\n".join(table), f"{names}."])


def _scored(models: int, members: int) -> str:
    """How the models of the folder relate to the figures.

    Nothing where the one model is the one that was scored.
    """
    if members > 1:
        return "; the models of this folder vote, and that vote was not itself scored"
    return f"; the model of this folder is one of those {models}" if models > 1 else ""


def _stream_section(streams: Mapping[str, Any]) -> str:
    head = [
        "stream",
        "extractor",
        "fingerprint",
        "one step",
        "steps per second",
        "words from",
        "weights",
    ]
    lines = ["## Streams", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, stream in streams.items():
        info = stream["store"]
        shape = " x ".join(map(str, stream["feature_shape"])) or "one number"
        rate = "–" if stream["frame_rate"] is None else f"{stream['frame_rate']:g}"
        words = (info.get("transcript") or {}).get("source", "–")
        weights = str(info["parameters"].get("weights") or "none")
        if info.get("random_weights"):
            weights = "random"
        cells = [name, info["extractor"], info["fingerprint"], shape, rate, words, weights]
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _modality(info: Mapping[str, Any]) -> str:
    """The modality of the extractor, by its room; "" for imported arrays."""
    parts = str(info.get("class", "")).split(".")
    return parts[2] if parts[:2] == ["mmser", "extractors"] else ""


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
