"""Orders of speakers, and the fold that whole speakers make."""

from makers.people import people

from mmser.protocols.speakers import by_gender, by_speaker, following, speaker_ring


def test_genders_alternate_as_far_as_they_go() -> None:
    table = people(6, 1)
    table = table[table["speaker"] != "s05"]  # three men, two women
    ring = speaker_ring(table, seed=0)
    assert sorted(ring) == ["s00", "s01", "s02", "s03", "s04"]
    assert [int(speaker[1:]) % 2 for speaker in ring] == [0, 1, 0, 1, 0]
    assert [len(queue) for queue in by_gender(table, seed=0)] == [3, 2]


def test_the_ring_begins_again() -> None:
    assert following(["a", "b", "c"], "c", 2) == {"a", "b"}
    assert following(["a", "b", "c"], "a", 1) == {"b"}


def test_a_speaker_who_is_tested_does_not_validate() -> None:
    fold = by_speaker("f", people(3, 2), {"s00", "s01"}, {"s01"})
    assert fold.splits == {
        "train": ("u02-000", "u02-001"),
        "validation": ("u00-000", "u00-001"),
        "test": ("u01-000", "u01-001"),
    }
