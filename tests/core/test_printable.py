"""Names of anyone's making are shown, not obeyed: by terminals, spreadsheets, players of subtitles,
browsers.
"""

import logging
from xml.etree import ElementTree

import pandas as pd
import pytest

from mmser.core.printable import printable, printable_lines, without_formulas
from mmser.core.tables import PROBABILITY
from mmser.inference.write import label, write_timeline
from mmser.reports.page import safe

EVIL = "\x1b[2J=cmd|' /C calc'!A0 <b>&x --> \u202eevil\x00"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Köln 张三 é", "Köln 张三 é"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m\x7f\r\t", "\\x9b31m\\x7f\\r\\t"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\udc80", "\\udc80"),
    ],
)
def test_a_terminal_obeys_nothing(text, shown):
    assert printable(text) == shown


def test_log_lines_are_printable():
    record = logging.LogRecord("mmser", logging.INFO, "", 1, "speaker %s", ("\x1b[2J",), None)
    assert printable_lines().format(record) == "speaker \\x1b[2J"


def test_cells_are_no_formulas_and_numbers_stay_numbers():
    cells = ["=1+2", "+49 30", "-x", "@SUM(A1)", "\tx", "-3.5", "+1e3", "happy", None]
    table = pd.DataFrame({"text": cells, "score": range(-4, 5), "=name": 1.5})
    found = without_formulas(table)
    assert found["text"].tolist()[:8] == [
        "'=1+2",
        "'+49 30",
        "'-x",
        "'@SUM(A1)",
        "'\tx",
        "-3.5",
        "+1e3",
        "happy",
    ]
    assert found["score"].tolist() == list(range(-4, 5)) and list(found) == [
        "text",
        "score",
        "'=name",
    ]
    assert table["text"].tolist()[0] == "=1+2"


def test_a_timeline_with_an_evil_class_is_harmless(tmp_path):
    row = {
        "id": "a",
        "start": 0.0,
        "end": 1.0,
        "text": "=HYPERLINK(1)",
        "prediction": EVIL,
        PROBABILITY + EVIL: 0.9,
    }
    write_timeline(pd.DataFrame([row]), tmp_path, "clip")
    for suffix in ("srt", "vtt"):
        cue = (tmp_path / f"clip.{suffix}").read_text(encoding="utf-8").splitlines()[-1]
        assert not set(cue) & set("<>\x1b\x00\u202e")
    assert "&amp;x" in cue
    assert "'=HYPERLINK(1)" in (tmp_path / "clip.csv").read_text(encoding="utf-8")
    ElementTree.parse(tmp_path / "clip.svg")  # noqa: S314 - written here
    assert label(row).startswith("[\\x1b[2J=cmd")


def test_a_report_shows_an_evil_class():
    assert safe(EVIL).startswith("\\x1b[2J=cmd|&#x27; /C calc&#x27;!A0 &lt;b&gt;&amp;x")
