"""One table of metrics: complete, and asked by every room."""

import ast
from pathlib import Path

import numpy as np
import pytest

from mmser.catalogue.lists import catalogue
from mmser.cli import main
from mmser.core.target_sets.classes import ClassTargets
from mmser.core.target_sets.values import ValueTargets
from mmser.core.task import KINDS
from mmser.metrics.families import answer_scores
from mmser.metrics.regression import ccc
from mmser.metrics.table import (
    METRICS,
    MONITORS,
    better,
    in_order,
    is_headline,
    leading,
    meaning,
    metric_of,
    notes,
    published_metric,
    shown,
    title,
)

ROOMS = Path(__file__).resolve().parents[2] / "mmser"
TWO_OF_THEM = ("listeners", "breakdown")
"""Tables whose subject is WA beside UA, of each listener and of each speaker."""


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_every_metric_says_what_it_is(metric):
    assert metric.title and metric.meaning and not metric.meaning.endswith(".")
    assert metric.unit in ("percent", "score", "target")
    assert metric.better in ("min", "max")
    assert metric.sums.kind in {kind.kind for kind in KINDS}


def test_names_are_unique_and_none_begins_as_another_goes_on():
    """ "ccc_valence" must be of one metric alone, whatever the value is called."""
    kinds = {name: metric.sums.kind for name, metric in METRICS.items()}
    per_value = [name for name, kind in kinds.items() if kind == "values"]
    assert not [(a, b) for a in per_value for b in METRICS if b.startswith(a + "_")]


def test_main_metrics_are_in_the_table_and_of_their_kind():
    for kind in KINDS:
        metric = METRICS[kind.main_metric]
        assert metric.sums.kind == kind.kind
        assert metric.headline and metric.name in MONITORS


def metrics_named_in(node: ast.AST) -> set[str]:
    """Metrics in a literal tuple, list, set or the keys of a literal dictionary."""
    if isinstance(node, ast.Dict):
        words = node.keys
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        words = node.elts
    else:
        return set()
    return set(METRICS) & {word.value for word in words if isinstance(word, ast.Constant)}


def test_no_room_keeps_a_list_of_metrics_of_its_own():
    """It would forget the metric that is added next."""
    lists = []
    for path in sorted(ROOMS.rglob("*.py")):
        place = path.relative_to(ROOMS).as_posix()
        if place.startswith("metrics/") or path.stem in TWO_OF_THEM:
            continue
        nodes = ast.walk(ast.parse(path.read_text()))
        lists += [place for node in nodes if len(metrics_named_in(node)) > 1]
    assert lists == []


def test_a_metric_of_a_value_is_the_metric():
    assert metric_of("ccc_valence") is METRICS["ccc"]
    assert metric_of("rmse_self_report") is METRICS["rmse"]
    assert title("ccc_valence") == "CCC valence"
    assert meaning("ccc_valence") == METRICS["ccc"].meaning
    assert is_headline("ccc_valence") and not is_headline("pearson_valence")


def test_a_name_of_another_version_is_printed_as_it_is():
    assert metric_of("kappa") is None
    assert (title("kappa"), shown("kappa", 0.25)) == ("kappa", "0.250")
    assert "not a metric of this version" in meaning("kappa")
    assert in_order(["kappa", "wa"]) == ["wa", "kappa"]


def test_shares_are_printed_in_percent_and_what_is_undefined_as_a_dash():
    assert (shown("wa", 0.5), shown("ccc_valence", 0.5)) == ("50.0", "0.500")
    assert shown("wa", np.nan) == "\N{EN DASH}"


def test_overviews_begin_with_the_main_metric():
    names = ["ccc_valence", "brier", "wa", "wf1", "ua", "ccc_arousal"]
    assert in_order(names) == ["ua", "wa", "wf1", "brier", "ccc_valence", "ccc_arousal"]
    assert leading(names) == ["ua", "wa", "wf1", "brier"]
    assert leading(["rmse_valence", "ccc_valence"]) == ["ccc_valence", "rmse_valence"]


def test_which_way_is_better():
    assert (better("loss"), better("ua"), better("ccc")) == ("min", "max", "max")
    assert (better("rmse"), better("ece"), better("last")) == ("min", "min", "max")
    assert better("rmse_valence") == "min"


def test_published_names():
    assert published_metric("UAR") is METRICS["ua"]
    assert published_metric("F1 weighted") is METRICS["wf1"]
    assert published_metric("macro F1") is METRICS["macro_f1"]
    assert published_metric("segment accuracy, 7 classes") is None


def test_both_meanings_of_weighted_are_noted_once():
    assert len(notes(["wa", "ua", "wa"])) == 1
    assert "(1) overall accuracy" in notes(["wa"])[0]
    assert notes(["ua", "ccc_valence"]) == []


def test_validation_scores_are_those_of_the_table_and_means_over_values():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(40, 2))
    answer = target + rng.normal(size=(40, 2))
    target[3:, 1] = np.nan
    scores = answer_scores(ValueTargets(("valence", "arousal")), target, answer)
    assert scores["ccc_valence"] == pytest.approx(ccc(target[:, 0], answer[:, 0]))
    assert scores["ccc"] == pytest.approx((scores["ccc_valence"] + scores["ccc_arousal"]) / 2)
    assert {name.split("_")[0] for name in scores} == {"ccc", "pearson", "rmse"}


def test_a_value_with_one_label_has_no_score_and_neither_have_classes_without():
    values = ValueTargets(("valence", "arousal"))
    target = np.array([[1.0, 2.0], [2.0, np.nan], [np.nan, np.nan]])
    scores = answer_scores(values, target, np.zeros((3, 2)))
    assert "ccc_arousal" not in scores and scores["ccc"] == scores["ccc_valence"] == 0.0
    classes = ClassTargets(("ang", "sad"))
    assert answer_scores(classes, np.full(3, -100), np.zeros((3, 2))) == {}


def test_every_monitor_is_a_score_of_validation():
    logits, labels = np.eye(3), np.array([0, 1, -100])
    of_classes = answer_scores(ClassTargets(("a", "b", "c")), labels, logits)
    of_values = answer_scores(ValueTargets(("v",)), np.arange(3.0)[:, None], logits[:, :1])
    assert set(MONITORS) <= {*of_classes, *of_values}
    assert of_classes["wa"] == 1.0


def test_the_list_of_metrics_is_the_table(capsys):
    assert [row["name"] for row in catalogue("metrics")] == list(METRICS)
    assert main(["list", "metrics"]) == 0
    printed = capsys.readouterr().out
    assert "Matthews correlation" in printed and "UAR" in printed
