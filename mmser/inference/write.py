"""A timeline as files: csv, json, subtitles (.srt, .vtt) and a picture (.svg)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.cache.atomic import write_bytes, written_aside
from mmser.core.palette import OKABE_ITO
from mmser.core.printable import printable, without_formulas
from mmser.core.tables import PREDICTION, PROBABILITY

STYLES = ("-", "--", "-.", ":")


def write_timeline(table: pd.DataFrame, folder: str | Path, stem: str) -> list[Path]:
    """Write ``<folder>/<stem>.csv``, .json, .srt, .vtt and .svg; returns their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {suffix: folder / f"{stem}.{suffix}" for suffix in ("csv", "json", "srt", "vtt", "svg")}
    # Milliseconds, as subtitles have them.
    table = table.round({"start": 3, "end": 3})
    write_bytes(paths["csv"], without_formulas(table).to_csv(index=False).encode())
    rows = json.loads(table.to_json(orient="records"))
    json_text = json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    write_bytes(paths["json"], json_text.encode())
    write_bytes(paths["srt"], subtitles(table, ",").encode())
    vtt_text = "WEBVTT\n\n" + subtitles(table, ".").replace("&", "&amp;")
    write_bytes(paths["vtt"], vtt_text.encode())
    with written_aside(paths["svg"]) as aside:
        draw_timeline(table, aside)
    return list(paths.values())


def subtitles(table: pd.DataFrame, point: str) -> str:
    """Numbered cues, SubRip with ``point`` "," and WebVTT with "."."""
    cues = []
    for number, row in enumerate(table.to_dict("records"), start=1):
        span = f"{clock(row['start'], point)} --> {clock(row['end'], point)}"
        cues.append(f"{number}\n{span}\n{label(row)}\n")
    return "\n".join(cues)


def label(row: Mapping[Any, Any]) -> str:
    """One segment in a line: "[happy 87 %] what a day".

    Angle brackets, which open tags there, become round ones.
    """
    if isinstance(row.get("prediction"), str):
        share = row[PROBABILITY + row["prediction"]]
        emotion = f"{row['prediction']} {share:.0%}"
    else:
        columns = [str(key) for key in row if str(key).startswith(PREDICTION)]
        values = {name: row[name] for name in columns if not pd.isna(row[name])}
        words = [f"{name.removeprefix(PREDICTION)} {value:.2f}" for name, value in values.items()]
        emotion = ", ".join(words) or "?"
    line = " ".join(f"[{emotion}] {row['text']}".split())
    return printable(line.replace("<", "(").replace(">", ")"))


def clock(seconds: float, point: str) -> str:
    """Hours, minutes, seconds and milliseconds as subtitles write them."""
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, part = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{point}{part:03d}"


def draw_timeline(table: pd.DataFrame, path: Path) -> None:
    """Probabilities (or values) over time as steps, with a gap where nobody speaks.

    The same table gives the same bytes.
    """
    import matplotlib
    from matplotlib.figure import Figure

    names = [str(column) for column in table]
    names = [name for name in names if name.startswith((PROBABILITY, PREDICTION))]
    are_probabilities = names[0].startswith(PROBABILITY)
    with matplotlib.rc_context({"font.size": 9, "svg.hashsalt": "mmser", "text.parse_math": False}):
        figure = Figure(figsize=(9.0, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for number, name in enumerate(names):
            color, style = OKABE_ITO[number % len(OKABE_ITO)], STYLES[number % len(STYLES)]
            short = printable(name.removeprefix(PROBABILITY).removeprefix(PREDICTION))
            # One line per class, however many segments there are; NaN lifts the pen between two.
            gap = np.full(len(table), np.nan)
            times = np.stack([table["start"], table["end"], gap], axis=1).ravel()
            values = np.stack([table[name].astype("float64")] * 2 + [gap], axis=1).ravel()
            axes.plot(times, values, style, color=color, lw=2.5, label=short)
        axes.set(xlabel="seconds", ylabel="probability" if are_probabilities else "value")
        if are_probabilities:
            axes.set_ylim(0, 1.02)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(
            ncols=min(8, len(names)), loc="lower left", bbox_to_anchor=(0, 1), frameon=False
        )
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
