"""The timeline of a recording as one picture, its panels over one axis of time.

Film strip, sound, words, the class of each segment, probabilities as stacked bands, values as
lines. Nothing is told by colour alone: blocks carry their names, bands a hatch.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.core.printable import printable
from mmser.core.tables import PREDICTION, PROBABILITY
from mmser.inference.attention_lines import attention_name, draw_attention
from mmser.inference.condensed import COLUMNS, condensed
from mmser.inference.glimpse import Glimpse
from mmser.inference.time_axis import draw_time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT = 0.1, 0.97
"""Where the axis of time begins and ends, as shares of the picture's width."""

HATCHES = ("", "////", "..", "\\\\\\\\", "xxx", "---", "o", "+++", "|||")
STYLES = ("-", "--", "-.", ":")
BLACK = "#000000"
FONT = 10.0
"""Points; a picture of 6.4 inches shown at 400 pixels has letters of 9 pixels."""

WORDS = 8.5
"""Points of the letters of words."""

WORD_LINES, SHORTEST_LINE = 3, 5
"""Lines of words in a segment, and the letters that a line must have room for."""

HEIGHTS = {"film": 0.5, "sound": 0.5, "words": 0.46, "emotion": 0.34, "share": 1.5, "value": 1.1}
"""Inches of each panel."""

GAP, LEGEND_LINE, BELOW = 0.07, 0.22, 0.5
"""Inches between panels, of a line of the legend, and for the axis of time."""


@dataclass(frozen=True, slots=True)
class Look:
    """How wide a picture is (inches), and whether it lies on a dark page."""

    width: float = 6.4
    dark: bool = False

    @property
    def ink(self) -> str:
        """Colour of letters."""
        return "#e8e8e8" if self.dark else "#1a1a1a"

    @property
    def paper(self) -> str:
        """Colour behind everything."""
        return "#16181b" if self.dark else "#ffffff"

    def color(self, number: int) -> str:
        """Of a class; black is white on a dark page."""
        color = OKABE_ITO[number % len(OKABE_ITO)]
        return self.ink if color == BLACK else color


def draw_timeline(
    table: pd.DataFrame,
    path: Path | BinaryIO,
    seen: Glimpse | None = None,
    look: Look | None = None,
) -> None:
    """Write the picture as svg. The same table and glimpse give the same bytes.

    Of many segments means over equal stretches of time are drawn, which the axis says.
    """
    import matplotlib
    from matplotlib.figure import Figure

    seen, look = seen or Glimpse(0.0), look or Look()
    settings: dict[Any, Any] = {
        "font.size": FONT, "svg.hashsalt": "mmser", "svg.fonttype": "none",
        "text.parse_math": False, "hatch.linewidth": 0.5, "text.color": look.ink,
        "axes.labelcolor": look.ink, "xtick.color": look.ink, "ytick.color": look.ink,
        "axes.edgecolor": look.ink, "axes.facecolor": look.paper, "figure.facecolor": look.paper,
    }  # fmt: skip
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Letters stay text, so whoever shows the picture has the glyphs.
        warnings.filterwarnings("ignore", message="Glyph ")
        drawing = _Drawing(table, seen, look)
        drawing.draw(Figure(figsize=(look.width, drawing.height)))
        drawing.figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def end_of(table: pd.DataFrame, seen: Glimpse) -> float:
    """Seconds at the right end of the axis of time."""
    return max(seen.seconds, float(table["end"].max()), 0.1)


