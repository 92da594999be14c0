"""What a model attends to over the waveform it hears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.palette import OKABE_ITO
from mmser.reports.figures import draw
from mmser.reports.page import Html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 160
"""Columns of the envelope."""

MOST_CURVES = 3

Curve = tuple[str, np.ndarray, np.ndarray]
"""A name, seconds (key,) and weights (key,)."""


def sound_curve(waveform: np.ndarray | None, curves: Sequence[Curve]) -> Html:
    """The envelope of (sample,) at 16 kHz in grey, and each curve over it, 1 for even attention."""
    names = ", ".join(name for name, _, _ in curves[:MOST_CURVES])

    def paint(axes: Axes) -> None:
        if waveform is not None and waveform.size:
            loudest = envelope(waveform)
            times = (np.arange(len(loudest)) + 0.5) * waveform.size / SAMPLE_RATE / len(loudest)
            sound = axes.twinx()
            sound.fill_between(times, -loudest, loudest, color="#999999", alpha=0.6, lw=0)
            sound.set_ylim(-max(loudest.max(), 1e-4), max(loudest.max(), 1e-4))
            sound.set_axis_off()
            # The curves lie over the sound.
            axes.set_zorder(sound.get_zorder() + 1)
            axes.patch.set_visible(False)
        for number, (name, seconds, weights) in enumerate(curves[:MOST_CURVES]):
            even = weights * len(weights)
            color = OKABE_ITO[(3, 0, 2)[number]]
            axes.plot(
                seconds, even, color=color, lw=1.4, label=name, ls="-" if number < 1 else "--"
            )
        axes.axhline(1, color="#333333", lw=0.7, ls=":")
        axes.set(xlabel="seconds", ylim=(0, None))
        axes.grid(visible=False)
        axes.locator_params(axis="y", nbins=3)
        if len(curves) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1)

    height = 1.25 + 0.16 * min(len(curves), MOST_CURVES) * (len(curves) > 1)
    return draw(paint, f"Attention over time: {names}.", 3.2, height, raster=True)


def envelope(waveform: np.ndarray) -> np.ndarray:
    """(sample,) -> the largest magnitude in each of at most `BINS` equal parts."""
    length = max(1, -(-waveform.size // BINS))
    padded = np.zeros(-(-waveform.size // length) * length, np.float32)
    padded[: waveform.size] = np.abs(np.nan_to_num(waveform))
    loudest: np.ndarray = padded.reshape(-1, length).max(axis=1)
    return loudest
