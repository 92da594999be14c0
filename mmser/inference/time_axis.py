"""An axis of time in minutes and seconds."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
"""Seconds between two marks of the axis."""


def draw_time_axis(axes: Axes, end: float, width: float, note: str) -> None:
    """Mark 0 to ``end`` seconds under a picture ``width`` inches wide, and say what is drawn."""
    most = width * 1.3
    step = next((one for one in TICKS if end / one <= most), ceil(end / most / 3600) * 3600)
    ticks = np.arange(0, end + 1e-9, step)
    axes.set_xticks(ticks, [minutes(tick) for tick in ticks])
    axes.tick_params(bottom=True, labelbottom=True)
    axes.spines["bottom"].set_visible(True)
    unit = "hours:minutes:seconds" if end >= 3600 else "minutes:seconds"
    axes.set_xlabel(unit + note, size="small")


def minutes(seconds: float) -> str:
    """1:05, 0:02.5, 1:00:00."""
    tenths = round(10 * seconds)
    whole, tenth = divmod(tenths, 10)
    part = f".{tenth}" if tenth else ""
    hours, rest = divmod(whole, 3600)
    head = f"{hours}:{rest // 60:02d}" if hours else f"{rest // 60}"
    return f"{head}:{rest % 60:02d}{part}"
