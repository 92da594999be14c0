"""The dataclasses of options beside the configs: every config fits, nonsense does not."""

from dataclasses import MISSING, fields

import pytest
from makers.systems import system_settings

from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError
from mmser.runs.training_stages import PARTS
from mmser.settings.check import check_options, ranges_of
from mmser.settings.data import Data, Episodes
from mmser.settings.preprocess import Preprocess
from mmser.settings.run import RunSettings
from mmser.settings.settings import check_run, require_run
from mmser.settings.stage import Stage
from mmser.settings.trainer import Trainer

TRAIN, PREPROCESS = load_config("..", "configs/train"), load_config("..", "configs/preprocess")


@pytest.mark.parametrize(
    ("kind", "listed"),
    [
        (Trainer, load_config("trainer", "default")),
        (Data, TRAIN["data"]),
        (Episodes, TRAIN["data"]["episodes"]),
        (Preprocess, {key: value for key, value in PREPROCESS.items() if key not in ("defaults", "hydra")}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_a_config_lists_the_options_that_its_dataclass_describes(kind, listed):
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    assert needed <= listed.keys() | {"corpus", "paths"}
    assert listed.keys() <= ranges_of(kind).keys()
    check_options(kind, {key: value for key, value in listed.items() if "$" not in str(value)}, "")


def test_a_run_and_a_stage_have_the_options_that_are_read():
    top = {key for key in TRAIN if key not in ("defaults", "hydra")}
    groups = {next(iter(entry)) for entry in TRAIN["defaults"] if isinstance(entry, dict)} - {
        "system",
        "experiment",
    }
    assert top | groups | {"model", "streams", "card", "parts", "solver"} == set(
        ranges_of(RunSettings)
    )
    assert set(ranges_of(Stage)) == {*PARTS, "load"}


@pytest.mark.parametrize("name", config_names("system"))
def test_every_system_is_within_the_ranges(name):
    settings = system_settings(name)
    check_run(settings)
    require_run(settings)


ADAM = "torch.optim.Adam"


def test_a_group_of_parameters_has_options_of_the_optimizer_alone():
    optimizer = {"_target_": ADAM, "lr": 1.0e-3}
    check_run(
        {
            "optimizer": optimizer,
            "trainer": {"groups": [{"match": "*", "lr_scale": 0.1, "eps": 1e-6}]},
        }
    )
    for group, said in [
        ({"match": "*", "lr_scal": 0.1}, "Did you mean .*lr_scale"),
        ({"lr_scale": 0.1}, r"the option trainer.groups\[0\].match"),
        ({"match": "*", "betas": [2, 0]}, "betas to be a list of 2"),
    ]:
        with pytest.raises(UsageError, match=said):
            check_run({"optimizer": optimizer, "trainer": {"groups": [group]}})
