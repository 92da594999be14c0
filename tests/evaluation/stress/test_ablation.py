"""The grid: masking changes what it should, retraining keeps folds and budget, what cannot be built
is told.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from makers.evaluated_run import make_batch
from makers.trained_run import CLASSES

from mmser.composition import compose
from mmser.core.errors import MmserError, UsageError
from mmser.evaluation.evaluate import evaluate
from mmser.evaluation.stress.ablation import COLUMNS, ablate, grid_text
from mmser.evaluation.stress.conditions import (
    Condition,
    condition_scores,
    modalities,
    predict_conditions,
)
from mmser.evaluation.stress.masking import Keep, RandomAbsence, subsets
from mmser.evaluation.stress.variants import only_streams, with_value
from mmser.training.run import Run


@pytest.fixture(scope="module")
def grid(trained):
    return ablate(
        trained,
        train=True,
        rates=[0.3, 0.9],
        draws=2,
        remedy=0.4,
        vary={"fusion": ["gated"], "data.alignment": ["word"]},
    )


def cell(grid, train, test, metric="ua"):
    rows = grid[(grid["train"] == train) & (grid["test"] == test) & (grid["metric"] == metric)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_subsets():
    assert subsets("ab") == [("a", "b"), ("a",), ("b",)]
    assert len(subsets("abcd")) == 15


def test_modalities_of_streams(trained):
    assert modalities(trained.fold("s0", 0).data(), ["tone", "prose"]) == {
        "audio": ("tone",),
        "text": ("prose",),
    }
    assert modalities(trained.fold("s0", 0).data(), ["tone"]) == {"audio": ("tone",)}


def test_nothing_masked_is_the_clean_evaluation(trained, grid):
    clean = evaluate(trained)
    whole = pd.read_parquet(trained.directory / "ablation-predictions.parquet")
    whole = whole[whole["condition"] == "train audio+text, test audio+text"]
    assert whole["prediction"].tolist() == clean["prediction"].tolist()
    assert cell(grid, "audio+text", "audio+text")["absent"] == pytest.approx(
        0.5 / 24
    )  # u03 has no text


def test_the_grid_has_every_subset_at_training_and_test_time(grid):
    assert list(grid.columns) == list(COLUMNS)
    found = set(zip(grid["train"], grid["test"], grid["kind"], strict=True))
    whole = {("audio+text", test, "test") for test in ("audio+text", "audio", "text")}
    alone = {("audio", "audio", "train"), ("text", "text", "train")}
    assert whole | alone <= found
    assert {
        ("audio+text", "absent 0.3", "absence"),
        ("audio+text dropout 0.4", "text", "remedy"),
    } <= found
    assert ("fusion=gated", "audio+text", "component") in found
    assert ("fusion=gated", "audio", "component") not in found


def test_the_informative_modality_is_the_one_that_is_missed(grid):
    assert cell(grid, "audio+text", "text")["value"] > cell(grid, "audio+text", "audio")["value"]
    assert cell(grid, "text", "text")["value"] > 0.8
    assert cell(grid, "audio+text", "audio")["absent"] == 0.5


def test_absence_is_nested_seeded_and_leaves_one(grid):
    low, high = cell(grid, "audio+text", "absent 0.3"), cell(grid, "audio+text", "absent 0.9")
    assert 0 < low["absent"] < high["absent"] <= 0.5 + 1e-6
    assert low["draws"] == 2 and not np.isnan(low["std_draws"])
    batch = make_batch(
        [f"x{i}" for i in range(40)], np.zeros((40, 3)), [0] * 40, [["a"]] * 20 + [[]] * 20
    )
    groups = {"audio": ("audio",), "text": ("text",)}
    some, more = (RandomAbsence(groups, rate)(batch) for rate in (0.3, 1.0))
    for name in groups:
        assert not (more.streams[name].present & ~some.streams[name].present).any()
    there = torch.stack([more.streams[name].present for name in groups])
    assert there.any(0).all() and there[0, 20:].all()
    assert (there.sum(0) == 1).all()
    again = RandomAbsence(groups, 0.3)(batch)
    assert all(torch.equal(again.streams[n].mask, some.streams[n].mask) for n in groups)
    other = RandomAbsence(groups, 0.3, draw=1)(batch)
    assert not torch.equal(other.streams["audio"].mask, some.streams["audio"].mask)


def test_keep_changes_masks_alone():
    batch = make_batch(["x"], np.zeros((1, 3)), [0], [["a"]])
    kept = Keep(["text"])(batch)
    assert not kept.streams["audio"].present.any() and kept.streams["text"].present.all()
    assert kept.streams["audio"].values is batch.streams["audio"].values
    assert batch.streams["audio"].present.all()


def test_retrained_variants_keep_folds_seeds_and_budget(trained, grid):
    for folder in ("audio", "text", "audio+text-dropout-0.4", "fusion=gated"):
        variant = Run(trained.directory / "ablation" / folder)
        assert variant.folds == trained.folds
        assert variant.assignment.equals(trained.assignment)
        assert variant.config["trainer"] == trained.config["trainer"]
    assert list(Run(trained.directory / "ablation" / "audio").fold("s0", 0).model().encoders) == [
        "tone"
    ]


def test_what_cannot_be_built_is_a_row_that_says_why(grid):
    row = grid[grid["train"] == "data.alignment=word"].iloc[0]
    assert np.isnan(row["value"]) and row["note"].startswith("expected word times")


def test_the_printed_grid(grid):
    text = grid_text(grid)
    assert text.startswith("UA, pooled")
    assert "data.alignment=word: expected" in text
    value = cell(grid, "audio", "audio")["value"]
    assert f"{100 * value:.1f} [" in text


def test_scores_of_draws_pool_all_of_them(trained):
    both = [Condition("x", Keep(["tone"])), Condition("x", Keep(["prose"]), draw=1)]
    predictions = predict_conditions(trained, both)
    scores = condition_scores(predictions).set_index("metric")
    right = (predictions["target"] == predictions["prediction"]).groupby(predictions["draw"]).mean()
    assert scores.loc["wa", "value"] == pytest.approx(right.mean())
    assert scores.loc["wa", "std_draws"] == pytest.approx(right.std())
    assert scores.loc["wa", "utterances"] == 24


def test_variants_of_settings(trained):
    settings = {
        **trained.config,
        "stages": {"a": {"model": {"encoders": {"tone": 1, "prose": 2}}}, "b": None},
    }
    made = only_streams(settings, ["prose"])
    assert list(made["streams"]) == list(made["model"]["encoders"]) == ["prose"]
    assert made["stages"]["a"]["model"]["encoders"] == {"prose": 2}
    assert with_value(trained.config, "trainer.epochs", "9")["trainer"]["epochs"] == 9
    placed = with_value(trained.config, "encoder@model.encoders.tone", "gru")
    assert placed["card"]["name"].endswith("+gru") and placed["card"]["reported"] == []
    assert "recurrent" in placed["model"]["encoders"]["tone"]["_target_"]
    with pytest.raises(
        UsageError, match="leaves folds, seeds and data as they are; found protocol"
    ):
        with_value(trained.config, "protocol", "meld7")
    assert with_value(trained.config, "encoders.tone", "gru") == placed
    assert with_value(trained.config, "model.fusion", "gated") == with_value(
        trained.config, "fusion", "gated"
    )
    for key in ("encoder@model.encoders.tune", "encoders.tune"):
        with pytest.raises(UsageError, match=r"Did you mean encoders\.tone"):
            with_value(trained.config, key, "gru")
    with pytest.raises(UsageError, match="Did you mean gated"):
        with_value(trained.config, "fusion", "gatd")


def test_stages_of_the_published_staged_system_lose_what_is_gone():
    settings = compose(
        "train", ["system=leaf_mm_transformer", "corpus=synthetic", "protocol=synthetic4_loso5"]
    )
    settings["streams"]["characters"] = {"extractor": "characters"}
    made = only_streams(settings, ["text"])
    assert list(made["stages"]) == ["text", "conversation", "fusion"]
    assert list(made["streams"]) == ["text", "characters"] and list(made["model"]["encoders"]) == [
        "text"
    ]
    assert made["stages"]["text"]["trainer"]["freeze"] == ["fusion.*", "head.*"]
    assert made["stages"]["conversation"]["objective"]["sizes"] == {"text": 200}
    assert made["stages"]["fusion"] == settings["stages"]["fusion"]


def test_errors(trained, tmp_path):
    with pytest.raises(UsageError, match="rates between 0 and 1"):
        ablate(trained, rates=[1.5])
    with pytest.raises(MmserError, match="a run folder"):
        ablate(tmp_path)
    assert set(CLASSES) == set(trained.fold("s0", 0).data().task.classes)
