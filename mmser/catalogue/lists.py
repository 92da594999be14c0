"""`mmser list`: what can be named in a command, a row per name."""

from __future__ import annotations

from typing import Any

from mmser.catalogue.descriptions import description
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
    names = config_names(group)
    if group == "system":
        return [_system_row(name, load_config(group, name)) for name in names]
    return [
        {"name": name, "what": description(group, name, load_config(group, name))} for name in names
    ]


def modalities(name: str) -> list[str]:
    """Sound, text and face, as the streams of a system name them: audio, text, face."""
    streams = load_config("system", name).get("streams") or {}
    return sorted({_modality(stream, str(spec["extractor"])) for stream, spec in streams.items()})


def _modality(stream: str, extractor: str) -> str:
    """The room of the extractor's class: ``mmser.extractors.audio.mfcc`` -> audio."""
    name = extractor.partition("@")[0]
    if name not in config_names("extractor"):
        return stream
    target = str(load_config("extractor", name).get("_target_", ""))
    return target.split(".")[2] if target.startswith("mmser.extractors.") else stream


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
