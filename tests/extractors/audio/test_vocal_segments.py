"""Segments of synthetic turns; the detector on tones and bursts; contours of known sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from makers.clips import tone
from safetensors.numpy import save_file
from sklearn.svm import SVC

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.vocal_segments import BACKGROUND, NONVERBAL, VERBAL, VocalSegments
from mmser.extractors.vocal.contours import contours_of, stretches, without_short
from mmser.extractors.vocal.detector import VocalDetector, fit_detector, interval_features


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * 16_000), np.float32)


def burst(seconds: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * 16_000)).astype(np.float32)
    return 0.2 * noise * np.linspace(1, 0.1, len(noise), dtype=np.float32)


def voice(seconds: float, hertz: float) -> np.ndarray:
    return sum(tone(seconds, hertz * k, 0.3 / k) for k in (1, 2, 3))


def segments(*parts: np.ndarray, **options: object) -> np.ndarray:
    (features,) = VocalSegments(**options).extract([Clip("c", np.concatenate(parts))])  # type: ignore[arg-type]
    rows = features.values
    assert np.array_equal(features.spans, rows[:, :2])
    assert rows[0, 0] == 0 and rows[-1, 1] == np.float32(sum(map(len, parts)) / 16_000)
    assert np.array_equal(rows[1:, 0], rows[:-1, 1]) and (rows[:, 1] > rows[:, 0]).all(), (
        "they tile the turn"
    )
    return rows


def test_a_pause_is_cut_out() -> None:
    rows = segments(voice(1.0, 150), silence(0.5), voice(1.0, 150))
    assert rows[:, 2].tolist() == [VERBAL, BACKGROUND, VERBAL]
    assert rows[:, 1].tolist() == pytest.approx([1.0, 1.5, 2.5], abs=0.05)


@pytest.mark.parametrize("gap", [0.05, 0.2])
def test_a_short_gap_is_not(gap: float) -> None:
    assert segments(voice(1.0, 150), silence(gap), voice(1.0, 150), dip_db=100.0).shape == (1, 3)


def test_a_click_is_background_and_silence_one_segment() -> None:
    rows = segments(silence(0.5), voice(0.04, 150), silence(0.5), voice(1.0, 150))
    assert rows[:, 2].tolist() == [BACKGROUND, VERBAL]
    assert segments(silence(1.0))[:, 2].tolist() == [BACKGROUND]


def test_a_valley_of_intensity_ends_a_phrase() -> None:
    loud = voice(2.0, 150)
    loud *= 1 - 0.8 * np.exp(-np.square((np.arange(len(loud)) / 16_000 - 1.2) / 0.06)).astype(
        np.float32
    )
    rows = segments(loud)
    assert rows[:, 1].tolist() == pytest.approx([1.2, 2.0], abs=0.05)
    assert segments(loud, dip_db=30.0).shape == (1, 3)


def test_a_peak_of_pitch_ends_a_phrase() -> None:
    time = np.arange(32_000) / 16_000
    hertz = 120 + 80 * np.exp(-np.square((time - 0.9) / 0.2))
    glide = (0.4 * np.sin(2 * np.pi * np.cumsum(hertz) / 16_000)).astype(np.float32)
    assert segments(glide)[:, 1].tolist() == pytest.approx([0.9, 2.0], abs=0.05)


def intervals(seeds: range) -> tuple[np.ndarray, np.ndarray]:
    sounds = [(voice(0.3 + 0.02 * (s % 9), 110 + 9 * (s % 17)), False) for s in seeds]
    sounds += [(burst(0.2 + 0.03 * (s % 7), s), True) for s in seeds]
    return np.stack([interval_features(contours_of(sound)) for sound, _ in sounds]), np.array(
        [n for _, n in sounds]
    )


def test_the_detector_tells_voice_from_bursts_and_comes_back_from_its_file(tmp_path: Path) -> None:
    features, nonverbal = intervals(range(20))
    detector = fit_detector(features, nonverbal)
    held_out, truth = intervals(range(100, 120))
    assert (detector.is_nonverbal(held_out) == truth).mean() > 0.95
    scaled = (features - detector.mean) / detector.deviation
    machine = SVC(gamma=1 / features.shape[1], class_weight="balanced").fit(scaled, nonverbal)
    expected = machine.decision_function((held_out - detector.mean) / detector.deviation)
    np.testing.assert_allclose(detector.decide(held_out), expected, atol=1e-4)
    detector.save(tmp_path / "d.safetensors")
    np.testing.assert_allclose(
        VocalDetector.load(tmp_path / "d.safetensors").decide(held_out), expected, atol=1e-4
    )
    rows = segments(
        voice(0.6, 150), silence(0.4), burst(0.4, 3), detector=str(tmp_path / "d.safetensors")
    )
    assert rows[:, 2].tolist() == [VERBAL, BACKGROUND, NONVERBAL]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        MmserError, match="verbal and nonverbal intervals to learn from; found one kind alone"
    ):
        fit_detector(np.zeros((3, 2)), [True, True, True])
    save_file({"mean": np.zeros(2, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(
        MmserError,
        match=r"a detector of nonverbal sounds in .*; found no bias, deviation and 3 more",
    ):
        VocalDetector.load(tmp_path / "other.safetensors")
    with pytest.raises(MmserError, match="a detector of nonverbal sounds; found no file"):
        VocalSegments(detector=str(tmp_path / "none")).extract([Clip("c", voice(0.5, 150))])


def test_contours_of_a_tone() -> None:
    contours = contours_of(tone(0.5, 200, 0.5))
    middle = contours.cut(10, 40)
    assert np.allclose(middle.pitch, 200, atol=2) and (middle.voicing > 0.95).all()
    assert np.allclose(middle.intensity, 10 * np.log10(0.125), atol=0.1)
    assert np.allclose(middle.crossings, 400 / 16_000, atol=0.002)
    assert (contours_of(burst(0.5, 0)).cut(5, 30).voicing < 0.5).mean() > 0.9


def test_stretches() -> None:
    flags = np.array([0, 0, 1, 0, 1, 1], bool)
    assert stretches(flags) == [(0, 2, False), (2, 3, True), (3, 4, False), (4, 6, True)]
    assert without_short(flags, False, 2).tolist() == [False, False, True, True, True, True]
