"""C is chosen on speakers that were held out of the training split, never on others' rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from mmser.core.errors import MmserError
from mmser.training.solvers.inner_folds import chosen_strength


def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One feature tells the class, many tell the speaker, whose label is nearly constant."""
    generator = np.random.default_rng(0)
    speakers = np.repeat(np.arange(8), 20)
    labels = np.where(generator.random(160) < 0.8, speakers % 2, 1 - speakers % 2)
    signature = np.repeat(generator.normal(size=(8, 20)), 20, axis=0)
    class_feature = (2 * labels - 1 + generator.normal(0, 0.5, 160))[:, None]
    return np.concatenate([class_feature, 3 * signature], axis=1), labels, speakers


def test_the_best_on_held_out_speakers_is_taken() -> None:
    from sklearn.model_selection import GroupKFold, cross_val_score

    vectors, labels, speakers = rows()
    options = [1e-5, 1e-3, 1.0]
    scores = [
        cross_val_score(
            SVC(kernel="linear", C=option),
            vectors,
            labels,
            groups=speakers,
            cv=GroupKFold(5),
            scoring="balanced_accuracy",
        ).mean()
        for option in options
    ]
    assert len(set(scores)) > 1
    found = chosen_strength(SVC(kernel="linear"), options, vectors, labels, speakers)
    assert found == options[int(np.argmax(scores))]


def test_one_value_is_taken_as_it_is() -> None:
    vectors, labels, speakers = rows()
    assert chosen_strength(SVC(), 0.3, vectors, labels, speakers) == 0.3


def test_one_speaker_alone_cannot_choose() -> None:
    vectors, labels, speakers = rows()
    with pytest.raises(MmserError, match="two speakers or more"):
        chosen_strength(SVC(), [0.1, 1.0], vectors, labels, np.zeros_like(speakers))
