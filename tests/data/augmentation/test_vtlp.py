"""The warp of frequencies: its map, and what it does to spectra."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.augmentation.vtlp import VTLP, nlpaug_frequency, warp_frequency, warped
from mmser.data.sample import Sample, Track
from mmser.extractors.spectral.mel import hertz_to_mel, mel_to_hertz

HERTZ = np.linspace(0, 8000, 801)
WARPS = {"published": warp_frequency, "nlpaug": nlpaug_frequency}


class Nobody:
    ids: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.0, 1.1, 1.2])
def test_the_map_is_monotone_continuous_and_keeps_its_ends(factor):
    moved = warp_frequency(HERTZ, factor, 4800.0, 8000.0)
    assert moved[0] == 0 and moved[-1] == pytest.approx(8000)
    assert np.diff(moved).min() > 0 and np.diff(moved).max() < 30
    assert warp_frequency(np.array([1000.0]), factor, 4800.0, 8000.0)[0] == pytest.approx(
        1000 * factor
    )


@pytest.mark.parametrize("form", ["published", "nlpaug"])
def test_factor_one_is_the_identity(form):
    values = np.random.default_rng(0).normal(size=(7, 128)).astype(np.float32)
    centres = VTLP().centres(128)
    assert (
        np.abs(warped(values, centres, WARPS[form](centres, 1.0, 4800.0, 8000.0)) - values).max()
        < 1e-4
    )


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_tone_moves_to_where_the_map_says(factor):
    values = np.zeros((3, 801), np.float32)
    values[:, 100] = 1.0  # 1 kHz
    centres = VTLP(scale="linear").centres(801)
    after = warped(values, centres, warp_frequency(centres, factor, 4800.0, 8000.0))
    assert after.shape == values.shape and after.dtype == np.float32
    assert after.argmax(axis=1).tolist() == [round(100 * factor)] * 3


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.2])
def test_nlpaug_moves_bins_as_its_code_does(factor):
    """The places of the 801 bins of its spectrum, worked out bin by bin as there."""
    scale, places = 4800.0 * min(factor, 1.0), []
    for share in np.linspace(0, 1, 801):
        hertz = share * 16_000
        bent = 8000 - (8000 - scale) / (8000 - scale / factor) * (8000 - hertz)
        places.append(hertz * factor if hertz <= scale / factor else bent)
    expected = np.array(places) * 800 / max(places)
    assert nlpaug_frequency(HERTZ, factor, 4800.0, 8000.0) / 10 == pytest.approx(expected)


def test_the_form_is_chosen():
    sample = Sample(
        "u",
        {"audio": Track(np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32), 40.0)},
        {},
    )
    after = [
        VTLP(probability=1.0, form=f)(sample, np.random.default_rng(1), 0, Nobody()) for f in WARPS
    ]
    assert not np.allclose(*(one.streams["audio"].values for one in after))
    with pytest.raises(MmserError, match="form published or nlpaug; found 'other'"):
        VTLP(form="other")


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_band_centres_are_the_extractors(scale):
    low, high = hertz_to_mel(np.array([50.0, 8000.0]), scale)
    expected = mel_to_hertz(np.linspace(low, high, 66)[1:-1], scale)
    assert VTLP(scale=scale, low_hz=50.0).centres(64) == pytest.approx(expected, rel=1e-3)


def test_one_in_eight_stays():
    sample = Sample(
        "u",
        {"audio": Track(np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32), 40.0)},
        {},
    )
    changes = [
        VTLP()(sample, np.random.default_rng(seed), 0, Nobody()) is not sample
        for seed in range(400)
    ]
    assert np.mean(changes) == pytest.approx(0.875, abs=0.06)


def test_waveforms_and_unknown_scales_are_errors():
    sample = Sample("u", {"audio": Track(np.zeros(50, np.float32), 16000.0)}, {})
    with pytest.raises(MmserError, match="spectra in stream 'audio'; found steps of shape"):
        VTLP(probability=1.0)(sample, np.random.default_rng(0), 0, Nobody())
    with pytest.raises(MmserError, match="scale linear, htk or slaney; found 'bark'"):
        VTLP(scale="bark")
