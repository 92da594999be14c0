"""Any module's tensors go to a file and come back, however they lie in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_model
from torch import nn

from mmser.cache.tensors import load_arrays, save_arrays, save_module
from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.tensors import load_saved


class Tied(nn.Module):
    """An embedding and an output layer that are one matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(3, 5, bias=False)
        self.embedding = nn.Embedding(5, 3)
        self.output.weight = self.embedding.weight


def flattened(module: nn.Module) -> nn.Module:
    """As cuDNN leaves a recurrent layer: every parameter a view of one buffer."""
    parameters = list(module.parameters())
    flat = torch.cat([parameter.data.reshape(-1) for parameter in parameters])
    for parameter, part in zip(
        parameters, flat.split([p.numel() for p in parameters]), strict=True
    ):
        parameter.data = part.view_as(parameter)
    return module


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.GRU(3, 4, bidirectional=True),
        lambda: nn.LSTM(3, 4, num_layers=2),
        Tied,
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(
            memory_format=torch.channels_last
        ),
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)),
    ],
    ids=["gru", "lstm", "tied", "channels_last", "weight_norm"],
)
def test_saved_and_loaded(make, tmp_path) -> None:
    saved, loaded = flattened(make()), make()
    save_module(saved, tmp_path / "model.safetensors")
    load_saved(loaded, tmp_path / "model.safetensors")
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


def test_tied_tensors_are_kept_once_and_stay_tied(tmp_path) -> None:
    model, other = Tied(), Tied()
    save_module(model, tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert list(file.keys()) == ["embedding.weight"]
    load_saved(other, tmp_path / "model.safetensors")
    assert other.output.weight is other.embedding.weight
    assert torch.equal(other.output.weight, model.output.weight)


@pytest.mark.parametrize("make", [Tied, lambda: nn.LSTM(2, 3)], ids=["tied", "lstm"])
def test_the_files_of_earlier_versions_are_the_same(make, tmp_path) -> None:
    """They were written by safetensors' own writer, which refuses views."""
    model = make()
    save_model(model, str(tmp_path / "before.safetensors"))
    save_module(model, tmp_path / "now.safetensors")
    before, now = (load_file(tmp_path / f"{name}.safetensors") for name in ("before", "now"))
    assert before.keys() == now.keys() and all(torch.equal(before[name], now[name]) for name in now)
    with pytest.raises(RuntimeError):
        save_model(flattened(nn.LSTM(2, 3)), str(tmp_path / "views.safetensors"))


def test_a_damaged_file_is_told(tmp_path) -> None:
    path = tmp_path / "arrays.safetensors"
    save_arrays({"a": np.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(MmserError, match=r"undamaged .*arrays\.safetensors"):
        load_arrays(path)


def test_arrays_that_are_views(tmp_path) -> None:
    grid = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_arrays({"turned": grid.T, "every_other": grid[:, ::2]}, tmp_path / "arrays.safetensors")
    found = load_arrays(tmp_path / "arrays.safetensors")
    assert np.array_equal(found["turned"], grid.T) and np.array_equal(
        found["every_other"], grid[:, ::2]
    )
