"""A clip's sound by its sample rate."""

from __future__ import annotations

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip


def test_the_sound_is_had_at_the_rates_that_were_asked_for_alone() -> None:
    clip = Clip("a", waveform=np.zeros(2), waveforms={8000: np.ones(1)})
    assert clip.sound() is clip.waveform and clip.sound(SAMPLE_RATE) is clip.waveform
    assert clip.sound(8000) is clip.waveforms[8000]
    assert clip.sound(44_100) is None
    assert Clip("b").sound() is None
