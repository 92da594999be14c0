"""Recurrent layers as ONNX operators give what torch's layers give, for any number of steps."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from mmser.sharing.onnx_export import to_onnx
from mmser.sharing.onnx_recurrence import OnnxRecurrence, open_recurrences


class Cell(nn.Module):
    """All that a recurrent layer returns, started from its own last state."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, *tensors):
        (values,) = tensors
        _, state = self.cell(values)
        outputs, last = self.cell(values, state)
        return (outputs, *last) if isinstance(last, tuple) else (outputs, last)


@pytest.mark.parametrize(
    "cell",
    [
        nn.GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True),
        nn.LSTM(3, 4, num_layers=2, bidirectional=True),
        nn.RNN(3, 4, nonlinearity="relu", batch_first=True, bias=False),
    ],
    ids=["gru", "lstm", "rnn"],
)
def test_the_same_as_torchs(cell, tmp_path):
    torch.manual_seed(0)
    module = Cell(cell).eval()
    opened = Cell(OnnxRecurrence(cell)).eval()
    to_onnx(opened, [torch.randn(2, 5, 3)], [{0: "first", 1: "second"}], ["values"]).save(
        str(tmp_path / "cell.onnx")
    )
    session = onnxruntime.InferenceSession(
        str(tmp_path / "cell.onnx"), providers=["CPUExecutionProvider"]
    )
    for shape in ((2, 5, 3), (4, 9, 3), (1, 2, 3)):
        values = torch.randn(shape)
        with torch.no_grad():
            expected = module(values)
        for answer, wanted in zip(
            session.run(None, {"values": values.numpy()}), expected, strict=True
        ):
            np.testing.assert_allclose(answer, wanted.numpy(), atol=1e-6)


def test_every_recurrent_layer_is_exchanged():
    module = nn.ModuleDict({"a": nn.GRU(2, 2), "b": nn.Sequential(nn.LSTM(2, 2), nn.Linear(2, 2))})
    module["projected"] = nn.LSTM(2, 3, proj_size=2)
    open_recurrences(module)
    assert isinstance(module["a"], OnnxRecurrence) and isinstance(module["b"][0], OnnxRecurrence)
    assert isinstance(module["b"][1], nn.Linear) and isinstance(module["projected"], nn.LSTM)
