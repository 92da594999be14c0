"""Plots as pictures inside the page.

Each is one panel, so that panels stack on a narrow screen and stay readable.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from mmser.reports.page import Html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
"""With the colours, so that print in grey can be read too."""

NO_XML = rb"[\x00-\x08\x0b\x0c\x0e-\x1f]"
"""Bytes that no XML may hold.

Names of classes and speakers may hold them, and stand in the comments of a picture.
"""

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
    paint: Callable[[Axes], None],
    alt: str,
    width: float = 4.6,
    height: float = 3.2,
    raster: bool = False,
) -> Html:
    """One panel painted by ``paint``, as an <img> with the picture inside.

    ``raster`` is for plots of many points. Sizes are inches at 96 pixels; ``alt`` says in words
    what is seen. The same data give the same bytes.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure.add_subplot())
        buffer = io.BytesIO()
        if raster:
            figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
        else:
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    kind = "png" if raster else "svg+xml"
    picture = buffer.getvalue() if raster else re.sub(NO_XML, b"", buffer.getvalue())
    data = base64.b64encode(picture).decode("ascii")
    return Html(
        f'<figure><img width="{width * 96:.0f}" height="{height * 96:.0f}" alt="{escape(alt)}" '
        f'src="data:image/{kind};base64,{data}"></figure>'
    )


def row(pictures: list[Html]) -> Html:
    """Pictures beside each other where there is room."""
    return Html(f'<div class="figures">{"".join(pictures)}</div>')