class _Drawing:
    """The panels of one picture, from the top to the bottom."""

    def __init__(self, table: pd.DataFrame, seen: Glimpse, look: Look) -> None:
        names = [str(column) for column in table]
        self.classes = [name for name in names if name.startswith(PROBABILITY)]
        self.values = [name for name in names if name.startswith(PREDICTION)]
        self.seen, self.look = seen, look
        self.end = end_of(table, seen)
        self.words = table if len(table) <= COLUMNS else table.iloc[:0]
        is_long = len(table) > COLUMNS
        self.table = condensed(table, self.classes + self.values, self.end) if is_long else table
        self.note = f"  (means of {self.end / COLUMNS:.3g} s)" if is_long else ""
        self.labels = [_short(name) for name in self.classes + self.values]
        if seen.loudest is not None:
            self.labels += [attention_name(stream) for stream in seen.attention]
        self.panels = [name for name, is_there in self._there() if is_there]
        self.legend_lines = ceil(len(self.labels) / self._legend_columns)
        inches = [HEIGHTS[name] + GAP for name in self.panels]
        self.height = sum(inches) + BELOW + self.legend_lines * LEGEND_LINE + GAP

    def _there(self) -> list[tuple[str, bool]]:
        # Without a segment that is wide enough the lane would be empty.
        has_words = "text" in self.words and any(
            isinstance(text, str) and text.strip() and self._columns(start, end) >= SHORTEST_LINE
            for start, end, text in self.words[["start", "end", "text"]].itertuples(index=False)
        )
        return [
            ("film", bool(self.seen.pictures)),
            ("sound", self.seen.loudest is not None),
            ("words", has_words),
            ("emotion", bool(self.classes)),
            ("share", bool(self.classes)),
            ("value", bool(self.values)),
        ]

    @property
    def _legend_columns(self) -> int:
        longest = max(map(len, self.labels), default=1)
        return max(1, int(self.look.width * (RIGHT - LEFT) / (0.42 + 0.08 * longest)))

    def draw(self, figure: Figure) -> None:
        """Every panel, one below the other."""
        self.figure = figure
        top = self.height - self.legend_lines * LEGEND_LINE - GAP
        draws = {
            "film": self._film, "sound": self._sound, "words": self._words,
            "emotion": self._emotion, "share": self._share, "value": self._value,
        }  # fmt: skip
        for name in self.panels:
            top -= HEIGHTS[name]
            place = (LEFT, top / self.height, RIGHT - LEFT, HEIGHTS[name] / self.height)
            axes = figure.add_axes(place)
            axes.set_xlim(0, self.end)
            axes.spines[:].set_visible(False)
            axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
            draws[name](axes)
            top -= GAP
        draw_time_axis(axes, self.end, self.look.width, self.note)
        self.figure.legend(
            loc="upper left", bbox_to_anchor=(LEFT - 0.01, 1), ncols=self._legend_columns,
            frameon=False, borderaxespad=0.2, borderpad=0.1, handlelength=1.2, columnspacing=0.9,
            labelspacing=0.25, handletextpad=0.4,
        )  # fmt: skip

    def _points(self, seconds: float) -> float:
        """Points of the picture's width."""
        return 72 * self.look.width * (RIGHT - LEFT) * seconds / self.end

    def _columns(self, start: float, end: float) -> int:
        """How many letters of words a line within a segment holds."""
        return int(self._points(end - start) / (0.56 * WORDS))

    def _film(self, axes: Axes) -> None:
        part = self.end / len(self.seen.pictures)
        inches = self._points(part) / 72
        for number, picture in enumerate(self.seen.pictures):
            shape = picture.shape[1] / picture.shape[0]
            # As wide as its shape wants, or as its part allows.
            width = min(HEIGHTS["film"] * shape, 0.96 * inches)
            height = width / shape / HEIGHTS["film"]
            middle, half = (number + 0.5) * part, width / inches * part / 2
            extent = (middle - half, middle + half, 0.5 - height / 2, 0.5 + height / 2)
            axes.imshow(picture, extent=extent, aspect="auto", interpolation="none")
        axes.set(xlim=(0, self.end), ylim=(0, 1))

    def _sound(self, axes: Axes) -> None:
        loudest = np.asarray(self.seen.loudest)
        times = np.linspace(0, self.seen.seconds, len(loudest))
        axes.fill_between(times, -loudest, loudest, color=self.look.ink, alpha=0.6, lw=0)
        # Quiet recordings are as legible as loud ones.
        most = max(float(loudest.max()), 1e-4)
        axes.set_ylim(-most, most)
        if self.seen.attention:
            # None of those that stand for classes.
            first = len(self.classes + self.values)
            colors = [self.look.color(first + number) for number in range(3)]
            draw_attention(axes, self.seen.attention, colors)

    def _words(self, axes: Axes) -> None:
        for row in self.words.to_dict("records"):
            text = row["text"] if isinstance(row["text"], str) else ""
            columns = self._columns(row["start"], row["end"])
            if columns < SHORTEST_LINE:
                continue
            lines = wrap(printable(text), columns, max_lines=WORD_LINES, placeholder="…")
            place = row["start"], 1.0
            axes.text(*place, "\n".join(lines), va="top", size=WORDS, linespacing=1.1)

    def _emotion(self, axes: Axes) -> None:
        names = [_short(name) for name in self.classes]
        for start, end, name in _blocks(self.table):
            number = names.index(name) if name in names else 0
            color = self.look.color(number)
            width = self._points(end - start)
            edge = self.look.paper if width > 4 else color
            # Smaller letters before fewer; without letters the hatch of the legend.
            size = FONT if _fitting(name, width, FONT) == name else FONT - 2.5
            hatch = "" if _fitting(name, width, size) else HATCHES[number % len(HATCHES)]
            axes.axvspan(start, end, fc=color, ec=self.look.paper, lw=0, hatch=hatch)
            axes.axvline(start, color=edge, lw=0.8)
            axes.text(
                (start + end) / 2, 0.5, _fitting(name, width, size), ha="center", va="center",
                color=_readable_on(color), weight="bold", size=size,
            )  # fmt: skip
        axes.set_ylim(0, 1)

    def _share(self, axes: Axes) -> None:
        times = _steps(self.table)
        floor = np.zeros(len(times))
        for number, name in enumerate(self.classes):
            values = _stepped(self.table, name)
            axes.fill_between(
                times, floor, floor + values, label=_short(name), lw=0.5,
                facecolor=self.look.color(number), edgecolor=self.look.paper,
                hatch=HATCHES[number % len(HATCHES)],
            )  # fmt: skip
            floor = floor + values
        axes.set(ylim=(0, 1), yticks=[0, 0.5, 1], yticklabels=["0", "50", "100 %"])
        axes.tick_params(left=True, labelleft=True, labelsize=FONT - 2)

    def _value(self, axes: Axes) -> None:
        times = _steps(self.table)
        for number, name in enumerate(self.values):
            style = STYLES[number % len(STYLES)]
            values = _stepped(self.table, name)
            color = self.look.color(number)
            axes.plot(times, values, style, color=color, lw=2, label=_short(name))
        axes.spines["left"].set_visible(True)
        axes.tick_params(left=True, labelleft=True, labelsize=FONT - 2)


