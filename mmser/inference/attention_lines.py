"""Attention over time as lines over the sound of a timeline's picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mmser.core.printable import printable
from mmser.inference.attended import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ("-", "--", ":")


def attention_name(stream: str) -> str:
    """What the legend says of a stream that is attended to."""
    return f"attention: {printable(stream)}"


def draw_attention(
    sound: Axes, attention: Mapping[str, Sequence[Curve]], colors: Sequence[str]
) -> None:
    """A line per stream: how many times an even share each moment has; broken between segments."""
    axes = sound.twinx()
    # A second axis brings the marks of the first one back.
    sound.tick_params(left=False, labelleft=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(right=False, labelright=False)
    for number, (stream, curves) in enumerate(attention.items()):
        look = STYLES[number % len(STYLES)], colors[number % len(colors)]
        for place, curve in enumerate(curves):
            name = None if place else attention_name(stream)
            axes.plot(curve.seconds, curve.weights, look[0], color=look[1], lw=1.3, label=name)
    axes.set_ylim(0, None)
