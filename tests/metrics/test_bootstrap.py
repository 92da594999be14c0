"""Coverage on simulated speakers, agreement with SciPy where clusters are single utterances,
hand-worked cases.
"""

import numpy as np
import pytest
from scipy import stats

from mmser.metrics import bootstrap
from mmser.metrics.bootstrap import bootstrap_interval, cluster_sums, resampled_sums
from mmser.metrics.classification import grouped_confusion, ua, wa


def mean_of(sums):
    return sums[..., 1] / sums[..., 0]


def entries(values):
    return np.stack([np.ones_like(values), values], -1)


def test_cluster_sums():
    sums = cluster_sums(entries(np.array([1.0, 2.0, 4.0])), np.array([1, 0, 1]), 3)
    assert sums.tolist() == [[1, 2], [2, 5], [0, 0]]


def test_single_utterance_clusters_agree_with_scipy():
    values = np.random.default_rng(0).normal(size=60)
    ours = bootstrap_interval(mean_of, entries(values), draws=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_speakers_who_differ_widen_the_interval_and_it_covers_the_truth():
    """Thirty speakers of 40 utterances with their own accuracies around 0.6: nominal 95 % must come
    near.
    """
    rng = np.random.default_rng(5)
    covered, widths, naive = 0, [], []
    for _ in range(100):
        accuracy = rng.normal(0.6, 0.12, 30).clip(0, 1)
        right = rng.random((30, 40)) < accuracy[:, None]
        sums = np.stack([np.full(30, 40.0), right.sum(1)], -1)
        low, high = bootstrap_interval(mean_of, sums, draws=400)
        covered += low <= 0.6 <= high
        widths.append(high - low)
        naive.append(2 * 1.96 * np.sqrt(0.24 / 1200))
    assert covered >= 86
    assert np.mean(widths) > 1.4 * np.mean(naive)


def test_the_draws_are_seeded_and_chunks_do_not_change_them(monkeypatch):
    sums = entries(np.arange(20.0))
    whole = resampled_sums(sums, 300, seed=4)
    monkeypatch.setattr(bootstrap, "_CHUNK", 100)
    assert (resampled_sums(sums, 300, seed=4) == whole).all()
    assert (resampled_sums(sums, 300, seed=5) != whole).any()


def test_a_single_speaker_has_no_interval():
    assert np.isnan(bootstrap_interval(mean_of, entries(np.ones(1)))).all()


def test_a_resample_without_a_class_stays_finite():
    counts = grouped_confusion(np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0, 1, 2]), 2, 3)
    assert bootstrap_interval(ua, counts) == (1.0, 1.0)


def test_a_paired_difference_of_a_run_with_itself_is_zero():
    rng = np.random.default_rng(0)
    counts = grouped_confusion(
        rng.integers(3, size=90), rng.integers(3, size=90), rng.integers(6, size=90), 3, 6
    )
    pair = np.stack([counts, counts], 1)
    assert bootstrap_interval(lambda s: wa(s[:, 0]) - wa(s[:, 1]), pair) == (0.0, 0.0)
