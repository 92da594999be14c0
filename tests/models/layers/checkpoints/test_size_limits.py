"""No network is built that is far larger than its file of weights; any that fits is
built as ever.
"""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.size_limits import no_larger_than


@pytest.fixture
def path(tmp_path):
    save_file({"weight": torch.zeros(10, 10)}, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(10**9, 10),
        lambda: nn.Embedding(10**6, 10**6),
        lambda: nn.GRU(10**6, 10**6),
        lambda: nn.LSTM(4, 4, num_layers=10**6),
        lambda: nn.ModuleList(nn.Linear(1, 1) for _ in range(10**6)),
        lambda: nn.ModuleList(nn.ReLU() for _ in range(10**6)),
        lambda: nn.ModuleList(nn.Linear(1000, 1000) for _ in range(50)),
        lambda: nn.Parameter(torch.zeros(10**6, 10**6)),
        lambda: torch.randn(10**6, 100),
        lambda: torch.arange(0, 1e9, 0.1),
        lambda: torch.linspace(0, 1, 10**9),
        lambda: torch.eye(10**5),
        lambda: torch.zeros(3).new_zeros(10**5, 10**5),
        lambda: torch.zeros(3).repeat(10**9),
        lambda: torch.full((10**5, 10**5), 1.0),
        lambda: torch.zeros(10**5, 1) * torch.zeros(10**5),
        lambda: torch.hann_window(10**10),
    ],
)
def test_what_no_file_of_this_size_can_fill(path, make):
    with pytest.raises(MmserError, match=r"model\.safetensors can fill"), no_larger_than(path):
        make()
    nn.ModuleList(nn.ReLU() for _ in range(1000))  # afterwards anything may be built again


def test_what_fits_is_the_same_network(path):
    torch.manual_seed(0)
    expected = nn.Sequential(nn.Linear(10, 9), nn.GRU(9, 3), nn.Embedding(1000, 16)).state_dict()
    torch.manual_seed(0)
    with no_larger_than(path):
        found = nn.Sequential(nn.Linear(10, 9), nn.GRU(9, 3), nn.Embedding(1000, 16)).state_dict()
        assert torch.full((3,), 10**9).sum() == 3 * 10**9 and torch.randint(
            0, 10**9, (2,)
        ).shape == (2,)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    with no_larger_than(path.with_name("none")):
        nn.Linear(3, 3)


@pytest.mark.parametrize(
    "content", [b"", b"x", (10**12).to_bytes(8, "little"), (2**24 + 1).to_bytes(8, "little")]
)
def test_a_damaged_file_is_told(path, content):
    path.write_bytes(content)
    with pytest.raises(MmserError, match="undamaged"), no_larger_than(path):
        pass
