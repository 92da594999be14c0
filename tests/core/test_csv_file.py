"""One csv reader: what it takes as it was meant, and what it refuses because columns
would shift.
"""

from pathlib import Path

import pytest

from mmser.core.csv_file import parse_csv, read_csv_file
from mmser.core.errors import MmserError


def rows(text: str) -> list[dict[str, str | None]]:
    return parse_csv(text, Path("a.csv")).to_dict("records")


@pytest.mark.parametrize(
    "text",
    [
        "id,word\nu1,so\n",
        "id;word\r\nu1;so\r\n",
        "id\tword\ru1\tso\r",
        "id,word\nu1,so,\n",
        "id,word,,\nu1,so,,,,\n",
        "\nid , word\n\n u1, so \n,,\n",
        '"id","word"\n"u1", "so"\n',
        ",id,word\n0,u1,so\n",
    ],
)
def test_the_same_table_in_many_forms(text: str) -> None:
    assert rows(text) == [{"id": "u1", "word": "so"}]


def test_cells_stay_text_and_empty_ones_are_missing() -> None:
    assert rows('id,word,more\n007,NA,\nnan,"a,b\nc", \n') == [
        {"id": "007", "word": "NA", "more": None},
        {"id": "nan", "word": "a,b\nc", "more": None},
    ]
    assert rows("id,word\n") == []
    long = "x" * 200_000
    assert rows(f"id,word\na,{long}\n") == [{"id": "a", "word": long}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a header and rows in a.csv; found an empty file"),
        (" \n\n,,\n", "found an empty file"),
        (
            "id,word\nu1,so,extra\nu2\n",
            "2 cells in every row of a.csv.*found line 2 has 3; line 3 has 1",
        ),
        ("id,word\n" + "u\n" * 12, "line 11 has 1; and 2 more"),
        ('id,word\nu1,"so\nu2,go\n', "closed quotes in a.csv; found unexpected end of data"),
        ("id,word,id\na,b,c\n", "each column once in a.csv; found id twice"),
    ],
)
def test_what_would_shift_columns_is_refused(text: str, message: str) -> None:
    with pytest.raises(MmserError, match=message):
        rows(text)


def test_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,wörter\nu1,ä\n", encoding="utf-16")
    assert read_csv_file(path).to_dict("records") == [{"id": "u1", "wörter": "ä"}]
    path.write_bytes("id\nna\xefve\n".encode("cp1252"))
    assert read_csv_file(path, fallback="cp1252")["id"].tolist() == ["naïve"]
