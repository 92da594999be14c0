"""The registry of configs, and the names near to one that is not in it."""

from __future__ import annotations

import pytest

from mmser.composition import compose
from mmser.core.configs import FEW, config_dir, config_names, load_config, unknown_name
from mmser.core.errors import UsageError


def test_every_named_config_is_read_as_a_mapping() -> None:
    assert (config_dir() / "train.yaml").is_file()
    names = config_names("fusion")
    assert names == sorted(names) and "gated" in names
    assert load_config("fusion", "gated")["_target_"].startswith("mmser.models.fusion.gated.")


def test_a_name_nearly_right_is_suggested() -> None:
    with pytest.raises(UsageError, match=r"the name of a fusion; found 'gatde'.*mean gated"):
        load_config("fusion", "gatde")


def test_names_far_from_all_are_told_a_few() -> None:
    names = [f"name{place:02d}" for place in range(FEW + 3)]
    error = unknown_name("extractor", "zzz", names)
    assert error.expected == "the name of an extractor"
    assert error.remedy.endswith("name11 and 3 more (`mmser list`).")
    assert unknown_name("corpus", "zzz", []).remedy == "Known: none."


def test_a_config_over_its_parents_is_what_hydra_composes() -> None:
    words = ["system=self_attention", "corpus=iemocap", "protocol=iemocap4_loso5"]
    composed = compose("train", words)
    protocol = load_config("protocol", "iemocap4_loso5")
    assert composed["protocol"] == protocol
    assert protocol["counts"].keys() == {"total", "label", "session", "dialogue"}
    assert composed["model"]["fusion"] == load_config("fusion", "self_attention")


def test_the_choices_of_parents_come_before_a_systems_own() -> None:
    choices = load_config("system", "self_attention")["defaults"]
    fusions = [entry for entry in choices if "fusion" in str(entry)]
    assert [list(entry.values()) for entry in fusions] == [["cross_attention"], ["self_attention"]]
