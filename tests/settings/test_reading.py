"""A checked mapping becomes frozen dataclasses; what an older run lacks is as the configs have it."""

from dataclasses import FrozenInstanceError

import pytest

from mmser.composition import compose
from mmser.core.errors import UsageError
from mmser.settings.data import Episodes
from mmser.settings.reading import read_options
from mmser.settings.run import Domain, read_run
from mmser.settings.stream import StreamSpec

WORDS = ["system=metaser", "corpus=emovo", "protocol=metaser4_emovo", "experiment=metaser_sources"]


@pytest.fixture(scope="module")
def config():
    return compose("train", WORDS)


def test_sections_are_dataclasses_of_their_own(config):
    settings = read_run(config)
    assert settings.trainer.epochs == config["trainer"]["epochs"]
    assert settings.data.episodes == Episodes(**config["data"]["episodes"])
    assert settings.streams["audio"] == StreamSpec(**config["streams"]["audio"])
    assert settings.domains["tess"] == Domain(**config["domains"]["tess"])
    assert settings.model == config["model"]
    with pytest.raises(FrozenInstanceError):
        settings.trainer.epochs = 3


def test_what_an_older_run_lacks_is_as_the_configs_have_it(config):
    older = {key: value for key, value in config.items() if key not in ("target_labels", "domains")}
    older["trainer"] = {
        key: value for key, value in config["trainer"].items() if key != "precise_norms"
    }
    older["data"] = {"batch_size": 8, "episodes": None}
    settings = read_run(older)
    assert settings.target_labels is True and settings.domains == {}
    assert settings.trainer.precise_norms == 0
    assert (settings.data.batch_size, settings.data.train_on) == (8, "all")
    assert settings.data.episodes == Episodes()


def test_a_part_that_every_run_has_is_missed(config):
    without = {key: value for key, value in config.items() if key != "model"}
    with pytest.raises(UsageError, match="the option model; found none"):
        read_run(without)
    with pytest.raises(UsageError, match=r"the option streams\.audio\.extractor; found none"):
        read_options(StreamSpec, {}, where="streams.audio")