def _short(column: str) -> str:
    return printable(column.removeprefix(PROBABILITY).removeprefix(PREDICTION))


def _steps(table: pd.DataFrame) -> np.ndarray:
    """Start, end, and a place for the gap after each segment (time,)."""
    starts, ends = table["start"].to_numpy("float64"), table["end"].to_numpy("float64")
    return np.stack([starts, ends, ends], axis=1).ravel()


def _stepped(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column at the times of `_steps`; NaN lifts the pen between two segments."""
    values = table[name].to_numpy("float64")
    return np.stack([values, values, np.full(len(values), np.nan)], axis=1).ravel()


def _blocks(table: pd.DataFrame) -> list[tuple[float, float, str]]:
    """Start, end and class; segments that touch and agree are one block."""
    blocks: list[tuple[float, float, str]] = []
    for row in table.to_dict("records"):
        name = row.get("prediction")
        if not isinstance(name, str):
            continue
        name = printable(name)
        if blocks and blocks[-1][2] == name and abs(row["start"] - blocks[-1][1]) < 1e-6:
            blocks[-1] = (blocks[-1][0], row["end"], name)
        else:
            blocks.append((row["start"], row["end"], name))
    return blocks


def _fitting(text: str, points: float, size: float) -> str:
    """As much of the text as fits into so many points, letters of ``size`` points wide on average.

    A cut name keeps three letters, or is left out.
    """
    most = int(points / (0.64 * size))
    if len(text) <= most:
        return text
    return text[: most - 1].rstrip() + "…" if most >= 4 else text[:3] if most == 3 else ""


def _readable_on(color: str) -> str:
    """Black or white, whichever stands out more (relative luminance of WCAG 2.2)."""
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # Contrast with black and with white are equal here.
    return "#ffffff" if luminance < 0.179 else BLACK
