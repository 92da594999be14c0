"""Anyone's table: what is filled in, what is refused and in which words."""

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION_COLUMNS
from mmser.core.target_sets.classes import class_names
from mmser.core.target_sets.values import value_names
from mmser.metrics.predictions import checked_predictions, read_predictions


def written(tmp_path, text):
    path = tmp_path / "theirs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_bare_csv_gets_every_column(tmp_path):
    table = read_predictions(written(tmp_path, "target,prediction\nang,ang\nNA,none\n,ang\n"))
    assert set(PREDICTION_COLUMNS) <= set(table.columns)
    assert table["id"].tolist() == ["0", "1", "2"]
    assert table["condition"].unique().tolist() == ["clean"]
    assert table["prediction"].tolist() == ["ang", "none", "ang"]
    assert table["target"].tolist()[:2] == ["ang", "NA"]
    assert table["target"].isna().tolist() == [False, False, True]
    assert class_names(table) == ("NA", "ang", "none")


def test_integer_labels_and_a_byte_order_mark(tmp_path):
    table = read_predictions(written(tmp_path, "\ufefftarget,prediction,seed\n0,1,3\n1,1,3\n"))
    assert table["target"].tolist() == ["0", "1"]
    assert table["seed"].tolist() == [3, 3]


def test_parquet_and_run_folder(tmp_path):
    table = pd.DataFrame(
        {"target": ["a", "b"], "prediction": ["a", "a"], "probability_b": [0.1, 0.4]}
    )
    table.assign(probability_a=[0.9, 0.6]).to_parquet(tmp_path / "predictions.parquet")
    read = read_predictions(tmp_path)
    assert class_names(read) == ("b", "a")
    assert read.equals(read_predictions(tmp_path / "predictions.parquet"))


def test_values():
    table = checked_predictions(
        pd.DataFrame({"target_valence": ["1.5", None], "prediction_valence": [1, 2]})
    )
    assert value_names(table) == ("valence",)
    assert class_names(table) == ()
    assert table["target_valence"].tolist()[0] == 1.5


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": ["a"]}, "the columns target and prediction in the table .* found label"),
        ({"target": []}, "no rows"),
        (
            {"target": ["Angry"], "prediction": ["ang"]},
            "the same spelling in the table; found targets Angry",
        ),
        ({"target": ["a", "b"], "prediction": ["a", None]}, "none for 1 utterances, first 1"),
        ({"target": [None], "prediction": ["a"]}, "an empty target in every row"),
        ({"target_valence": [1.0]}, "only one of them for valence"),
        (
            {"target_valence": [1.0], "prediction_valence": ["high"]},
            "numbers in column prediction_valence .*'high'",
        ),
        ({"id": ["x", "x"], "target": ["a", "a"], "prediction": ["a", "a"]}, "x more than once"),
        (
            {"target": ["a"], "prediction": ["a"], "probability_a": ["sure"]},
            "numbers in column probability_a",
        ),
    ],
)
def test_what_is_refused(columns, message):
    with pytest.raises(MmserError, match=message):
        checked_predictions(pd.DataFrame(columns))


def test_a_label_without_probability_column():
    table = pd.DataFrame(
        {"target": ["a", "b"], "prediction": ["a", "a"], "probability_a": [1.0, 1.0]}
    )
    with pytest.raises(MmserError, match=r"found none for b\. Add probability_b"):
        class_names(checked_predictions(table))


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(MmserError, match=r"no file .*nothing\.csv"):
        read_predictions(tmp_path / "nothing.csv")
    (tmp_path / "noise.csv").write_bytes(b"\xfftarget,prediction\na,a\n")
    with pytest.raises(
        MmserError, match=r"text in UTF-8 in .*noise\.csv; found bytes in line 1 that are no UTF-8"
    ):
        read_predictions(tmp_path / "noise.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(MmserError, match=r"a header and rows in .*empty\.csv; found an empty file"):
        read_predictions(tmp_path / "empty.csv")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(MmserError, match=r"a readable parquet table in .*broken\.parquet"):
        read_predictions(tmp_path / "broken.parquet")


def test_a_comma_at_the_end_of_each_row_shifts_nothing(tmp_path):
    rows = "happy,happy,sad,\nsad,sad,sad,\n"
    table = read_predictions(written(tmp_path, f"target,prediction,other\n{rows}"))
    assert table["target"].tolist() == table["prediction"].tolist() == ["happy", "sad"]


def test_spaces_around_labels_do_not_count_and_two_spellings_of_one_are_refused(tmp_path):
    table = checked_predictions(
        pd.DataFrame({"target": ["sad ", "happy"], "prediction": ["sad", " happy"]})
    )
    assert table["target"].tolist() == table["prediction"].tolist() == ["sad", "happy"]
    with pytest.raises(
        MmserError, match=r"one spelling of each label in .*; found 'Happy' and 'happy'"
    ):
        read_predictions(written(tmp_path, "target,prediction\nHappy,happy\nsad,sad\n"))


def test_the_callers_table_is_left_alone():
    table = pd.DataFrame({"target": ["a"], "prediction": ["a"]}, index=[7])
    checked_predictions(table)
    assert list(table.columns) == ["target", "prediction"]


def test_a_table_that_is_wrong_throughout_is_no_misspelling_when_its_classes_are_named():
    table = pd.DataFrame(
        {"target": ["a", "a"], "prediction": ["b", "b"], "probability_a": [0.1, 0.2]}
    )
    checked = checked_predictions(table.assign(probability_b=[0.9, 0.8], id=["1", "2"]))
    assert checked["target"].tolist() == ["a", "a"]
    with pytest.raises(MmserError, match="same spelling"):
        checked_predictions(table.drop(columns="probability_a").assign(id=["1", "2"]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["u1", None]}, "an id in every row of the table; found row 2"),
        ({"seed": ["0", "x"]}, "whole numbers in column seed of the table; found 'x'"),
        ({"seed": [1.5, 2.0]}, "whole numbers in column seed of the table; found '1.5'"),
        ({"seed": ["1e30", "1"]}, "found '1e30'"),
        ({"probability_a": [1.0, 1e300]}, r"numbers in column probability_a .*'1e\+300'"),
    ],
)
def test_ids_and_seeds_are_not_guessed(columns, message):
    table = pd.DataFrame({"target": ["a", "b"], "prediction": ["a", "b"]} | columns)
    with pytest.raises(MmserError, match=message):
        checked_predictions(table)


def test_an_empty_condition_or_seed_is_the_usual_one():
    table = pd.DataFrame({"target": ["a", "b"], "prediction": ["a", "b"]})
    checked = checked_predictions(table.assign(condition=[None, "x"], seed=[None, 2.0]))
    assert checked["condition"].tolist() == ["clean", "x"]
    assert checked["seed"].tolist() == [0, 2]
