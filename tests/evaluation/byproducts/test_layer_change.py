"""How far stages move layers: network order, what was taken over, frozen layers."""

import pytest
from safetensors.torch import save_file
from torch import nn

from mmser.evaluation.byproducts.layer_change import LAYER_COLUMNS, layer_change
from mmser.runs.training_stages import list_stages

STAGES = {
    "first": {},
    "second": {"load": ["encoder.*", "unused.*"]},
    "third": {"load": ["*"]},
}


def network():
    """Twelve layers, so that order by name is not the network's."""
    model = nn.Module()
    model.encoder = nn.Sequential(*(nn.Linear(2, 2) for _ in range(11)))
    model.encoder.append(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    model.head = nn.Linear(2, 2)
    return model


@pytest.fixture
def trained(tmp_path):
    """Three stages of one fold: the second turns layer 3 around, the third moves the head alone."""
    weights = {name: tensor.clone() for name, tensor in network().state_dict().items()}
    for stage in list_stages({"stages": STAGES}):
        if stage.name == "second":
            weights["encoder.3.weight"] = -weights["encoder.3.weight"]
        if stage.name == "third":
            weights["head.weight"] = weights["head.weight"] + 1.0
        (tmp_path / stage.folder).mkdir(parents=True, exist_ok=True)
        save_file(
            {name: tensor.contiguous() for name, tensor in weights.items()},
            tmp_path / stage.folder / "model.safetensors",
        )
    return tmp_path


def test_layers_in_network_order_with_what_each_stage_moved(trained):
    table = layer_change(network(), list_stages({"stages": STAGES}), trained)
    second, third = (
        table[table["stage"] == name].set_index("layer")["distance"] for name in ("second", "third")
    )
    encoder = [*(f"encoder.{index}" for index in range(11)), "encoder.11.0"]
    assert list(second.index) == encoder and list(third.index) == [*encoder, "head"]
    assert second["encoder.3"] == pytest.approx(2.0)
    assert second.drop("encoder.3").abs().max() == pytest.approx(0.0, abs=1e-6)
    assert third["head"] > 0.01 and third[encoder].abs().max() == pytest.approx(0.0, abs=1e-6)


def test_a_single_stage_or_a_missing_one_gives_nothing(trained):
    assert layer_change(network(), list_stages({"stages": {}}), trained).empty
    (trained / "stages" / "second" / "model.safetensors").unlink()
    table = layer_change(network(), list_stages({"stages": STAGES}), trained)
    assert table.empty and tuple(table.columns) == LAYER_COLUMNS
