"""The files a run gains: right numbers, whole, and the same when made twice."""

import numpy as np
import pandas as pd
import pytest
import torch
from makers.evaluated_run import CLASSES
from safetensors.numpy import load_file

from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION_COLUMNS
from mmser.evaluation.byproducts import kept_attention
from mmser.evaluation.evaluate import evaluate
from mmser.evaluation.scoring.extremes import confident, extremes
from mmser.evaluation.scoring.score import score


def test_every_fold_and_seed_in_the_order_of_the_assignment(run):
    table = evaluate(run)
    assert tuple(table.columns[: len(PREDICTION_COLUMNS)]) == PREDICTION_COLUMNS
    assert len(table) == 20
    first = table[(table["fold"] == "one") & (table["seed"] == 0)]
    assert first["id"].tolist() == [f"A{i}" for i in range(5)]
    assert first["speaker"].unique().tolist() == ["A"]
    for batch in run.batches["one", 0]:
        for row, identifier in enumerate(batch.ids):
            expected = CLASSES[int(batch.streams["audio"].values[row, 0].argmax())]
            assert first.set_index("id").loc[identifier, "prediction"] == expected
    assert table["target"].isna().sum() == 4
    assert pd.read_parquet(run.directory / "predictions.parquet").equals(table)
    assert score(run.directory)["utterances"].max() == 16


def test_twice_gives_the_same_bytes_and_leaves_nothing_behind(run):
    evaluate(run)
    before = {path.name: path.read_bytes() for path in run.directory.iterdir()}
    evaluate(run)
    assert {path.name: path.read_bytes() for path in run.directory.iterdir()} == before
    assert set(before) == {
        "predictions.parquet",
        "embeddings.safetensors",
        "embeddings.parquet",
        "attention.parquet",
    }


def test_another_condition_is_added_and_replaced(run):
    evaluate(run)
    before = (run.directory / "embeddings.safetensors").read_bytes()
    evaluate(run, "asr", data=lambda trained: trained.data())
    table = evaluate(run, "asr", data=lambda trained: trained.data())
    assert table["condition"].value_counts().to_dict() == {"clean": 20, "asr": 20}
    assert (run.directory / "embeddings.safetensors").read_bytes() == before


def test_embeddings_are_half_precision_and_their_rows_are_named(run):
    evaluate(run, embeddings=3)
    vectors = load_file(run.directory / "embeddings.safetensors")
    index = pd.read_parquet(run.directory / "embeddings.parquet")
    assert set(vectors) == {"one-seed0", "one-seed1", "two-seed0", "two-seed1"}
    rows = index[(index["fold"] == "two") & (index["seed"] == 1)]
    assert rows["id"].tolist() == ["B0", "B2", "B4"]
    assert vectors["two-seed1"].dtype == np.float16
    logits = {
        i: b.streams["audio"].values[r, 0]
        for b in run.batches["two", 1]
        for r, i in enumerate(b.ids)
    }
    expected = torch.stack([logits[i] for i in rows["id"]]).numpy()
    assert vectors["two-seed1"] == pytest.approx(expected, rel=1e-3)


def test_the_attention_of_the_answers_that_a_report_lists_is_kept(run):
    table = evaluate(run, attention=1)
    kept = pd.read_parquet(run.directory / "attention.parquet")
    answer = ["id", "fold", "seed"]
    assert kept.loc[~kept["extreme"], "id"].unique().tolist() == ["A0"]
    listed = pd.concat(extremes(confident(table)))[answer]
    found = kept.loc[kept["extreme"], answer].drop_duplicates()
    assert set(map(tuple, found.to_numpy())) == set(map(tuple, listed.to_numpy()))
    evaluate(run, attention=0)
    assert pd.read_parquet(run.directory / "attention.parquet").empty


def test_of_a_model_without_attention_nothing_is_kept(run, monkeypatch):
    monkeypatch.setattr(kept_attention, "attention_samples", lambda *rest: pd.DataFrame())
    monkeypatch.setattr(kept_attention, "attention_of", None)
    evaluate(run)
    assert pd.read_parquet(run.directory / "attention.parquet").empty


def test_vectors_too_large_for_half_precision_stay_finite(run):
    for batches in run.batches.values():
        for batch in batches:
            batch.streams["audio"].values.mul_(1e6)
    evaluate(run)
    assert np.isfinite(load_file(run.directory / "embeddings.safetensors")["one-seed0"]).all()


def test_errors(run):
    with pytest.raises(MmserError, match="the disturbed data of condition 'asr'"):
        evaluate(run, "asr")
    run.batches["one", 0].pop()
    with pytest.raises(MmserError, match="each of the 5 test utterances; found 3"):
        evaluate(run)
