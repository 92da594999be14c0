"""A run beside a published system's figures, with everything in which the two protocols differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.core.saved import read_saved_yaml
from mmser.core.tables import CLEAN
from mmser.evaluation.scoring.score import POOLED, score
from mmser.metrics.predictions import read_predictions
from mmser.metrics.table import published_metric
from mmser.runs.run_paths import CONFIG
from mmser.runs.shared_speakers import speakers_line

COLUMNS = (
    "system",
    "data",
    "metric",
    "published",
    "published_protocol",
    "source",
    "ours",
    "low",
    "high",
)
"""Accuracies and F1 in percent; ``ours`` is NaN on another corpus or for a metric that is not
scored.
"""


def beside_published(run: str | Path, system: str) -> tuple[pd.DataFrame, list[str]]:
    """COLUMNS for every figure on the system's card, and the differences of protocol.

    Each difference is a sentence.
    Raises UsageError for an unknown system, MmserError when its card has no figure or the run no
    predictions.
    """
    config = load_config("system", system)
    card = config.get("card") or {}
    if not card.get("reported"):
        raise MmserError(
            f"published figures of {system}",
            "none on its card",
            "`mmser list systems` prints the cards.",
        )
    predictions = read_predictions(run)
    clean = predictions[predictions["condition"] == CLEAN]
    scores = score(clean)
    pooled = scores[scores["scope"] == POOLED].set_index("metric")
    scored = pooled.to_dict("index")
    corpora = {_plain(name) for name in clean["corpus"].unique()}
    rows = []
    for entry in card["reported"]:
        metric = published_metric(str(entry["metric"]))
        fits = any(name and name in _plain(str(entry.get("data", ""))) for name in corpora)
        # Published accuracies and F1 are percents; a concordance is printed in either way.
        own = {key: float("nan") for key in _OURS}
        if fits and metric and metric.unit == "percent" and metric.name in scored:
            ours = scored[metric.name]
            own = {key: 100 * float(ours[column]) for key, column in _OURS.items()}
        rows.append(
            {
                "system": system,
                "data": entry.get("data"),
                "metric": entry["metric"],
                **_quoted(entry),
                **own,
            }
        )
    differences = list(_differences(Path(run), system, config, clean))
    return pd.DataFrame(rows, columns=list(COLUMNS)), differences


_OURS = {"ours": "value", "low": "low", "high": "high"}


def published_text(table: pd.DataFrame, differences: list[str]) -> str:
    """Figures and differences for a terminal."""
    lines = [
        table.to_string(index=False, float_format=lambda number: f"{number:.1f}", na_rep="-"),
        "",
        "Differences:",
    ]
    lines += [f"  - {sentence}" for sentence in differences]
    return "\n".join(
        [*lines, "Published figures are quoted as printed; ours is pooled over folds and seeds."]
    )


def _quoted(entry: Mapping[str, Any]) -> dict[str, Any]:
    protocol, source = (entry.get(key, "not stated") for key in ("protocol", "source"))
    return {"published": float(entry["value"]), "published_protocol": protocol, "source": source}


def _differences(
    run: Path, system: str, config: Mapping[str, Any], clean: pd.DataFrame
) -> Iterator[str]:
    card = config["card"]
    protocols = [str(entry.get("protocol", "not stated")) for entry in card["reported"]]
    for stated in dict.fromkeys(protocols):
        yield f"published with: {stated}"
    path = run / CONFIG
    if not path.is_file():
        yield "this run: no config.yaml beside the predictions, so its protocol is unknown"
        return
    own = read_saved_yaml(path)
    protocol = own.get("protocol") or {}
    utterances, speakers = clean["id"].nunique(), clean["speaker"].nunique()
    classes = ", ".join(protocol.get("classes") or []) or "no classes"
    yield (
        f"this run: protocol {protocol.get('name')} ({classes}), {utterances} utterances, "
        f"{speakers} speakers tested"
    )
    yield (
        f"this run: {clean['fold'].nunique()} folds, seeds "
        f"{', '.join(map(str, sorted(clean['seed'].unique())))}"
    )
    yield f"this run: {speakers_line(run)}"
    if protocol.get("name") != card.get("protocol"):
        yield (
            f"the card asks for the protocol {card.get('protocol')}, this run used "
            f"{protocol.get('name')}"
        )
    if (own.get("card") or {}).get("name") != card.get("name"):
        yield (
            f"this run is of the system {(own.get('card') or {}).get('name')}, not of "
            f"{card.get('name')}"
        )
    yield from _stream_differences(own.get("streams") or {}, config.get("streams") or {})
    yield from (f"departure from the paper: {text}" for text in card.get("departures") or [])


def _stream_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*theirs, *ours]):
        here = (ours.get(name) or {}).get("extractor", "none")
        there = (theirs.get(name) or {}).get("extractor", "none")
        if here != there:
            yield f"stream {name}: this run reads {here}, the system's config {there}"
        elif "@" in str(here):
            yield f"stream {name}: words of a speech recogniser ({str(here).partition('@')[2]})"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
