"""Probabilities, labels and order, worked out from the logits by hand; nothing leaks in from
padding or batches.
"""

import numpy as np
import pytest
import torch
from makers.evaluated_run import CLASSES, MeanModel, make_batch
from torch import nn

from mmser.core.batch import Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.evaluation.predict import predict, predict_and_embed, run_model

TASK = Task(classes=CLASSES)

LOGITS = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def batch():
    return make_batch(["x", "y"], LOGITS, [0, -100], [["a"], ["b", "c"]])


def test_a_table_worked_by_hand(batch):
    table, vectors = predict_and_embed(MeanModel(), [batch], TASK)
    assert table["id"].tolist() == ["x", "y"]
    assert table["target"].tolist()[0] == "ang"
    assert table["target"].isna().tolist() == [False, True]
    assert table["prediction"].tolist() == ["ang", "sad"]
    expected = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    assert table[[f"probability_{c}" for c in CLASSES]].to_numpy() == pytest.approx(
        expected, abs=1e-6
    )
    assert vectors == pytest.approx(LOGITS, abs=1e-6)
    assert vectors.dtype == np.float32


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.9)

    def forward(self, streams, context, need_attention=False):
        values = self.drop(streams["audio"].filled().sum(1))[:, :2]
        return Outputs(values, values=values)


def test_values_in_eval_mode_and_the_mode_is_put_back(batch):
    model = Regressor().train()
    batch.targets["values"] = torch.tensor([[1.0, 2.0], [torch.nan, 3.0]])
    table = predict(model, [batch], Task(values=("valence", "arousal")))
    assert table["prediction_valence"].tolist() == [4.0, 0.0]
    assert table["target_arousal"].tolist() == [2.0, 3.0]
    assert np.isnan(table["target_valence"][1])
    assert "target" not in table
    assert model.training


def test_no_gradients(batch):
    _, outputs = next(run_model(nn.Sequential(MeanModel())[0], [batch]))
    assert outputs.logits.is_inference()


def test_nan_never_becomes_a_class(batch):
    broken = make_batch(["x", "y"], LOGITS * [[1], [np.nan]], [0, 1], [["a"], ["b"]])
    with pytest.raises(MmserError, match="NaN or infinity for 1 in one batch, first y"):
        predict(MeanModel(), [broken], TASK)


def test_a_model_that_predicts_something_else(batch):
    with pytest.raises(MmserError, match="4 logits per utterance; found 3"):
        predict(MeanModel(), [batch], Task(classes=("a", "b", "c", "d")))
    with pytest.raises(MmserError, match="1 values per utterance; found none"):
        predict(MeanModel(), [batch], Task(values=("valence",)))
    with pytest.raises(MmserError, match="utterances to predict; found none"):
        predict(MeanModel(), [], TASK)
