"""The dataclasses of options beside the configs: every config fits, each option is described,
nonsense does not.
"""

from dataclasses import MISSING, fields

import pytest
from makers.systems import system_settings

from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError
from mmser.runs.training_stages import PARTS
from mmser.settings.check import check_options, ranges_of
from mmser.settings.data import Data, Episodes
from mmser.settings.part import argument_names, check_part
from mmser.settings.paths import is_path, rooted, with_base
from mmser.settings.preprocess import Preprocess
from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, Number, OneOf, Text, Whole
from mmser.settings.run import RunSettings
from mmser.settings.settings import check_run, require_run
from mmser.settings.stage import Stage
from mmser.settings.stream import StreamSpec
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
    assert top | groups | {"model", "streams", "card", "parts"} == set(ranges_of(RunSettings))
    assert set(ranges_of(Stage)) == {*PARTS, "load"}


def test_every_option_says_what_it_may_be():
    for kind in (RunSettings, Trainer, Data, Episodes, StreamSpec, Stage, Preprocess):
        assert all(ranges_of(kind).values()), kind


@pytest.mark.parametrize("name", config_names("system"))
def test_every_system_is_within_the_ranges(name):
    settings = system_settings(name)
    check_run(settings)
    require_run(settings)


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


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Whole(1), [1, 10**9], [0, -1, 1.0, True, "1", None, 10**20, float("nan")]),
        (Number(above=0), [1, 0.5], [0, -1, True, "1", None, float("nan"), float("inf"), 10**400]),
        (Number(least=0, below=1), [0, 0.5], [1, 2, -0.1]),
        (Flag(), [True, False], [0, 1, "true", None]),
        (Text(), ["a", "null"], ["", "  ", 1, None, "a\0b"]),
        (Null(), [None], ["null", 0]),
        (OneOf("auto", -1), ["auto", -1], ["", 1, True, None]),
        (OneOf(1), [1], [True, "1", 1.0]),
        (ListOf(Whole(), least=1, distinct=True), [[0, 1]], [[], [1, 1], [-1], 1, "12", None]),
        (ListOf(Number(), least=2, most=2), [[0, 1], (0.5, 1)], [[0], [0, 1, 2]]),
        (MappingOf(Whole()), [{}, {"a": 1}], [{"a": -1}, [1], "a", None]),
    ],
)  # fmt: skip
def test_ranges(kind, good, bad):
    assert [value for value in good if not kind.holds(value)] == []
    assert [value for value in bad if kind.holds(value)] == []
    assert str(kind)


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


def test_which_options_are_paths():
    paths = ["corpus.root", "cache", "run", "word_vectors", "weights", "paths.weights", "extractor.glove.weights",
             "transcriber.model", "model.encoders.audio.weights", "domains.emodb.corpus.root", "protocol.label_file",
             "stages.a.model.encoders.audio.weights", "out"]  # fmt: skip
    others = ["objective.weights", "objective.weights.emotion", "stages.a.objective.weights", "seeds", "model.fusion",
              "corpus.name", "extractors", "transcript", "experiment"]  # fmt: skip
    assert [key for key in paths if not is_path(key)] == []
    assert [key for key in others if is_path(key)] == []


def test_a_runs_paths_are_found_from_another_folder(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "cache").mkdir(parents=True)
    there.mkdir()
    (here / "vectors.txt").touch()
    saved = with_base({"cache": "cache", "run": None, "word_vectors": "vectors.txt", "weights": "random",
                       "paths": {"cache": "cache", "weights": "weights"}, "folds": ["cache"],
                       "corpus": {"root": str(here / "corpus"), "name": "cache"}}, here)  # fmt: skip
    assert rooted(saved, here) == saved
    found = rooted(saved, there)
    assert found["cache"] == found["paths"]["cache"] == str(here / "cache")
    assert found["word_vectors"] == str(here / "vectors.txt")
    changed = {"cache", "paths", "word_vectors"}
    assert {key: value for key, value in found.items() if key not in changed} == {
        key: value for key, value in saved.items() if key not in changed
    }
    assert found["paths"]["weights"] == "weights"
    earlier = {key: value for key, value in saved.items() if key != "paths"}
    assert rooted(earlier, there) == earlier
