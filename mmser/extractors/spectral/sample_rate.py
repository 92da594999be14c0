"""The version of an extractor of sound at the rate that it reads."""

from __future__ import annotations

from mmser.core.clip import SAMPLE_RATE


def version_at(sample_rate: int) -> int:
    """The ``version`` of an extractor of sound: 2 at another rate than `SAMPLE_RATE`.

    Version 1 made those rates from sound at `SAMPLE_RATE`, by a filter that let images through.
    """
    return 1 if sample_rate == SAMPLE_RATE else 2
