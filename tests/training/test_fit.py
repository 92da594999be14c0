"""Whole runs on a small cache: what is skipped, what is refused, what two runs share."""

import json
import shutil

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from mmser.core.errors import MmserError
from mmser.corpora.manifest import read_manifest, write_manifest
from mmser.runs.run_identity import run_directory
from mmser.training import fold_training as fold_module
from mmser.training.fit import DIFFERENCES, tell_differences, train
from mmser.training.run import Run


def weights(run):
    return {
        path.parent.name: path.read_bytes()
        for path in sorted(run.directory.glob("folds/*/model.safetensors"))
    }


def test_a_run_trains_every_fold_and_writes_what_it_promises(settings):
    run = train(settings())
    assert run.folds == [("s0", 0), ("s1", 0), ("s2", 0), ("s3", 0)]
    for fold, seed in run.folds:
        names = {path.name for path in run.fold(fold, seed).directory.iterdir()}
        assert {
            "model.safetensors",
            "transforms.safetensors",
            "transforms.json",
            "fold.json",
            "metrics.csv",
        } <= names
        assert "state.ckpt" not in names
        table = run.fold(fold, seed).curve
        assert list(table["epoch"]) == [1, 2, 3]
        described = run.fold(fold, seed).facts
        # The best weights are those of the first best check.
        assert described["best_epoch"] == int(table["epoch"][table["validation_ua"].argmax()])
        assert described["best_score"] == pytest.approx(table["validation_ua"].max())
        assert described["classes"] == ["angry", "happy", "sad"]
        assert described["input_sizes"] == {"tone": 6, "noise": 4}
        assert described["parameters"] == sum(
            p.numel() for p in run.fold(fold, seed).model().parameters()
        )
    environment = json.loads((run.directory / "environment.json").read_text())
    assert environment["packages"]["torch"].startswith("2.")
    assert set(environment["caches"]) == {"tone", "noise"}
    assert environment["random_weights"] is False
    assert set(run.assignment["part"]) == {"train", "validation", "test"}


def test_a_speaker_of_any_name_has_a_fold_of_its_own_inside_the_run(settings, cache, tmp_path):
    names = {"s0": "../../x", "s1": "a/b", "s2": "..", "s3": "ü [1]"}
    shutil.copytree(cache, tmp_path / "cache")
    path = tmp_path / "cache" / "small" / "manifest.parquet"
    manifest = read_manifest(path)
    write_manifest(manifest.assign(speaker=manifest["speaker"].map(names)), path)
    before = {*tmp_path.rglob("*")}
    stages = {"../first": {}, "second": {}}
    made = settings(
        "runs/run", cache=str(tmp_path / "cache"), stages=stages, **{"trainer.epochs": 1}
    )
    run = train(made)
    assert {fold for fold, _ in run.folds} == {*names.values()}
    for fold, seed in run.folds:
        assert (
            run.fold(fold, seed).directory / "stages" / "%2E.%2Ffirst" / "model.safetensors"
        ).is_file()
        assert run.fold(fold, seed).facts["fold"] == fold and run.fold(fold, seed).model()
    written = {*tmp_path.rglob("*")} - before
    assert all(
        run.directory in (path, *path.parents) or path == run.directory.parent for path in written
    )
    assert train(made).folds == run.folds


def test_the_loaded_model_scores_what_training_said(settings):
    run = train(settings(folds=["s1"]))
    (fold, seed), model = run.folds[0], run.fold("s1", 0).model()
    assert not model.training
    loader = run.fold(fold, seed).data().loader("validation", shuffle=False)
    right, total = torch.zeros(3), torch.zeros(3)
    with torch.no_grad():
        for batch in loader:
            target = batch.targets["emotion"]
            hits = model(batch.streams, batch.context).logits.argmax(dim=1) == target
            right += torch.zeros(3).index_add(0, target, hits.float())
            total += torch.bincount(target, minlength=3)
    assert float((right / total).mean()) == pytest.approx(run.fold(fold, seed).facts["best_score"])


