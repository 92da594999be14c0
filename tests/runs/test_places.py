"""A config from elsewhere writes below the working directory, beside itself, or where mmser wrote
before.
"""

import pytest

from mmser.core.errors import UsageError
from mmser.runs.places import check_places


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def settings(run=None, cache="cache", runs="runs"):
    return {"run": run, "cache": cache, "paths": {"runs": runs}}


@pytest.mark.parametrize("key", ["run", "cache", "runs"])
def test_places_outside_are_asked_for(here, key):
    config = here / "their" / "config.yaml"
    for place in (str(here / "home"), "../home", "~/home"):
        with pytest.raises(
            UsageError, match=f"{key}=DIR, where .* would write outside this folder"
        ):
            check_places(settings(**{key: place}), [], config)
    check_places(
        settings(**{key: str(here / "home")}), ["paths.runs" if key == "runs" else key], config
    )
    check_places(settings(**{key: str(here / "their" / "inner")}), [], config)
    check_places(settings(**{key: "inner"}), [], config)


def test_what_mmser_made_goes_on(here):
    for name in ("home/config.yaml", "home/emodb/manifest.parquet", "home/other/config.yaml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).touch()
    home = str(here / "home")
    check_places(settings(run=home, cache=home), [], here / "their" / "config.yaml")
    check_places(settings(runs=home), [], here / "their" / "config.yaml")
