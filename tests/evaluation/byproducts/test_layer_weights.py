"""What learned sums take of each layer, wherever they stand in a model."""

from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from makers.evaluated_run import MeanModel
from torch import nn

from mmser.evaluation.byproducts.layer_weights import WEIGHT_COLUMNS, layer_weights
from mmser.evaluation.evaluate import evaluate
from mmser.models.encoders.sequence.layer_mix import LayerMix
from mmser.models.layers.dense.layer_sum import LayerSum


def with_sums(model: nn.Module) -> nn.Module:
    encoder = LayerMix(4, 3)
    encoder.mix.scores.data = torch.tensor([1.0, 2.0, 1.0]).log()
    model.encoders = nn.ModuleDict({"voice": encoder, "text": nn.Linear(2, 2)})
    model.extra = LayerSum(2)
    return model


def test_weights_by_stream_or_by_name() -> None:
    table = layer_weights(with_sums(nn.Module()))
    assert table["sum"].tolist() == ["voice"] * 3 + ["extra"] * 2
    assert table["layer"].tolist() == [0, 1, 2, 0, 1]
    assert table["weight"].tolist() == pytest.approx([0.25, 0.5, 0.25, 0.5, 0.5])
    none = layer_weights(nn.Linear(2, 2))
    assert none.empty and tuple(none.columns) == WEIGHT_COLUMNS


def test_evaluation_keeps_them_for_every_fold_and_seed(run) -> None:
    finished = run.finished()
    for trained in finished:
        trained.model = lambda: with_sums(MeanModel())
    changed = SimpleNamespace(**vars(run) | {"finished": lambda: finished})
    evaluate(changed)
    table = pd.read_parquet(run.directory / "layer-weights.parquet")
    assert table.groupby(["fold", "seed", "sum"])["weight"].sum().to_list() == pytest.approx(
        [1.0] * 8
    )
