"""When a waveform counts as silent."""

from __future__ import annotations

import numpy as np

SILENCE_PEAK = 1e-3
"""A waveform that never exceeds this amplitude (-60 dB of full scale) is silence."""


def is_silent(waveform: np.ndarray) -> bool:
    """Whether nothing can be heard in ``waveform`` (sample,), which may be empty."""
    return waveform.size == 0 or float(np.abs(waveform).max()) < SILENCE_PEAK
