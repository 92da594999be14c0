"""The catalogue reads configs and docstrings, never the code itself."""

import pytest

from mmser.catalogue import KINDS, catalogue
from mmser.core.configs import config_names
from mmser.core.errors import UsageError


@pytest.mark.parametrize("kind", KINDS)
def test_every_config_is_listed_with_a_description(kind):
    rows = catalogue(kind)
    assert [row["name"] for row in rows] == config_names(KINDS[kind])
    assert all(row["what"] and not row["what"].startswith("mmser.") for row in rows)


def test_published_scores_are_marked_as_not_ours():
    row = next(row for row in catalogue("systems") if row["name"] == "mcsan")
    assert "IEMOCAP WA 61.2" in row["published (not ours)"]
    assert row["parameters"] == "1,628,935"


def test_an_heir_is_listed_with_what_it_inherits():
    row = next(row for row in catalogue("systems") if row["name"] == "amh_1")
    assert "audio=mfcc120" in row["streams"]


def test_unknown_kind_raises():
    with pytest.raises(UsageError, match="Did you mean corpora"):
        catalogue("corpera")
