"""Fusion of predictions tables, against cases worked by hand and scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.late_fusion.table_fusion import fuse_tables
from mmser.metrics.predictions import checked_predictions

CLASSES = ["angry", "happy", "sad"]


def table(
    probabilities: list[list[float]], targets: list[str | None], **columns: object
) -> pd.DataFrame:
    values = np.array(probabilities)
    predictions = [CLASSES[i] for i in values.argmax(axis=1)]
    content = {
        "id": [f"u{i}" for i in range(len(values))],
        "target": targets,
        "prediction": predictions,
    }
    content |= {f"probability_{name}": values[:, i] for i, name in enumerate(CLASSES)}
    return pd.DataFrame(content | columns)


def noisy(seed: int, speakers: int = 6, each: int = 12) -> pd.DataFrame:
    """One system's predictions: right more often than not, and one value that
    follows the target.
    """
    generator = np.random.default_rng(100)
    target = generator.integers(0, 3, speakers * each)
    valence = generator.standard_normal(len(target))
    generator = np.random.default_rng(seed)
    scores = generator.standard_normal((len(target), 3)) + 1.5 * np.eye(3)[target]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return table(
        probabilities.tolist(),
        [CLASSES[i] for i in target],
        speaker=np.repeat([f"s{i}" for i in range(speakers)], each),
        target_valence=valence,
        prediction_valence=0.3 * valence + 0.1 * generator.standard_normal(len(target)) + 2,
    )


def test_mean_of_probabilities_and_values() -> None:
    first = table(
        [[0.6, 0.4, 0.0], [1, 0, 0]],
        ["happy", "angry"],
        target_valence=[1.0, 0],
        prediction_valence=[0.0, 0],
    )
    second = table(
        [[0.1, 0.5, 0.4], [1, 0, 0]],
        ["happy", "angry"],
        target_valence=[1.0, 0],
        prediction_valence=[1.0, 0],
    )
    fused = checked_predictions(fuse_tables([first, second], "mean"))
    assert fused[[f"probability_{name}" for name in CLASSES]].to_numpy()[0] == pytest.approx(
        [0.35, 0.45, 0.2]
    )
    assert fused.loc[0, "prediction"] == "happy" and fused.loc[0, "prediction_valence"] == 0.5
    assert fused.loc[0, "target"] == "happy" and fused.loc[0, "target_valence"] == 1.0


def test_votes_and_how_ties_are_broken() -> None:
    tables = [
        table([[0.5, 0.4, 0.1], [0.4, 0.35, 0.25], [0.9, 0.1, 0.0]], ["happy", "angry", "sad"]),
        table([[0.3, 0.6, 0.1], [0.4, 0.35, 0.25], [0.0, 0.6, 0.4]], ["happy", "angry", "sad"]),
    ]
    third = table([[0.1, 0.8, 0.1], [0.0, 0.9, 0.1], [0.1, 0.0, 0.9]], ["happy", "angry", "sad"])
    fused = fuse_tables([*tables, third], "vote")
    assert list(fused["prediction"]) == ["happy", "angry", "sad"]
    assert fused.loc[1, "probability_angry"] == pytest.approx(2 / 3)
    bare = [one.drop(columns=[f"probability_{name}" for name in CLASSES]) for one in tables]
    assert list(fuse_tables(bare, "vote")["prediction"]) == ["angry", "angry", "angry"]
    with pytest.raises(MmserError, match="--method vote"):
        fuse_tables(bare, "mean")


def test_rows_are_matched_by_utterance_and_not_by_order() -> None:
    first, second = noisy(1), noisy(2)
    shuffled = second.sample(frac=1.0, random_state=0)
    pd.testing.assert_frame_equal(fuse_tables([first, second]), fuse_tables([first, shuffled]))


def test_missing_utterances_and_differing_targets() -> None:
    first, second = noisy(1), noisy(2)
    with pytest.raises(MmserError, match=r"found 71 in all of them, 1 in one alone.*--shared-only"):
        fuse_tables([first, second.iloc[1:]])
    assert len(fuse_tables([first, second.iloc[1:]], shared_only=True)) == 71
    wrong = second.assign(target=["sad" if t == "happy" else t for t in second["target"]])
    with pytest.raises(
        MmserError, match="the same target in every table; found happy and, in table 2, sad for u"
    ):
        fuse_tables([first, wrong])
    with pytest.raises(MmserError, match="Check their ids"):
        fuse_tables([first, second.assign(id=[f"x{i}" for i in range(len(second))])])
    with pytest.raises(UsageError, match="at least two predictions tables"):
        fuse_tables([first])


def test_stacked_logistic_never_sees_the_speaker_it_predicts() -> None:
    first, second = noisy(1), noisy(2)
    fused = fuse_tables([first, second], "logistic", folds=3)
    assert (fused["prediction"] == fused["target"]).mean() > (
        first["prediction"] == first["target"]
    ).mean()
    assert fused[[f"probability_{name}" for name in CLASSES]].sum(
        axis=1
    ).to_numpy() == pytest.approx(1)
    alone = first["speaker"] == "s0"
    spoilt = [one.assign(target=one["target"].where(~alone, "sad")) for one in (first, second)]
    other = fuse_tables(spoilt, "logistic", folds=3)
    columns = [f"probability_{name}" for name in CLASSES]
    rows, far = alone.to_numpy(), ~alone.to_numpy()
    np.testing.assert_allclose(other.loc[rows, columns], fused.loc[rows, columns], atol=1e-12)
    assert not np.allclose(other.loc[far, columns], fused.loc[far, columns])


def test_stacked_svr_mends_scale_and_offset() -> None:
    from mmser.metrics.regression import ccc

    first, second = noisy(1), noisy(2)
    fused = fuse_tables([first, second], "svr")
    assert "prediction" not in fused and "target" not in fused
    assert ccc(first["target_valence"], first["prediction_valence"]) < 0.2
    assert ccc(fused["target_valence"], fused["prediction_valence"]) > 0.9


def test_fitting_on_validation_predictions() -> None:
    first, second = noisy(1), noisy(2)
    held = first["speaker"].isin(["s0", "s1"])
    fitting = [one[~held] for one in (first, second)]
    fused = fuse_tables([first[held], second[held]], "svr", validation=fitting)
    assert len(fused) == held.sum()
    assert np.corrcoef(fused["target_valence"], fused["prediction_valence"])[0, 1] > 0.9
    with pytest.raises(UsageError, match="2 validation tables"):
        fuse_tables([first, second], "svr", validation=fitting[:1])


def test_stacking_says_what_it_lacks() -> None:
    first, second = noisy(1), noisy(2)
    nameless = [one.drop(columns="speaker") for one in (first, second)]
    with pytest.raises(MmserError, match="a speaker in every row"):
        fuse_tables(nameless, "logistic")
    two = [one[one["speaker"].isin(["s0", "s1"])] for one in (first, second)]
    with pytest.raises(MmserError, match=r"at least three speakers .* found 2"):
        fuse_tables(two, "logistic")
    plain = [one.drop(columns=["target_valence", "prediction_valence"]) for one in (first, second)]
    with pytest.raises(UsageError, match="values for --method svr"):
        fuse_tables(plain, "svr")


def test_the_command_scores_inputs_mean_and_fusion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "one.csv", tmp_path / "two.parquet"]
    noisy(1).to_csv(paths[0], index=False)
    noisy(2).to_parquet(paths[1])
    out = tmp_path / "fused.parquet"
    assert main(["fuse", *map(str, paths), "--method", "vote", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    systems = ["one.csv", "two.parquet", "plain mean", "fused (vote)"]
    assert all(name in line for name, line in zip(systems, lines[1:5], strict=True))
    fused = checked_predictions(pd.read_parquet(out))
    share = (fused["prediction"] == fused["target"]).mean()
    assert f"{share:.3f}" in lines[4] and "wa" in lines[0]
    assert main(["fuse", *map(str, paths), "--out", str(tmp_path / "fused.txt")]) == 2


def test_log_posteriors_of_two_systems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = noisy(1)
    useless = noisy(2).assign(**{f"probability_{name}": 1 / 3 for name in CLASSES})
    fused = checked_predictions(fuse_tables([good, useless], "log_posterior"))
    assert (fused["prediction"] == good["prediction"]).all()
    fitted = fuse_tables([good, useless], "log_posterior", validation=[noisy(3), useless])
    assert (fitted["prediction"] == good["prediction"]).all()
    with pytest.raises(
        UsageError, match=r"two predictions tables for --method log_posterior; found 3"
    ):
        fuse_tables([good, useless, good], "log_posterior")
    good.to_csv(tmp_path / "good.csv", index=False)
    useless.to_csv(tmp_path / "useless.csv", index=False)
    words = [
        "fuse",
        str(tmp_path / "good.csv"),
        str(tmp_path / "useless.csv"),
        "--method",
        "log_posterior",
    ]
    assert main(words) == 0
    assert "fused (log_posterior)" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [None, float("inf"), -0.1, 0.7])
def test_probabilities_that_are_none_are_not_fused(wrong):
    table = pd.DataFrame({"id": ["u", "v"], "target": ["a", "b"], "prediction": ["a", "b"]})
    table = table.assign(probability_a=[0.5, wrong], probability_b=[0.5, 0.5])
    with pytest.raises(MmserError, match="probabilit"):
        fuse_tables([table, table])


def test_values_that_are_none_are_not_fused():
    table = pd.DataFrame({"id": ["u", "v"], "target_v": [1.0, 2.0], "prediction_v": [1.0, None]})
    with pytest.raises(
        MmserError, match=r"a number in prediction_v of every row .*; found none for 1 .*v first"
    ):
        fuse_tables([table, table])