def test_what_is_in_the_tone_is_learnt(settings):
    run = train(
        settings(
            folds=["s0"], **{"trainer.epochs": 15, "optimizer.lr": 0.03, "trainer.monitor": "loss"}
        )
    )
    assert run.fold("s0", 0).curve["validation_ua"].max() > 0.8


def test_a_finished_fold_is_not_run_again(settings, monkeypatch):
    run = train(settings(folds=["s0", "s2"]))
    before = {path: path.stat().st_mtime_ns for path in run.directory.rglob("*") if path.is_file()}
    fitted = []
    original = fold_module.fit_stage
    monkeypatch.setattr(
        fold_module, "fit_stage", lambda *a: (fitted.append(a[1].fold), original(*a))
    )
    train(settings(folds=["s0", "s2"]))
    assert fitted == []
    assert {
        path: path.stat().st_mtime_ns for path in run.directory.rglob("*") if path.is_file()
    } == before
    (run.fold("s2", 0).directory / "done.json").unlink()
    train(settings(folds=["s0", "s2"]))
    assert fitted == ["s2"]


def test_the_seed_decides(settings):
    same = [train(settings(run=name, folds=["s0"], **{"trainer.epochs": 1})) for name in ("a", "b")]
    other = train(settings(run="c", folds=["s0"], seeds=[1], **{"trainer.epochs": 1}))
    assert weights(same[0]) == weights(same[1])
    assert list(weights(same[0]).values()) != list(weights(other).values())


@pytest.mark.parametrize("forked", [True, False])
def test_two_jobs_equal_one_bit_for_bit(settings, monkeypatch, forked):
    monkeypatch.setattr("mmser.training.jobs.may_fork", lambda *_: forked)
    one = train(settings(run="one", folds=["s0", "s3"], **{"trainer.epochs": 2}))
    two = train(settings(run="two", folds=["s0", "s3"], **{"trainer.epochs": 2, "trainer.jobs": 2}))
    assert weights(one) == weights(two)
    for fold, seed in one.folds:
        left, right = one.fold(fold, seed).curve, two.fold(fold, seed).curve
        pd.testing.assert_frame_equal(left.drop(columns="seconds"), right.drop(columns="seconds"))


def test_a_saved_config_repeats_the_run(settings):
    run = train(settings(run="a", folds=["s0"], **{"trainer.epochs": 1}))
    saved = yaml.safe_load((run.directory / "config.yaml").read_text())
    assert saved == run.config
    again = train({**saved, "run": str(run.directory.parent / "b")})
    assert weights(again) == weights(run)


def test_a_folder_with_another_config_is_refused_naming_what_differs(settings):
    train(settings(folds=["s0"], **{"trainer.epochs": 1}))
    with pytest.raises(MmserError, match=r"optimizer.lr=0.01 \(now 0.5\)"):
        train(settings(folds=["s0"], **{"trainer.epochs": 1, "optimizer.lr": 0.5}))


def test_the_default_folder_follows_from_what_the_run_is(settings):
    plain = run_directory({**settings(), "run": None})
    assert plain.name.startswith("small-small3_speaker4-")
    moved = {**settings(), "run": None, "cache": "elsewhere"}
    assert run_directory({**moved, "trainer": {**moved["trainer"], "jobs": 7}}).name == plain.name
    assert run_directory({**moved, "seeds": [1]}).name != plain.name


def test_an_unknown_fold_is_refused(settings):
    with pytest.raises(MmserError, match="folds among s0, s1, s2, s3; found s9"):
        train(settings(folds=["s9"]))


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(MmserError, match="a run folder"):
        Run(tmp_path)


def test_an_unfinished_fold_is_not_handed_out(settings):
    run = train(settings(folds=["s0"], **{"trainer.epochs": 1}))
    with pytest.raises(MmserError, match="a finished fold s1 seed 0; found s0 seed 0"):
        run.fold("s1", 0).model()


