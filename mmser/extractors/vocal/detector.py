"""Speech or another sound of the voice (laughter, breath, a shout)? A support vector machine on one
interval.

Source: Hsu, Su, Wu, Chen, "Speech emotion recognition considering nonverbal vocalization in
affective conversations", IEEE/ACM TASLP 29, 2021. Its features and kernel are not published: mean
and standard deviation of 13 MFCC, log energy, pitch, voicing and zero crossings, and a Gaussian
kernel, are this project's.

scikit-learn fits; deciding needs NumPy alone, and the file holds plain tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmser.cache.tensors import save_arrays
from mmser.core.errors import MmserError
from mmser.extractors.vocal.contours import Contours

TENSORS = ("mean", "deviation", "vectors", "weights", "bias", "gamma")


@dataclass(frozen=True, eq=False)
class VocalDetector:
    """``sum_i weight_i exp(-gamma |x - vector_i|^2) + bias`` on standardised features; above 0 is
    nonverbal.
    """

    mean: np.ndarray
    deviation: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    gamma: np.ndarray

    def is_nonverbal(self, features: np.ndarray) -> np.ndarray:
        """features (interval, feature) -> (interval,) bool."""
        return self.decide(features) > 0

    def decide(self, features: np.ndarray) -> np.ndarray:
        """features (interval, feature) -> (interval,) float32."""
        scaled = (features - self.mean) / self.deviation
        squares = np.square(scaled[:, None] - self.vectors[None]).sum(axis=2)
        return np.exp(-self.gamma * squares) @ self.weights + self.bias

    def save(self, path: str | Path) -> None:
        """Write safetensors."""
        arrays = {
            "mean": self.mean,
            "deviation": self.deviation,
            "vectors": self.vectors,
            "weights": self.weights,
            "bias": self.bias,
            "gamma": self.gamma,
        }
        save_arrays({name: np.asarray(array, np.float32) for name, array in arrays.items()}, path)

    @classmethod
    def load(cls, path: str | Path) -> VocalDetector:
        """Read what `save` wrote. Raises MmserError when there is none, or it holds
        other tensors.
        """
        from mmser.models.layers.checkpoints.tensors import check_fit, read_tensors

        if not Path(path).is_file():
            raise MmserError(
                "a detector of nonverbal sounds",
                f"no file {path}",
                "Make one with preprocess/train_vocal_detector.py.",
            )
        tensors = read_tensors(Path(path))
        remedy = "Make one with preprocess/train_vocal_detector.py."
        lacking = sorted({*TENSORS} - tensors.keys())
        further = sorted(tensors.keys() - {*TENSORS})
        check_fit("a detector of nonverbal sounds", path, remedy, lacking, further)
        return cls(*(tensors[name].numpy() for name in TENSORS))


def fit_detector(
    features: np.ndarray, nonverbal: Sequence[bool] | np.ndarray, cost: float = 1.0
) -> VocalDetector:
    """Fit on intervals, features (interval, feature), classes weighted inversely to their
    frequency.

    Raises MmserError unless both kinds occur.
    """
    from sklearn.svm import SVC

    flags = np.asarray(nonverbal, dtype=bool)
    if flags.all() or not flags.any():
        raise MmserError(
            "verbal and nonverbal intervals to learn from", "one kind alone", "Label both kinds."
        )
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    gamma = 1.0 / features.shape[1]
    machine = SVC(C=cost, kernel="rbf", gamma=gamma, class_weight="balanced").fit(
        (features - mean) / deviation, flags
    )
    parts = (
        mean,
        deviation,
        machine.support_vectors_,
        machine.dual_coef_[0],
        machine.intercept_,
        np.array([gamma]),
    )
    return VocalDetector(*(np.asarray(part, dtype=np.float32) for part in parts))


def interval_features(contours: Contours) -> np.ndarray:
    """(feature,) float32: mean and standard deviation of every contour over the interval."""
    rows = np.column_stack(
        [
            contours.cepstrum,
            contours.intensity,
            contours.pitch,
            contours.voicing,
            contours.crossings,
        ]
    )
    return np.concatenate([rows.mean(axis=0), rows.std(axis=0)]).astype(np.float32)
