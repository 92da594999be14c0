"""What plots are drawn from: guessing, reliability, the ends of a map; and the values that hover."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.metrics.calibration import ece
from mmser.reports.figures import draw
from mmser.reports.projections import neighbours
from mmser.reports.reported_run import ReportedFold, ReportedRun, read_run
from mmser.reports.sections.breakdown import breakdown, guessing
from mmser.reports.sections.calibration import calibration, reliability
from mmser.reports.sections.curves import curves
from mmser.reports.sections.embeddings import bounds, embeddings


@pytest.fixture
def run(tmp_path: Path) -> ReportedRun:
    """Three classes and two speakers; probabilities of 0.45 or 0.95, half of them right."""
    rows = []
    for number in range(60):
        target = "abc"[number % 3]
        told = target if number % 2 else "abc"[(number + 1) % 3]
        sure = 0.95 if number % 4 < 2 else 0.45
        row = {"id": f"u{number}", "corpus": "x", "speaker": f"s{number % 2}", "fold": "0"}
        row |= {"seed": 0, "target": target, "prediction": told}
        rows.append(
            row | {f"probability_{c}": sure if c == told else (1 - sure) / 2 for c in "abc"}
        )
    pd.DataFrame(rows).to_parquet(tmp_path / "predictions.parquet")
    return read_run(tmp_path)


def test_guessing_is_one_over_the_classes_and_the_commonest_share() -> None:
    rows = pd.DataFrame({"target": ["a"] * 6 + ["b"] * 2})
    assert guessing(rows) == {"chance": 50.0, "majority": 75.0}


def test_reliability_counts_every_answer_once(run: ReportedRun) -> None:
    bins = reliability(run)
    assert bins is not None and bins.shape == (10, 3)
    assert list(np.flatnonzero(bins[:, 0])) == [4, 9] and bins[[4, 9], 0].tolist() == [30, 30]
    assert bins[4].tolist() == pytest.approx([30, 30 * 0.45, 15])
    text = calibration([run])
    probabilities = run.predictions[[f"probability_{c}" for c in "abc"]].to_numpy()
    targets = run.predictions["target"].map("abc".index).to_numpy()
    assert f"ECE {ece(probabilities, targets):.3f}" in text
    assert 'title="30 answers: 50% right, 95% sure"' in text


def test_bars_and_dots_say_their_values(run: ReportedRun) -> None:
    titles = re.findall(r'<i [^>]*title="([^"]*)"', breakdown([run]))
    assert "a: recall 50.0" in titles
    right = run.predictions["target"] == run.predictions["prediction"]
    mine = right[run.predictions["speaker"] == "s1"].mean()
    assert f"s1: WA {100 * mine:.1f}" in titles


def test_a_count_of_steps_is_no_curve(run: ReportedRun) -> None:
    """Runs of earlier versions have it among their scores, where no score chose the weights."""
    curve = pd.DataFrame({"epoch": [1, 2], "validation_ua": [0.25, 0.5], "validation_wa": 0.5})
    drawn = []
    for table in (curve, curve.assign(validation_last=[40.0, 80.0]), curve.iloc[:, :2]):
        run.folds = [ReportedFold("s0 seed 0", {}, table)]
        drawn.append(curves([run]))
    assert "Validation score by epoch" in drawn[0]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_spot_lies_where_its_point_is_drawn() -> None:
    def paint(axes):
        axes.set_position([0.25, 0.5, 0.5, 0.25])
        axes.set(xlim=(0, 1), ylim=(0, 1))
        return [(0.5, 1.0, "<top>")]

    assert 'style="left:50.0%;top:25.0%" title="&lt;top&gt;"' in draw(paint, "a spot")


def test_one_far_point_leaves_the_axes_to_the_others(run: ReportedRun) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=400)
    low, high = bounds(np.append(points, 1e6))
    assert -4 < low < -1.5 and 1.5 < high < 4
    assert bounds(np.zeros(5)) == (-0.5, 0.5)
    vectors = rng.normal(size=(60, 4)).astype(np.float32)
    vectors[0] = 1e4
    table = run.predictions
    run.embeddings = {("0", 0): (table, vectors)}
    text = embeddings([run])
    assert text.count("<img") == 2 and "by speaker" in text
    assert re.search(r"by class\. \d outliers lie on the border\.", text)
    assert f'title="{table["id"].iloc[0]}: ' in text
    run.embeddings = {("0", 0): (table.assign(speaker="one"), vectors)}
    assert embeddings([run]).count("<img") == 1
    corpora = table.assign(speaker="one", corpus=["a", "b"] * (len(table) // 2))
    run.embeddings = {("0", 0): (corpora, vectors)}
    assert "fold 0, seed 0, by corpus" in embeddings([run])


def test_umap_is_given_the_vectors_and_named(monkeypatch) -> None:
    asked = {}

    class Umap:
        def __init__(self, **options):
            asked.update(options)

        def fit_transform(self, vectors):
            return vectors[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap, __spec__="here"))
    vectors = np.random.default_rng(0).normal(size=(8, 5))
    points, names = neighbours(vectors)
    assert np.allclose(points, vectors[:, :2], atol=1e-6) and names == ("UMAP 1", "UMAP 2")
    assert asked["n_neighbors"] == 7 and asked["random_state"] == 0
    # Of too few the components.
    assert neighbours(vectors[:4])[1][0].startswith("component 1")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MmserError, match="mmser\\[umap\\]"):
        neighbours(vectors)
