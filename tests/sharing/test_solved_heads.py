"""What a solver found goes into a model folder and an ONNX file as any weights do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from makers.sound_run import make_sound_run, stand_ins, write_recording

from mmser.evaluation.predict import run_model
from mmser.inference.model_folder import ModelFolder
from mmser.inference.timeline import predict_recording
from mmser.sharing.export import export
from mmser.sharing.onnx_export import export_onnx

HEADS = {
    "knn.KNN": ("nearest_neighbours.NearestNeighbours", {"neighbours": 3}),
    "xgboost.XGBoost": ("boosted_trees.BoostedTrees", {"rounds": 5, "depth": 2}),
}


@pytest.mark.parametrize("solver", HEADS)
def test_a_head_that_the_data_sized_travels(
    solver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "xgboost" in solver:
        pytest.importorskip("xgboost")
    head, options = HEADS[solver]
    rooms = "mmser.models.encoders"
    model = {
        "encoders": {
            "tone": {"_target_": f"{rooms}.sequence.pool.Pool", "_partial_": True},
        },
        "fusion": {
            "_target_": "mmser.models.fusion.concat.Concat",
            "_partial_": True,
            "pooling": "mean",
        },
        "head": {"_target_": f"mmser.models.heads.{head}", "_partial_": True},
    }
    run = make_sound_run(
        tmp_path,
        folds=["s0"],
        model=model,
        solver={"_target_": f"mmser.training.solvers.{solver}", **options},
    )
    (trained,) = run.finished()
    assert trained.facts["parameters"] == sum(
        value.numel() for value in trained.model().head.state_dict().values()
    )
    batch = next(iter(trained.data().loader("test", shuffle=False)))
    ((_, expected),) = run_model(trained.model(), [batch])
    assert expected.logits is not None and len(set(expected.logits.argmax(dim=1).tolist())) == 3

    (member,) = ModelFolder(export(run.directory, tmp_path / "model", fold="s0")).members()
    ((_, told),) = run_model(member.model, [batch])
    assert told.logits is not None and torch.equal(told.logits, expected.logits)
    file = export_onnx(run, tmp_path / "model.onnx", "s0")
    assert file.difference < 1e-4

    stand_ins(monkeypatch)
    table = predict_recording(tmp_path / "model", write_recording(tmp_path / "new.wav"), window=1.0)
    columns = [f"probability_{name}" for name in ("angry", "happy", "sad")]
    np.testing.assert_allclose(table[columns].dropna().sum(axis=1), 1.0, atol=1e-5)
