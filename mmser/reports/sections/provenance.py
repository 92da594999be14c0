"""How to make the run again: training facts, configuration, environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmser.reports.page import Html, element, facts, folded, heading, note, section, table
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import CONFIG, ENVIRONMENT, FOLD


def provenance(runs: list[ReportedRun]) -> Html:
    """Facts of each fold's training, the resolved config and the environment."""
    blocks: list[Html] = []
    for run in runs:
        blocks.append(heading(run.name, runs))
        blocks += [_training(run), _environment(run), _config(run)]
    return section("Configuration and environment", blocks)


def _training(run: ReportedRun) -> Html:
    """A table of fold.json: only single facts, not lists such as the classes."""
    by_fold = {fold.name: _single_facts(fold.facts) for fold in run.folds}
    # A dict in place of a set, to keep the order.
    keys: dict[str, None] = {}
    for single in by_fold.values():
        keys |= dict.fromkeys(single)
    if not keys:
        return note(f"No {FOLD}: training facts are not known.")
    rows = []
    for name, single in by_fold.items():
        cells = [_shown(single.get(key, "")) for key in keys]
        rows.append([name, *cells])
    head = ["Fold and seed", *(key.replace("_", " ") for key in keys)]
    return folded(f"Training of each fold ({len(rows)})", table(head, rows))


def _single_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if not isinstance(value, list | dict)}


def _environment(run: ReportedRun) -> Html:
    if not run.environment:
        return note(f"No {ENVIRONMENT}: versions are not known.")
    flat = []
    for key, value in run.environment.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for name, entry in inner:
            title = f"{key} {name}".strip().replace("_", " ")
            flat.append((title, _shown(entry)))
    return folded("Environment", facts(flat))


def _config(run: ReportedRun) -> Html:
    import yaml

    if not run.config:
        return note(f"No {CONFIG}: the configuration is not known.")
    text = yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True, width=100)
    again = note(f"Repeat with: mmser train --config {run.name}/{CONFIG}")
    return folded("Configuration", Html(f"{again}{element('pre', text)}"))


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
