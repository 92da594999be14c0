"""Every scope against an independent computation."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.evaluation.scoring.score import SCORE_COLUMNS, clusters_of, score
from mmser.evaluation.scoring.score_text import scores_text
from mmser.metrics.calibration import brier, ece
from mmser.metrics.regression import ccc
from mmser.metrics.table import shown, title

CLASSES = ("ang", "dis", "sad")


@pytest.fixture
def table():
    """Three speakers = folds, two seeds; speaker 8 has no disgust."""
    rng = np.random.default_rng(0)
    rows = []
    for speaker in ("3", "8", "9"):
        for utterance in range(30):
            target = CLASSES[utterance % 3] if speaker != "8" else ("ang", "sad")[utterance % 2]
            for seed in (0, 1):
                p = rng.dirichlet(np.ones(3) + 3 * np.array([c == target for c in CLASSES]))
                row = {
                    "id": f"{speaker}-{utterance}",
                    "speaker": speaker,
                    "fold": f"s{speaker}",
                    "seed": seed,
                }
                row |= {"corpus": "emodb", "target": target, "prediction": CLASSES[p.argmax()]}
                rows.append(row | {f"probability_{c}": v for c, v in zip(CLASSES, p, strict=True)})
    return pd.DataFrame(rows)


def value(scores, scope, metric, **keys):
    found = scores[(scores["scope"] == scope) & (scores["metric"] == metric)]
    for column, key in keys.items():
        found = found[found[column] == key]
    assert len(found) == 1
    return found.iloc[0]


def test_pooled(table):
    scores = score(table)
    assert list(scores.columns) == list(SCORE_COLUMNS)
    t, p = table["target"], table["prediction"]
    wa, ua = value(scores, "pooled", "wa"), value(scores, "pooled", "ua")
    assert wa["value"] == pytest.approx(sk.accuracy_score(t, p))
    assert ua["value"] == pytest.approx(sk.balanced_accuracy_score(t, p))
    assert ua["low"] < ua["value"] < ua["high"]
    assert (wa["utterances"], wa["clusters"], wa["cluster"]) == (180, 3, "speaker")
    probabilities = table[[f"probability_{c}" for c in CLASSES]].to_numpy()
    target = t.map(CLASSES.index).to_numpy()
    assert value(scores, "pooled", "ece")["value"] == pytest.approx(ece(probabilities, target))
    assert value(scores, "pooled", "brier")["value"] == pytest.approx(brier(probabilities, target))


def test_folds_and_seeds(table):
    scores = score(table)
    uas = {}
    for (fold, seed), part in table.groupby(["fold", "seed"]):
        present = sorted(part["target"].unique())
        ours = value(scores, "fold", "ua", fold=fold, seed=seed)["value"]
        uas[fold, seed] = sk.recall_score(
            part["target"], part["prediction"], average="macro", labels=present
        )
        assert ours == pytest.approx(uas[fold, seed])
    mean = value(scores, "mean over folds", "ua")
    grid = np.array([[uas[f, s] for s in (0, 1)] for f in ("s3", "s8", "s9")])
    assert mean["value"] == pytest.approx(grid.mean())
    assert mean["std_folds"] == pytest.approx(grid.mean(1).std(ddof=1))
    assert mean["std_seeds"] == pytest.approx(grid.mean(0).std(ddof=1))
    one = table[table["seed"] == 1]
    expected = sk.accuracy_score(one["target"], one["prediction"])
    assert value(scores, "seed", "wa", seed=1)["value"] == pytest.approx(expected)


def test_a_fold_without_disgust_averages_two_recalls_and_pooling_averages_three(table):
    table["prediction"] = table["target"].where(table["target"] != "dis", "sad")
    scores = score(table)
    assert value(scores, "fold", "ua", fold="s8", seed=0)["value"] == 1.0
    assert value(scores, "pooled", "ua")["value"] == pytest.approx(2 / 3)
    assert value(scores, "mean over folds", "ua")["value"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_one_fold_and_seed_has_no_spread_and_one_speaker_no_interval(table):
    scores = score(table[(table["fold"] == "s3") & (table["seed"] == 0)])
    mean, pooled = value(scores, "mean over folds", "wa"), value(scores, "pooled", "wa")
    assert np.isnan([mean["std_folds"], mean["std_seeds"], pooled["low"], pooled["high"]]).all()
    assert mean["value"] == pooled["value"]


def test_unequal_folds_are_pooled_by_utterance_and_averaged_by_fold():
    """One of one wrong, nine of nine right: WA is 0.9, the mean of the folds 0.5."""
    rows = pd.DataFrame(
        {"target": ["ang"] * 10, "prediction": ["sad"] + ["ang"] * 9, "fold": ["a"] + ["b"] * 9}
    )
    scores = score(rows)
    assert value(scores, "pooled", "wa")["value"] == 0.9
    assert value(scores, "mean over folds", "wa")["value"] == 0.5
    line = next(line for line in scores_text(scores).splitlines() if line.startswith("  WA "))
    assert line.split()[1] == "90.0"


def test_columns_without_a_value_are_left_out(table):
    def head(rows):
        return scores_text(score(rows)).splitlines()[1].split()

    interval = ["pooled", "95%", "interval"]
    folds = ["mean", "over", "folds", "std", "folds"]
    first = table[table["seed"] == 0]
    assert head(table) == [*interval, *folds, "std", "seeds"]
    assert head(first) == [*interval, *folds]
    assert head(first[first["fold"] == first["fold"].iloc[0]]) == interval


def test_unlabelled_rows_do_not_count(table):
    extra = table.assign(target=None, id=table["id"] + "x")
    whole, padded = score(table), score(pd.concat([table, extra]))
    assert value(padded, "pooled", "wa")["value"] == value(whole, "pooled", "wa")["value"]
    assert value(padded, "pooled", "wa")["utterances"] == 180


def test_without_speakers_utterances_are_resampled_across_their_seeds(table):
    numbers, count, kind = clusters_of(table.assign(speaker=""))
    assert (count, kind) == (90, "utterance")
    assert len(numbers) == 180


def test_speakers_of_two_corpora_with_one_name_are_two(table):
    both = pd.concat([table, table.assign(corpus="other")])
    assert clusters_of(both)[1:] == (6, "speaker")


def test_values_are_scored_with_their_names():
    rng = np.random.default_rng(1)
    t = rng.normal(size=50)
    table = pd.DataFrame({"target_valence": t, "prediction_valence": t + rng.normal(size=50)})
    table.loc[49, "target_valence"] = np.nan
    scores = score(table)
    expected = ccc(table["target_valence"][:49], table["prediction_valence"][:49])
    assert value(scores, "pooled", "ccc_valence")["value"] == pytest.approx(expected)
    assert "wa" not in set(scores["metric"])


def test_conditions_and_several_files_stay_apart(table, tmp_path):
    noisy = table.assign(condition="noise 0 dB", prediction="ang")
    pd.concat([table.assign(condition="clean"), noisy]).to_csv(tmp_path / "a.csv", index=False)
    run = tmp_path / "mcsan-loso"
    run.mkdir()
    table.to_parquet(run / "predictions.parquet")
    scores = score([tmp_path / "a.csv", run])
    assert set(zip(scores["run"], scores["condition"], strict=True)) == {
        ("a", "clean"),
        ("a", "noise 0 dB"),
        ("mcsan-loso", "clean"),
    }
    noisy_wa = value(scores, "pooled", "wa", run="a", condition="noise 0 dB")["value"]
    assert noisy_wa == pytest.approx((table["target"] == "ang").mean())


def test_a_class_may_be_left_out_and_both_numbers_are_printed(tmp_path, capsys):
    """Six of eight are right, four of them background; without it two of four are."""
    target = ["background"] * 4 + ["ang", "ang", "sad", "sad"]
    prediction = ["background"] * 4 + ["ang", "background", "sad", "ang"]
    rows = pd.DataFrame({"target": target, "prediction": prediction})
    scores = score(rows, without=["background"])
    left_out = "clean, without background"
    assert value(scores, "pooled", "wa", condition="clean")["value"] == 0.75
    assert value(scores, "pooled", "ua", condition="clean")["value"] == pytest.approx(
        (1 + 0.5 + 0.5) / 3
    )
    assert value(scores, "pooled", "wa", condition=left_out)["value"] == 0.5
    assert value(scores, "pooled", "ua", condition=left_out)["value"] == 0.5
    assert value(scores, "pooled", "ua", condition=left_out)["utterances"] == 4
    rows.to_csv(tmp_path / "turns.csv", index=False)
    assert main(["score", str(tmp_path / "turns.csv"), "--without", "background"]) == 0
    out = capsys.readouterr().out
    assert "(clean): 8 utterances" in out and "(clean, without background): 4 utterances" in out
    assert "75.0" in out and "50.0" in out
    with pytest.raises(MmserError, match="targets noise and others; found ang, background, sad"):
        score(rows, without=["noise"])


def test_the_printed_table_spells_out_both_meanings_of_weighted(table):
    text = scores_text(score(table), explain=True)
    assert "(1) overall accuracy" not in scores_text(score(table))
    wa = sk.accuracy_score(table["target"], table["prediction"])
    assert f"{100 * wa:.1f}" in text
    assert "180 utterances, 3 speakers" in text
    assert "(1) overall accuracy" in text
    assert "(2) utterances weighted by 1 / class size" in text
    assert "weighted precision" in text
    assert title("ccc_valence") == "CCC valence"
    assert shown("ua", np.nan) == "\N{EN DASH}"


def test_nothing_to_score_is_an_error():
    with pytest.raises(MmserError, match="at least one predictions table"):
        score([])
