"""One recording as a page: a player, its timeline as a picture, and a table of segments in step.

Without scripts the page is a player, a picture and a table. Its one script and style are let in by
their hash, so that text of others could run nothing even where it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.addresses import data_address
from mmser.core.printable import printable
from mmser.core.tables import PREDICTION, PROBABILITY
from mmser.reports.page import element, note, safe

HERE = Path(__file__).parent
SVG = "image/svg+xml"


@dataclass(frozen=True, slots=True)
class Picture:
    """The timeline as svg by (narrow, dark), and where its axis of time lies.

    ``left`` and ``right`` are shares of the width, for 0 and ``seconds`` s.
    """

    drawings: Mapping[tuple[bool, bool], bytes]
    left: float
    right: float
    seconds: float


def recording_page(
    name: str, table: pd.DataFrame, picture: Picture, kind: str, source: str, remark: str = ""
) -> str:
    """The whole document.

    ``kind`` is "audio" or "video", ``source`` what its player plays: a data: URL, or a relative one
    that the page's policy then lets in; empty: there is none to be seen.
    """
    style = "".join(
        (HERE / file).read_text(encoding="utf-8") for file in ("report.css", "recording_page.css")
    )
    script = (HERE / "recording_page.js").read_text(encoding="utf-8")
    media = "data:" if source.startswith("data:") else "'self' file:"
    policy = (
        f"default-src 'none'; img-src data:; media-src {media}; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            element("title", name),
            f"<style>{style}</style></head><body>",
            element("h1", name),
            element("p", summary(table), "summary"),
            _player(kind, source),
            note(remark) if remark else "",
            _figure(picture, name),
            # Shown by the script, without which a click does nothing.
            '<p class="note hint" hidden>Click the picture or a segment to hear it from there.</p>',
            _segments(table),
            f"<script>{script}</script></body></html>\n",
        ]
    )


def _player(kind: str, source: str) -> str:
    if not source:
        # The script goes by its time.
        return "<audio></audio>"
    return f'<{kind} controls preload="metadata" src="{escape(source)}"></{kind}>'


def _digest(text: str) -> str:
    """A source of a Content-Security-Policy that lets in this text alone."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def summary(table: pd.DataFrame) -> str:
    """How much of the speech each class has: "2 segments: angry 12 s, sad 4 s"."""
    count = f"{len(table)} segment{'' if len(table) == 1 else 's'}"
    if "prediction" not in table:
        return count
    shares = ", ".join(f"{name} {value:.0f} s" for name, value in class_seconds(table).items())
    return f"{count}: {shares}" if shares else count


def class_seconds(table: pd.DataFrame) -> pd.Series:
    """Of each predicted class the seconds of its segments, the longest first."""
    seconds = (table["end"] - table["start"]).groupby(table["prediction"]).sum()
    return seconds.sort_values(ascending=False, kind="stable")


def _figure(picture: Picture, name: str) -> str:
    """The drawings, of which the style sheet shows the one that fits, and the line of the time.

    Not a <picture>: browsers do not choose anew for paper, which is white.
    """
    alt = f"Timeline of {safe(name)}: the segments of the table below"
    drawings = []
    for (is_narrow, is_dark), drawing in picture.drawings.items():
        kind = f"{'narrow' if is_narrow else 'wide'} {'dark' if is_dark else 'light'}"
        drawings.append(f'<img class="{kind}" src="{data_address(drawing, SVG)}" alt="{alt}">')
    return (
        f'<figure class="timeline" data-left="{picture.left:g}" data-right="{picture.right:g}" '
        f'data-seconds="{picture.seconds:.3f}">{"".join(drawings)}'
        f'<div id="head" hidden></div></figure>'
    )


def _segments(table: pd.DataFrame) -> str:
    values = [str(name) for name in table if str(name).startswith(PREDICTION)]
    is_class, is_text = "prediction" in table, "text" in table and table["text"].any()
    head = ["from", "to", *(["emotion", "share"] if is_class else [])]
    head += [name.removeprefix(PREDICTION) for name in values] + (["words"] if is_text else [])
    # Of a recording whose segments differ in what they have.
    is_mixed = "modalities" in table and table["modalities"].nunique() > 1
    head += ["read"] if is_mixed else []
    rows = []
    for row in table.to_dict("records"):
        cells = [_figures(clock(row["start"])), _figures(clock(row["end"]))]
        if is_class:
            cells += _emotion(row)
        cells += [_figures("" if pd.isna(row[name]) else f"{row[name]:.2f}") for name in values]
        if is_text:
            cells.append(element("td", row["text"] or "", "words"))
        if is_mixed:
            cells.append(element("td", str(row["modalities"]).replace("+", ", ") or "nothing"))
        span = f'data-start="{row["start"]:.3f}" data-end="{row["end"]:.3f}"'
        rows.append(f"<tr {span}>{''.join(cells)}</tr>")
    is_words = {"emotion", "words", "read"}
    titles = "".join(element("th", name, "" if name in is_words else "n") for name in head)
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _figures(text: str) -> str:
    return element("td", text, "n")


def _emotion(row: Mapping[Any, Any]) -> list[str]:
    name = row["prediction"]
    if not isinstance(name, str):
        return [element("td", "?"), _figures("")]
    share = row.get(PROBABILITY + name, math.nan)
    return [element("td", printable(name)), _figures("" if pd.isna(share) else f"{share:.0%}")]


def clock(seconds: float) -> str:
    """1:05.2, 1:00:00.0."""
    tenths = round(10 * seconds)
    whole, tenth = divmod(tenths, 10)
    hours, rest = divmod(whole, 3600)
    head = f"{hours}:{rest // 60:02d}" if hours else f"{rest // 60}"
    return f"{head}:{rest % 60:02d}.{tenth}"
