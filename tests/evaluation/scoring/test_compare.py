"""Pairs of runs: tests on the same rows, honest verdicts, figures of the literature with their
differences.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.evaluation.evaluate import evaluate
from mmser.evaluation.scoring.compare import COLUMNS, SAME, compare, compare_tables
from mmser.evaluation.scoring.comparison_text import compare_text
from mmser.evaluation.scoring.published import beside_published, published_text
from mmser.metrics.predictions import checked_predictions

CLASSES = ("a", "b", "c")


def made(accuracy, seed, seeds=(0, 1), folds=5):
    """Predictions of five folds of two speakers each, right with ``accuracy``."""
    generator = np.random.default_rng(seed)
    rows = []
    for fold in range(folds):
        for utterance in range(60):
            for one in seeds:
                target = CLASSES[utterance % 3]
                wrong = CLASSES[(utterance + 1) % 3]
                row = {
                    "id": f"f{fold}-{utterance}",
                    "corpus": "c",
                    "speaker": f"s{fold}-{utterance % 2}",
                }
                row |= {"fold": f"f{fold}", "seed": one, "target": target}
                rows.append(
                    row | {"prediction": target if generator.random() < accuracy else wrong}
                )
    return checked_predictions(pd.DataFrame(rows))


@pytest.fixture(scope="module")
def good():
    return made(0.8, 0)


def only(table):
    assert len(table) == 1
    return table.iloc[0]


def test_a_clear_difference(good):
    bad = made(0.5, 1)
    row = only(compare_tables({"good": good, "bad": bad}))
    assert row["verdict"] == "good is better"
    expected = [balanced_accuracy_score(t["target"], t["prediction"]) for t in (good, bad)]
    assert [row["first_value"], row["second_value"]] == pytest.approx(expected)
    assert row["low"] < row["difference"] < row["high"] and row["low"] > 0
    assert (row["pairs"], row["utterances"], row["clusters"]) == (10, 300, 10)
    swapped = only(compare_tables({"bad": bad, "good": good}))
    assert swapped["verdict"] == "good is better"
    assert (
        swapped["difference"] == -row["difference"] and swapped["p_wilcoxon"] == row["p_wilcoxon"]
    )


def test_one_fold_and_seed_are_judged_by_mcnemar_and_the_bootstrap():
    one = {"seeds": (0,), "folds": 1}
    tables = {"good": made(0.9, 0, **one), "bad": made(0.4, 1, **one), "like": made(0.9, 2, **one)}
    table = compare_tables(tables).set_index(["first", "second"])
    clear, unclear = table.loc[("good", "bad")], table.loc[("good", "like")]
    assert np.isnan(clear["p_corrected_t"]) and clear["pairs"] == 1
    assert clear["judged_by"] == "mcnemar, bootstrap" and clear["verdict"] == "good is better"
    assert unclear["verdict"] == SAME
    text = compare_text(table.reset_index())
    assert text.count("judged by mcnemar and bootstrap: one fold and seed allow no t-test") == 3
    both = only(compare_tables({"good": made(0.9, 0), "bad": made(0.4, 1)}))
    assert both["judged_by"] == "corrected_t, bootstrap"


def test_what_one_of_the_two_tests_doubts_is_not_called_different():
    """Sure over utterances, but two speakers alone disagree about which run is better."""
    first, second = made(0.5, 0, (0,), 1), made(0.5, 0, (0,), 1)
    right = first["target"].where(first["speaker"].str.endswith("0"), first["prediction"])
    row = only(compare_tables({"a": first.assign(prediction=right), "b": second}))
    assert row["p_mcnemar"] < 0.05 and row["p_bootstrap"] > 0.05 and row["verdict"] == SAME


def test_the_tests_are_those_of_the_books(good):
    other = made(0.75, 1)
    row = only(compare_tables({"a": good, "b": other}, "wa", test_to_train=0.25))
    fold_scores = [
        t.assign(ok=t["target"] == t["prediction"]).groupby(["fold", "seed"])["ok"].mean()
        for t in (good, other)
    ]
    gap = (fold_scores[0] - fold_scores[1]).to_numpy()
    t = gap.mean() / np.sqrt((1 / 10 + 0.25) * gap.var(ddof=1))
    assert row["p_corrected_t"] == pytest.approx(2 * stats.t.sf(abs(t), 9))
    assert row["p_wilcoxon"] == pytest.approx(stats.wilcoxon(gap).pvalue)
    right = [(t["target"] == t["prediction"])[t["seed"] == 0].to_numpy() for t in (good, other)]
    first, second = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    assert row["p_mcnemar"] == pytest.approx(
        stats.binomtest(int(first), int(first + second)).pvalue
    )


def test_without_an_assignment_the_other_folds_are_the_training_part(good):
    other = made(0.75, 1)
    default = only(compare_tables({"a": good, "b": other}))
    assert (
        default["p_corrected_t"]
        == only(compare_tables({"a": good, "b": other}, test_to_train=60 / 240))["p_corrected_t"]
    )


def test_equal_systems_are_not_distinguishable(good):
    twin = only(compare_tables({"a": good, "b": good}))
    assert twin["verdict"] == SAME and twin["p_bootstrap"] == 1.0 and twin["difference"] == 0.0
    assert only(compare_tables({"a": good, "b": made(0.8, 2)}))["verdict"] == SAME


def test_holm_over_the_pairs(good):
    tables = {"a": good, "b": made(0.74, 1), "c": made(0.75, 2)}
    three = compare_tables(tables)
    alone = only(compare_tables({"a": tables["a"], "b": tables["b"]}))
    both = three[(three["first"] == "a") & (three["second"] == "b")].iloc[0]
    assert len(three) == 3 and list(three.columns) == list(COLUMNS)
    assert both["p_wilcoxon"] >= alone["p_wilcoxon"]
    assert both["p_mcnemar"] >= alone["p_mcnemar"]


def test_values_are_compared_by_concordance():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=200)
    base = {
        "id": [f"u{i}" for i in range(200)],
        "speaker": [f"s{i % 8}" for i in range(200)],
        "target_valence": truth,
    }
    base |= {"fold": [f"f{i % 4}" for i in range(200)]}
    near, far = (
        pd.DataFrame({**base, "prediction_valence": truth + s * generator.normal(size=200)})
        for s in (0.2, 2.0)
    )
    row = only(
        compare_tables(
            {"near": checked_predictions(near), "far": checked_predictions(far)}, "ccc_valence"
        )
    )
    assert row["verdict"] == "near is better" and np.isnan(row["p_mcnemar"])


def of_values(noise, seed):
    """Predictions of a value, off by normal noise of that deviation."""
    generator = np.random.default_rng(seed)
    table = made(1.0, 0).drop(columns=["target", "prediction"])
    target = np.random.default_rng(7).normal(size=len(table))
    predicted = target + generator.normal(size=len(table)) * noise
    return checked_predictions(table.assign(target_v=target, prediction_v=predicted))


def test_a_smaller_error_is_better_and_without_a_metric_it_is_the_main_one():
    tables = {"near": of_values(0.3, 1), "far": of_values(2.0, 2)}
    error = only(compare_tables(tables, "rmse_v"))
    assert error["difference"] < 0 and error["verdict"] == "near is better"
    main_metric = only(compare_tables(tables))
    assert main_metric["metric"] == "ccc_v" and main_metric["verdict"] == "near is better"


def test_only_what_both_have_is_compared_and_labels_must_agree(good):
    partly = made(0.5, 1, seeds=(1, 2))
    assert only(compare_tables({"a": good, "b": partly}))["pairs"] == 5
    with pytest.raises(MmserError, match="folds and seeds that a and b share; found none"):
        compare_tables({"a": good, "b": made(0.5, 1, seeds=(7,))})
    relabelled = good.assign(target=good["target"].map({"a": "b", "b": "a", "c": "c"}))
    with pytest.raises(MmserError, match="the same test utterances and labels in a and b"):
        compare_tables({"a": good, "b": relabelled})
    with pytest.raises(MmserError, match="found 'uaa'"):
        compare_tables({"a": good, "b": good}, "uaa")
    with pytest.raises(MmserError, match="under 'noisy'; found only clean"):
        compare_tables({"a": good, "b": good}, condition="noisy")


def test_the_command(good, tmp_path, capsys):
    for name, table in (("first", good), ("second", made(0.5, 1))):
        (tmp_path / name).mkdir()
        table.to_parquet(tmp_path / name / "predictions.parquet")
    assert main(["compare", str(tmp_path / "first"), str(tmp_path / "second")]) == 0
    text = capsys.readouterr().out
    assert "first against second: first is better" in text and "corrected t 0.0" in text
    with pytest.raises(MmserError, match="two or more different runs; found 1"):
        compare([tmp_path / "first"])
    assert "[" in compare_text(compare([tmp_path / "first", tmp_path / "second"], "wf1"))


def test_beside_the_literature(trained, capsys):
    evaluate(trained)
    table, differences = beside_published(trained.directory, "mcsan")
    assert any("train and test share none" in sentence for sentence in differences)
    assert table["published"].tolist()[0] == 61.2
    assert table["ours"].isna().all()
    text = published_text(table, differences)
    assert (
        "the card asks for the protocol iemocap7_speaker10, this run used small3_speaker3" in text
    )
    assert "this run is of the system small, not of mcsan" in text
    assert "stream prose: this run reads words, the system's config none" in text
    assert "departure from the paper" in text
    assert main(["compare", str(trained.directory), "--published", "mcsan"]) == 0
    assert "61.2" in capsys.readouterr().out
    with pytest.raises(UsageError, match="the name of a system"):
        beside_published(trained.directory, "mcsann")


def test_our_figure_stands_beside_theirs_on_the_same_corpus(good, tmp_path):
    good.assign(corpus="iemocap").to_parquet(tmp_path / "predictions.parquet")
    table, differences = beside_published(tmp_path, "mcsan")
    wa = table[table["metric"] == "WA"].iloc[0]
    assert wa["ours"] == pytest.approx(100 * (good["target"] == good["prediction"]).mean())
    assert "its protocol is unknown" in differences[-1]
