"""Against scikit-learn and hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mmser.core.errors import MmserError
from mmser.metrics.classification import (
    CLASSIFICATION,
    confusion,
    grouped_confusion,
    macro_f1,
    macro_precision,
    mcc,
    per_class,
    ua,
    wa,
    weighted_precision,
    wf1,
)

CLASSES = ("ang", "hap", "neu", "sad")
labels = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=60
)


def test_the_amh_case_tells_accuracy_from_precision():
    counts = confusion([0, 0, 0, 1], [0, 0, 1, 1], (0, 1))
    assert wa(counts) == 0.75
    assert ua(counts) == pytest.approx((2 / 3 + 1) / 2)
    assert weighted_precision(counts) == 0.875
    assert macro_precision(counts) == 0.75


def test_always_the_larger_class_is_right_in_three_of_four_but_in_one_class_of_two():
    """ACC 0.75 and BAL 0.50 in the names of the attention comparison."""
    counts = confusion([0, 0, 0, 1], [0, 0, 0, 0], (0, 1))
    assert (wa(counts), ua(counts)) == (0.75, 0.5)


@settings(deadline=None)
@given(labels)
def test_agrees_with_scikit_learn(pairs):
    target, prediction = zip(*pairs, strict=True)
    counts = confusion(target, prediction, CLASSES)
    present = sorted(set(target))
    averages = {"labels": present, "zero_division": 0}
    assert (counts == sk.confusion_matrix(target, prediction, labels=CLASSES)).all()
    assert wa(counts) == pytest.approx(sk.accuracy_score(target, prediction))
    assert ua(counts) == pytest.approx(
        sk.recall_score(target, prediction, average="macro", **averages)
    )
    assert wf1(counts) == pytest.approx(
        sk.f1_score(target, prediction, average="weighted", **averages)
    )
    assert macro_f1(counts) == pytest.approx(
        sk.f1_score(target, prediction, average="macro", **averages)
    )
    precision = sk.precision_score
    assert weighted_precision(counts) == pytest.approx(
        precision(target, prediction, average="weighted", **averages)
    )
    assert macro_precision(counts) == pytest.approx(
        precision(target, prediction, average="macro", **averages)
    )
    if len(present) > 1:
        assert mcc(counts) == pytest.approx(sk.matthews_corrcoef(target, prediction))


def test_a_constant_prediction_has_no_correlation_and_one_class_alone_none_that_is_defined():
    assert mcc(np.array([[3, 0], [5, 0]])) == 0.0
    assert np.isnan(mcc(np.array([[3, 2], [0, 0]])))
    assert mcc(np.array([[3, 0], [0, 5]])) == pytest.approx(1.0)


def test_ua_leaves_out_the_class_speaker_08_never_acted():
    """Two classes at 100 % and 50 %; disgust has no target but is predicted once: mean of two
    recalls, not three.
    """
    target = ["ang", "ang", "hap", "hap"]
    prediction = ["ang", "ang", "hap", "dis"]
    counts = confusion(target, prediction, ("ang", "dis", "hap"))
    assert ua(counts) == 0.75
    table = per_class(counts, ("ang", "dis", "hap")).set_index("class")
    assert np.isnan(table.loc["dis", "recall"])
    assert table.loc["dis", "predicted"] == 1
    assert table.loc["hap", "recall"] == 0.5


def test_a_class_never_predicted_has_no_precision_in_the_table_but_counts_zero_in_the_mean():
    counts = confusion(["a", "a", "b"], ["a", "a", "a"], ("a", "b"))
    assert np.isnan(per_class(counts, ("a", "b"))["precision"][1])
    assert macro_precision(counts) == pytest.approx((2 / 3) / 2)


def test_leading_axes_score_many_tables_at_once():
    rng = np.random.default_rng(0)
    target, prediction, group = (
        rng.integers(4, size=200),
        rng.integers(4, size=200),
        rng.integers(5, size=200),
    )
    stacked = grouped_confusion(target, prediction, group, 4, 5)
    for metric in (row.function for row in CLASSIFICATION):
        alone = [
            float(metric(confusion(target[group == g], prediction[group == g], range(4))))
            for g in range(5)
        ]
        assert metric(stacked) == pytest.approx(alone)


def test_nothing_to_score_is_nan():
    assert all(np.isnan(row.function(np.zeros((3, 3)))) for row in CLASSIFICATION)


def test_unknown_labels_and_unequal_lengths_are_errors():
    with pytest.raises(MmserError, match="a target among ang, hap; found Angry"):
        confusion(["Angry"], ["ang"], ("ang", "hap"))
    with pytest.raises(MmserError, match="2 targets, 1 predictions"):
        confusion(["ang", "ang"], ["ang"], ("ang", "hap"))
