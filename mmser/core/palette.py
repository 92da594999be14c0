"""Colours that are told apart with every common colour blindness."""

from __future__ import annotations

OKABE_ITO = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
    "#8C8C00",
    "#7F7F7F",
)
"""Okabe and Ito's colours, and two more for tasks with more classes."""