def test_other_caches_are_refused(settings):
    run = train(settings(folds=["s0"], **{"trainer.epochs": 1}))
    path = run.directory / "environment.json"
    path.write_text(path.read_text().replace(run.environment["caches"]["tone"], "0" * 12))
    with pytest.raises(
        MmserError, match=r"the cache that the run was trained on, .*-000000000000 of"
    ):
        train(settings(folds=["s0"], **{"trainer.epochs": 1}))


@pytest.mark.slow
@pytest.mark.parametrize("forked", [True, False])
def test_a_failing_fold_in_a_process_is_named(settings, monkeypatch, forked):
    monkeypatch.setattr("mmser.training.jobs.may_fork", lambda *_: forked)
    with pytest.raises(
        MmserError, match=r"s0 seed 0, s1 seed 0 failed .*a parameter matching 'nothing"
    ):
        train(settings(folds=["s0", "s1"], **{"trainer.jobs": 2, "trainer.freeze": ["nothing.*"]}))


def test_test_labels_are_not_read(settings):
    """Other test labels, same weights."""
    run = train(settings(run="a", folds=["s0"], **{"trainer.epochs": 2}))
    blind = settings(run="b", folds=["s0"], **{"trainer.epochs": 2})
    other = run.directory.parent / "b"
    train({**blind, "folds": []})
    table = pd.read_parquet(other / "assignment.parquet")
    table.loc[table["part"] == "test", "label"] = None
    table.to_parquet(other / "assignment.parquet", index=False)
    (other / "config.yaml").write_text((run.directory / "config.yaml").read_text())
    train({**blind, "run": str(other)})
    assert weights(Run(other)) == weights(run)


def test_objectives_keep_their_own_weights_beside_the_models(settings):
    terms = {
        "emotion": {
            "_target_": "mmser.objectives.losses.classification.CrossEntropy",
            "_partial_": True,
        },
        "gender": {
            "_target_": "mmser.objectives.losses.attribute.AttributeClassification",
            "_partial_": True,
        },
    }
    objective = {
        "_target_": "mmser.objectives.losses.weighted_sum.WeightedSum",
        "_partial_": True,
        "terms": terms,
    }
    run = train(settings(folds=["s0"], objective=objective, **{"trainer.epochs": 1}))
    saved = load_file(run.fold("s0", 0).directory / "objective.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in saved.items()} == {
        "terms.1.output.weight": (2, 16),
        "terms.1.output.bias": (2,),
    }
    assert "train_gender.gender" in run.fold("s0", 0).curve.columns


def test_mixed_precision_keeps_float32_weights(settings):
    run = train(settings(folds=["s0"], **{"trainer.epochs": 1, "trainer.precision": "bf16-mixed"}))
    saved = load_file(run.fold("s0", 0).directory / "model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}


def test_tensorboard_and_checks_within_an_epoch(settings):
    changes = {"trainer.epochs": 1, "trainer.log_tensorboard": True, "trainer.check_every": 0.5}
    run = train(settings(folds=["s0"], **changes))
    assert len(run.fold("s0", 0).curve) == 2
    assert list(run.fold("s0", 0).directory.glob("tensorboard/events*"))


def test_of_many_differences_the_first_are_told_and_the_file_of_all(caplog, tmp_path):
    tell_differences("small", [f"label {n}: 0, not 1" for n in range(30)], tmp_path / "record.json")
    assert len(caplog.messages) == DIFFERENCES + 1
    assert caplog.messages[0] == "small differs from the published corpus: label 0: 0, not 1"
    assert caplog.messages[-1].startswith("and 22 more differences: see ")
    caplog.clear()
    tell_differences("small", ["label 0: 0, not 1"], tmp_path / "record.json")
    assert len(caplog.messages) == 1
