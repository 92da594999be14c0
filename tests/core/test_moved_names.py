"""A config that was saved under old dotted names is read under the current ones."""

import importlib.util

import pytest
from hydra.utils import get_object

from mmser.core import moved_names
from mmser.core.moved_names import (
    MOVED,
    current_name,
    with_current_names,
    with_earlier_names,
)
from mmser.core.saved import read_saved_yaml

TABLE = {
    "mmser.old.Part": "mmser.models.fusion.concat.Concat",
    "mmser.heads": "mmser.models.heads",
    "mmser.heads.old.Head": "mmser.models.fusion.lmf.Lmf",
}


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setattr(moved_names, "MOVED", TABLE)


def exists(name: str) -> bool:
    try:
        get_object(name)
    except (ImportError, AttributeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_names_nothing_any_more(old):
    try:
        found = importlib.util.find_spec(old) is not None
    except ModuleNotFoundError:
        found = False
    assert not found and not exists(old)


@pytest.mark.parametrize("new", sorted(set(MOVED.values())))
def test_every_new_name_is_found(new):
    assert exists(new)
    assert current_name(new) == new, "a name moves in one step"


def test_the_longest_old_name_decides(table):
    assert current_name("mmser.old.Part") == "mmser.models.fusion.concat.Concat"
    assert current_name("mmser.heads.other.Head") == "mmser.models.heads.other.Head"
    assert current_name("mmser.heads.old.Head") == "mmser.models.fusion.lmf.Lmf"
    assert current_name("mmser.headset.Head") == "mmser.headset.Head"


def test_a_whole_config_is_brought_to_the_current_names_and_the_words_beside_stay(table):
    saved = {
        "_target_": "mmser.old.Part",
        "title": "mmser.old.Part",
        "terms": [{"_target_": "mmser.heads.a.B", "weight": 1}],
        "odd": {"_target_": 3},
    }
    read = with_current_names(saved)
    assert read["_target_"] == "mmser.models.fusion.concat.Concat"
    assert read["title"] == "mmser.old.Part"
    assert read["terms"] == [{"_target_": "mmser.models.heads.a.B", "weight": 1}]
    assert read["odd"] == {"_target_": 3}
    assert saved["_target_"] == "mmser.old.Part"
    assert with_earlier_names(read)["terms"] == saved["terms"]


def test_a_saved_file_is_read_under_the_current_names(table, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("stages:\n  one:\n    objective: {_target_: mmser.old.Part}\n")
    content = read_saved_yaml(path)
    target = content["stages"]["one"]["objective"]["_target_"]
    assert target == "mmser.models.fusion.concat.Concat"
