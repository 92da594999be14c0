"""A system of which a part was exchanged is no longer the published one."""

import pytest

from mmser.composition import compose
from mmser.composition.places import own_choices
from mmser.runs.run_identity import run_directory

WORDS = ["corpus=iemocap", "protocol=iemocap4_loso5", "system=mcsan"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["fusion@model.fusion=gated"], "mcsan+gated"),
        (["fusion=gated"], "mcsan+gated"),
        (["model.fusion=gated", "fusion.size=64"], "mcsan+gated"),
        (["encoders.audio=bigru", "head=regression"], "mcsan+bigru+regression"),
        (["encoder@model.encoders.audio=bigru", "objective=focal"], "mcsan+bigru+focal"),
        (["fusion@model.fusion=mcsan"], "mcsan"),
        (["optimizer=sgd", "scheduler=step", "model.fusion.size=64"], "mcsan"),
    ],
)
def test_an_exchanged_part_renames_the_system(words, name):
    settings = compose("train", [*WORDS, *words])
    card = settings["card"]
    assert card["name"] == name
    assert bool(card["reported"]) is (name == "mcsan")
    assert (card["parameters"] is None) is (name != "mcsan")
    assert run_directory(settings).name.startswith(f"{name}-iemocap4_loso5-")


def test_a_system_inherits_the_choices_of_the_one_it_builds_upon():
    own = own_choices("cpc_ser_small")
    assert own["encoder@model.encoders.audio"] == "cpc_small"
    assert own["fusion@model.fusion"] == "attentive_statistics"
