"""Plots as pictures inside the page.

Each is one panel, so that panels stack on a narrow screen and stay readable.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from mmser.core.addresses import data_address
from mmser.core.printable import printable
from mmser.reports.page import Html

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
"""With the colours, so that print in grey can be read too."""

NO_XML = rb"[\x00-\x08\x0b\x0c\x0e-\x1f]"
"""Bytes that no XML may hold.

Names of classes and speakers may hold them, and stand in the comments of a picture.
"""

Spot = tuple[float, float, str]
"""A place of a plot in the data's units, and what is read where a pointer rests on it."""

_STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    # Names of classes and speakers are anyone's text; a dollar sign is no formula.
    "text.parse_math": False,
    "svg.hashsalt": "mmser",
}


def draw(
    paint: Callable[[Axes], Sequence[Spot] | None],
    alt: str,
    width: float = 4.6,
    height: float = 3.2,
    raster: bool = False,
) -> Html:
    """One panel painted by ``paint``, as an <img> with the picture inside.

    ``paint`` may return what to show at which points. ``raster`` is for plots of many points.
    Sizes are inches at 96 pixels; ``alt`` says in words what is seen. The same data give the same
    bytes.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        spots = paint(axes) or ()
        buffer = io.BytesIO()
        if raster:
            options: Any = {"format": "png", "dpi": 150, "metadata": {"Software": None}}
        else:
            options = {"format": "svg", "metadata": {"Date": None, "Creator": None}}
        # On whatever the page lies on; the style sheet turns the ink light on a dark one.
        figure.savefig(buffer, transparent=True, **options)
        # The layout is that of the picture only after it is drawn.
        marks = "".join(_spot(figure, axes, spot) for spot in spots)
    kind = "image/png" if raster else "image/svg+xml"
    picture = buffer.getvalue() if raster else re.sub(NO_XML, b"", buffer.getvalue())
    return Html(
        f'<figure><img width="{width * 96:.0f}" height="{height * 96:.0f}" alt="{escape(alt)}" '
        f'src="{data_address(picture, kind)}">{marks}</figure>'
    )


def _spot(figure: Figure, axes: Axes, spot: Spot) -> str:
    """An invisible mark over the picture, placed in shares of it, so that it follows its size."""
    x, y, text = spot
    pixels = axes.transData.transform((x, y))
    across, up = figure.transFigure.inverted().transform(pixels)
    words = escape(printable(text))
    return f'<i style="left:{100 * across:.1f}%;top:{100 * (1 - up):.1f}%" title="{words}"></i>'


def row(pictures: list[Html]) -> Html:
    """Pictures beside each other where there is room."""
    return Html(f'<div class="figures">{"".join(pictures)}</div>')
