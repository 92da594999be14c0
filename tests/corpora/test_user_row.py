"""One row of a user's table under check."""

import json
from pathlib import Path

from mmser.corpora.user_row import UserRow


def checked(folder: Path, **cells: str | None) -> UserRow:
    """The row of these cells, in a table of ``folder``, after its check."""
    row = UserRow({"id": "a", "speaker": "s"} | cells, 3, folder / "manifest.csv")
    row.checked()
    return row


def test_numbers_become_numbers_and_paths_absolute(tmp_path: Path) -> None:
    (tmp_path / "one.wav").touch()
    row = checked(tmp_path, audio_path="one.wav", start="0.5", end="2", turn="7")
    assert row.faults == []
    assert (row.row["start"], row.row["end"], row.row["turn"]) == (0.5, 2.0, 7)
    assert row.row["audio_path"] == str(tmp_path / "one.wav")


def test_votes_lose_their_spaces(tmp_path: Path) -> None:
    votes = json.dumps([{"annotator": 3, "emotions": [" sad "], "valence": 2}])
    row = checked(tmp_path, transcript="so", votes=votes)
    assert json.loads(row.row["votes"]) == [{"annotator": "3", "emotions": ["sad"], "valence": 2}]


def test_every_fault_of_a_row_is_listed(tmp_path: Path) -> None:
    row = checked(tmp_path, start="x", end="2", face_side="up", words="[1]")
    assert [fault.split(": ")[0] for fault in row.faults] == [
        f"row 3 (id 'a'), column {name}" for name in ("start", "face_side", "words", "audio_path")
    ]
