"""`mmser list`: what can be named in a command, read from ``configs/`` and docstrings without
importing any of it.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mmser.core.configs import config_names, load_config, unknown_name
from mmser.weights.demand import system_weights

KINDS = {
    "corpora": "corpus",
    "protocols": "protocol",
    "extractors": "extractor",
    "transcribers": "transcriber",
    "aligners": "aligner",
    "encoders": "encoder",
    "fusions": "fusion",
    "heads": "head",
    "objectives": "objective",
    "solvers": "solver",
    "augmentations": "augmentation",
    "systems": "system",
}
"""The word used on the command line and the config group it lists."""

METRICS = "metrics"
"""Listed out of the table of metrics, which no config names."""


def catalogue(kind: str) -> list[dict[str, str]]:
    """One row per config of ``kind``, in name order, or per metric in the order of print.

    Raises UsageError for an unknown kind.
    """
    if kind == METRICS:
        return _metric_rows()
    if kind not in KINDS:
        raise unknown_name("list", kind, [*KINDS, METRICS])
    group = KINDS[kind]
    describe = _system_row if group == "system" else _plugin_row
    return [describe(name, load_config(group, name)) for name in config_names(group)]


def recommended() -> list[dict[str, str]]:
    """What to take first: situation, system, what was measured with it, what it needs."""
    rows = []
    for entry in load_config("", "recommended")["systems"]:
        config = load_config("system", entry["system"])
        weights = system_weights(_with_words(config, entry))
        placed = f"weights {', '.join(weights)}" if weights else "no weights"
        rows.append(
            {
                "situation": entry["situation"],
                "system": " ".join([entry["system"], *entry.get("words", "").split()]),
                "measured": _measured(entry, config["card"]),
                "needs": f"{entry['hardware']}; {placed}",
            }
        )
    return rows


def _with_words(config: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The config under the entry's words that name another extractor."""
    streams = {name: dict(spec) for name, spec in config["streams"].items()}
    for word in entry.get("words", "").split():
        key, _, value = word.partition("=")
        if key.startswith("streams.") and key.endswith(".extractor"):
            streams[key.split(".")[1]]["extractor"] = value
    return {**config, "streams": streams}


def _measured(entry: dict[str, Any], card: dict[str, Any]) -> str:
    if "measured" in entry:
        ours = entry["measured"]
        return f"{ours['data']}, {ours['protocol']}: {ours['figure']}"
    if "published" not in entry:
        return "nothing on a corpus at hand"
    data = entry["published"]["data"]
    quoted = next(score for score in card["reported"] if score["data"] == data)
    return (
        f"not here; published: {data} {quoted['metric']} {quoted['value']} ({quoted['protocol']})"
    )


def _metric_rows() -> list[dict[str, str]]:
    # Imported here: the other lists need no numerical library.
    from mmser.metrics.table import METRICS as TABLE

    best = {"max": "higher", "min": "lower"}
    return [
        {
            "name": metric.name,
            "printed": metric.title,
            "unit": metric.unit,
            "better": best[metric.better],
            "what": metric.meaning,
            "elsewhere also": ", ".join(metric.elsewhere),
        }
        for metric in TABLE.values()
    ]


def _plugin_row(name: str, config: dict[str, Any]) -> dict[str, str]:
    return {
        "name": name,
        "what": str(config.get("title") or _docstring_line(str(config.get("_target_", "")))),
    }


def _system_row(name: str, config: dict[str, Any]) -> dict[str, str]:
    card = config.get("card", {})
    reported = "; ".join(
        f"{r['data']} {r['metric']} {r['value']}" for r in card.get("reported", [])
    )
    streams = ", ".join(
        f"{stream}={spec['extractor']}" for stream, spec in config.get("streams", {}).items()
    )
    return {
        "name": name,
        "what": str(card.get("title", "")),
        "streams": streams,
        "parameters": f"{card['parameters']:,}" if isinstance(card.get("parameters"), int) else "",
        "weights": ", ".join(system_weights(config)) or "-",
        "published (not ours)": reported,
        "source": str(card.get("citation", "")),
    }


def _docstring_line(target: str) -> str:
    """First docstring line of the class (or else the module) a ``_target_`` names, by parsing its
    source.
    """
    module, _, attribute = target.rpartition(".")
    package = Path(__file__).resolve().parent
    parts = module.split(".")[1:]
    candidates = [
        package.joinpath(*parts).with_suffix(".py"),
        package.joinpath(*parts, "__init__.py"),
    ]
    source = next((path for path in candidates if parts and path.is_file()), None)
    if source is None:
        return target
    tree = ast.parse(source.read_text(encoding="utf-8"))
    named = [node for node in tree.body if getattr(node, "name", None) == attribute]
    documented = [node for node in named if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    text = (
        (ast.get_docstring(documented[0]) if documented else None)
        or ast.get_docstring(tree)
        or target
    )
    return " ".join(text.split("\n\n")[0].split())
