"""`mmser list`: what can be named in a command, read from ``configs/`` and docstrings without
importing any of it.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mmser.core.configs import config_names, load_config, unknown_name

KINDS = {
    "corpora": "corpus",
    "protocols": "protocol",
    "extractors": "extractor",
    "transcribers": "transcriber",
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
