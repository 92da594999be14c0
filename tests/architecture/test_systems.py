"""Every system is complete data: its card, its streams and its settings name things that exist."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import yaml

from mmser.core.configs import config_dir, config_names, load_config
from mmser.data.spec import StreamSpec

SYSTEMS = config_names("system")
CARD = ("name", "title", "citation", "tasks", "parameters", "protocol", "reported", "departures")
every = pytest.mark.parametrize("name", SYSTEMS)


def settings(name: str) -> dict[str, Any]:
    return load_config("system", name)


@every
def test_card_is_complete(name: str) -> None:
    card = settings(name)["card"]
    assert [key for key in CARD if key not in card] == []
    assert card["name"] == name
    for score in card["reported"]:
        assert {"data", "metric", "value", "protocol", "source"} <= set(score)


@every
def test_card_names_protocols_that_exist(name: str) -> None:
    assert settings(name)["card"]["protocol"] in config_names("protocol")


@every
def test_streams_name_extractors_that_exist(name: str) -> None:
    known = {part.name for part in fields(StreamSpec)}
    for stream in settings(name).get("streams", {}).values():
        assert set(stream) <= known
        extractor = str(stream.get("extractor", "")).partition("@")[0]
        assert not extractor or extractor in config_names("extractor")


@every
def test_settings_are_known(name: str) -> None:
    """A misspelt key would be composed silently and never read."""
    train = yaml.safe_load((config_dir() / "train.yaml").read_text(encoding="utf-8"))
    known = {"trainer": set(load_config("trainer", "default")), "data": set(train["data"])}
    for part, keys in known.items():
        assert set(settings(name).get(part) or {}) <= keys, part
    assert set(settings(name)) <= {
        *train,
        "model",
        "streams",
        "card",
        "trainer",
        "optimizer",
        "scheduler",
        "objective",
    }
