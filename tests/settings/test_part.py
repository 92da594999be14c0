"""The arguments of parts: checked by signature, names and ranges."""

import pytest

from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError
from mmser.settings.part import argument_names, check_part

GROUPS = (
    "encoder",
    "fusion",
    "head",
    "objective",
    "scheduler",
    "optimizer",
    "augmentation",
    "extractor",
    "protocol",
)


@pytest.mark.parametrize("group", GROUPS)
def test_every_part_is_within_the_ranges_and_its_arguments_are_known(group):
    for name in config_names(group):
        part = load_config(group, name)
        listed = {
            key: value for key, value in part.items() if "$" not in str(value) and value != "???"
        }
        check_part(listed, f"{group}.{name}")
        assert argument_names(part["_target_"]) is not None, name


CNN = "mmser.models.encoders.audio.stl.STL"
ADAM = "torch.optim.Adam"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"_target_": CNN, "hidden_size": -5}, "part.hidden_size to be a whole number from 1"),
        ({"_target_": CNN, "hidden_size": 8.0}, "part.hidden_size to be a whole number"),
        ({"_target_": CNN, "dropout": 2}, "part.dropout to be a number at least 0 and below 1"),
        ({"_target_": CNN, "dropout": float("nan")}, "part.dropout to be a number"),
        (
            {"_target_": CNN, "channels": [8, 0]},
            "part.channels to be a list of a whole number from 1",
        ),
        (
            {"_target_": CNN, "stl_on": "vectr"},
            r"vector \| sequence; found 'vectr'. Did you mean part.stl_on=vector",
        ),
        ({"_target_": CNN, "chanels": [8]}, "found part.chanels. Did you mean part.channels"),
        ({"_target_": ADAM, "momentum": 1}, "an option of part; found part.momentum"),
        (
            {"inner": [{"_target_": CNN, "layers": -1}]},
            r"part.inner\[0\].layers to be a whole number from 0",
        ),
    ],
)
def test_a_parts_arguments_are_checked_by_its_signature_and_their_names(part, said):
    with pytest.raises(UsageError, match=said):
        check_part(part, "part")
