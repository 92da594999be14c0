"""A timeline as files: csv, json, subtitles (.srt, .vtt) and a picture (.svg)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.atomic import write_bytes, written_aside
from mmser.core.printable import printable, without_formulas
from mmser.core.tables import PREDICTION, PROBABILITY
from mmser.inference.glimpse import Glimpse
from mmser.inference.picture import draw_timeline


def write_timeline(
    table: pd.DataFrame, folder: str | Path, stem: str, seen: Glimpse | None = None
) -> list[Path]:
    """Write ``<folder>/<stem>.csv``, .json, .srt, .vtt and .svg; returns their paths.

    ``seen`` is what the recording looks like, for the picture.
    """
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
        draw_timeline(table, aside, seen)
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
