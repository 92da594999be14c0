"""Faults that show only between the rows of a table."""

from mmser.corpora.user_table_faults import faults_between


def row(identifier: str, **cells: object) -> dict[str, object]:
    return {"id": identifier, "speaker": "s"} | cells


def test_sound_rows_have_no_faults() -> None:
    assert faults_between([row("a", emotion="sad"), row("b", emotion="happy")]) == []


def test_ids_spellings_and_labels() -> None:
    rows = [
        row("a", audio_path="x.wav", emotion="sad", valence=1.0),
        row("a", audio_path="./x.wav", emotion="Sad", valence=2.0),
        row("c", audio_path="x.wav", start=0.0, end=1.0, emotion="happy"),
    ]
    assert faults_between(rows) == [
        "the id 'a' in rows 1, 2",
        "'Sad' (1 rows), 'sad' (1 rows) in column emotion, which differ in case, spaces or "
        "character form alone",
        "one recording in rows 1, 2 with the emotion sad and Sad",
        "one recording in rows 1, 2 with the valence 1.0 and 2.0",
    ]


def test_many_rows_are_not_all_named() -> None:
    (fault,) = faults_between([row("a") for _ in range(8)])
    assert fault == "the id 'a' in rows 1, 2, 3, 4, 5, 6, ..."
