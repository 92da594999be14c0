"""Files of tensors: what is read, what is refused."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.tensors import load_saved, load_tensors, read_tensors


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_tensors_lie_in_a_file_or_under_model(tmp_path: Path) -> None:
    tensors = {"a": torch.ones(2), "b": torch.arange(3)}
    save_file(tensors, tmp_path / "t.safetensors")
    files = [
        tmp_path / "t.safetensors",
        saved(tmp_path / "plain.pt", tensors),
        saved(tmp_path / "fairseq.pt", {"model": tensors, "args": Namespace(lr=1.0), "step": 3}),
    ]
    for file in files:
        assert {name: tensor.tolist() for name, tensor in read_tensors(file).items()} == {
            "a": [1, 1],
            "b": [0, 1, 2],
        }


class Foreign:
    pass


@pytest.mark.parametrize(
    "content", [torch.ones(2), [torch.ones(2)], {"step": 3}, {}, {"a": Foreign()}]
)
def test_other_content_is_one_clear_error(tmp_path: Path, content: object) -> None:
    with pytest.raises(MmserError, match="expected a file of tensors alone"):
        read_tensors(saved(tmp_path / "t.pt", content))


@pytest.mark.parametrize("name", ["t.pt", "t.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no tensors at all", b"\x80\x05"])
def test_damaged_files_are_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MmserError, match="expected a file of tensors alone"):
        read_tensors(tmp_path / name)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    path = saved(tmp_path / "t.pt", {"a": torch.ones(2), "b": torch.tensor([0.0, value])})
    with pytest.raises(
        MmserError,
        match=r"weights that are numbers in .*t\.pt; found NaN or infinity in b \(1 of 2",
    ):
        read_tensors(path)


def load(network: nn.Module, tensors: dict[str, Tensor], **patterns: list[str]) -> None:
    load_tensors(network, tensors, "the net", "net.pt", "Use another file.", **patterns)


def test_every_tensor_finds_its_place_and_every_place_its_tensor() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    wanted = {name: torch.full_like(tensor, 2) for name, tensor in network.state_dict().items()}
    # Older files do not count batches.
    without_count = {name: tensor for name, tensor in wanted.items() if "num_batches" not in name}
    load(network, without_count)
    assert network[0].weight.eq(2).all() and network[1].running_var.eq(2).all()
    with pytest.raises(
        MmserError, match=r"the tensors of the net in net\.pt; found no 0\.bias\. Use another file"
    ):
        load(network, {name: tensor for name, tensor in wanted.items() if name != "0.bias"})
    with pytest.raises(MmserError, match=r"found no place for head\.weight\."):
        load(network, wanted | {"head.weight": torch.ones(1)})
    with pytest.raises(MmserError, match=r"found another shape of 0\.bias \(4,\)"):
        load(network, wanted | {"0.bias": torch.ones(4)})
    load(network, wanted | {"head.weight": torch.ones(1)}, unused=["head.*"])
    load(
        network,
        {name: tensor for name, tensor in wanted.items() if name != "0.bias"},
        unset=["0.bias"],
    )


def test_a_saved_module_comes_back_whole_or_not_at_all(tmp_path: Path) -> None:
    path, module = tmp_path / "model.safetensors", nn.Linear(2, 1)
    save_file({"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, path)
    load_saved(module, path)
    assert module.weight.tolist() == [[1, 1]]
    with pytest.raises(MmserError, match=r"an undamaged .*model\.safetensors; found .*bias"):
        load_saved(nn.Linear(2, 1, bias=False), path)
    save_file({"weight": torch.ones(1, 2), "bias": torch.tensor([float("inf")])}, path)
    with pytest.raises(
        MmserError, match=r"weights that are numbers in .*found NaN or infinity in bias"
    ):
        load_saved(module, path)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(MmserError, match=r"an undamaged .*model\.safetensors"):
        load_saved(module, path)
    with pytest.raises(MmserError, match=r"an undamaged .*none\.safetensors"):
        load_saved(module, tmp_path / "none.safetensors")
