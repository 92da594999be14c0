"""Who must not be torn apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.late_fusion.grouping import group_recordings


def test_each_recording_its_own_subject() -> None:
    found = group_recordings({"Devel_01": 500, "Devel_02": 500, "Devel_03": 500, "Devel_04": 500})
    assert found.names == ["Devel_01", "Devel_02", "Devel_03", "Devel_04"]
    assert "each taken for a subject of its own" in found.how


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["sub01_a", "sub01_b", "sub02_a"], ["sub01", "sub02"]),
        (["en-Speaker-3-x", "en-speaker-3-y", "en-speaker-4-x"], ["speaker-3", "speaker-4"]),
        (["Ses01F_impro01", "Ses01M_impro01", "Ses02F_script"], ["ses01", "ses02"]),
    ],
)
def test_subjects_in_names(names: list[str], groups: list[str]) -> None:
    found = group_recordings(dict.fromkeys(names, 10))
    assert found.names == groups and "read from the recordings' names" in found.how


def test_equal_lengths_are_one_conversation() -> None:
    """As in SEWA: partners were recorded together; labels of one pair differ by a frame."""
    lengths = {
        "DE_01": 1742,
        "DE_02": 975,
        "DE_03": 1742,
        "DE_04": 974,
        "HU_01": 1742,
        "HU_02": 1742,
    }
    found = group_recordings(lengths)
    assert found.groups["DE_01"] == found.groups["DE_03"] == "DE_01+DE_03"
    assert found.groups["DE_02"] == found.groups["DE_04"]
    assert found.groups["HU_01"] == "HU_01+HU_02"
    assert "3 conversations" in found.how


def test_one_without_a_partner_means_no_conversations() -> None:
    assert group_recordings({"a_1": 10, "a_2": 10, "a_3": 99}).names == ["a_1", "a_2", "a_3"]
    assert len(group_recordings({"a_1": 10, "a_2": 10, "a_3": 99, "a_4": 77}).names) == 4


def test_folds_deal_out_groups_and_never_split_one() -> None:
    grouping = group_recordings({f"sub{i:02d}_{k}": 5 for i in range(7) for k in "ab"})
    folds = grouping.folds(3)
    assert sorted(name for fold in folds for name in fold) == sorted(grouping.groups)
    owners = [{grouping.groups[name] for name in fold} for fold in folds]
    assert [len(owner) for owner in owners] == [3, 2, 2]
    assert not owners[0] & owners[1] and not owners[1] & owners[2] and not owners[0] & owners[2]
    assert len(grouping.folds(3, ["sub00_a", "sub01_b"])) == 2


def test_a_table_of_subjects(tmp_path: Path) -> None:
    path = tmp_path / "subjects.csv"
    path.write_text("Name;Subject\n'a';p1\n'b';p1\n'c';p2\n")
    found = group_recordings({"a": 1, "b": 1, "c": 1}, path)
    assert (
        found.groups == {"a": "p1", "b": "p1", "c": "p2"}
        and "'subject' of subjects.csv" in found.how
    )
    path.write_text("name,subject,dyad\na,p1,d1\nb,p2,d1\nc,p3,d2\n")
    assert group_recordings({"a": 1, "b": 1, "c": 1}, path).groups["b"] == "d1"
    with pytest.raises(MmserError, match=r"none for z \(1 in all\)"):
        group_recordings({"a": 1, "z": 1}, path)
    path.write_text("file,who\na,p1\n")
    with pytest.raises(MmserError, match="the columns name and subject"):
        group_recordings({"a": 1}, path)
    with pytest.raises(MmserError, match="no file"):
        group_recordings({"a": 1}, tmp_path / "absent.csv")
