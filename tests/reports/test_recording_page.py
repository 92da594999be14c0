"""The page of a recording: what others wrote stays text, and one script alone may run."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from mmser.reports.recording_page import Picture, clock, recording_page

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x1b"
PICTURE = Picture(
    {(narrow, dark): b"<svg/>" for narrow in (False, True) for dark in (False, True)}, 0.1, 0.98, 4
)


KINDS = {"narrow light", "narrow dark", "wide light", "wide dark"}


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def table():
    rows = [
        {"start": 0.0, "end": 1.5, "text": EVIL, "prediction": EVIL},
        {"start": 2.0, "end": 4.0, "text": "", "prediction": None},
    ]
    return pd.DataFrame(rows).assign(**{f"probability_{EVIL}": [0.9, None]})


def test_text_of_others_is_no_markup(table):
    page = recording_page(EVIL, table, PICTURE, "audio", 'x"onerror="alert(1)', EVIL)
    tags = Tags(page)
    assert len(tags.of("script")) == len(tags.of("style")) == 1
    assert {tag["class"] for tag in tags.of("img")} == KINDS and len(tags.of("img")) == 4
    assert not any(name.startswith("on") for _, found in tags.found for name in found)
    assert "&lt;script&gt;alert(1)" in page and "\x1b" not in page


def test_the_policy_lets_in_this_script_and_style_alone(table):
    page = recording_page("a", table, PICTURE, "audio", "data:audio/wav;base64,AAAA")
    (policy,) = [found["content"] for found in Tags(page).of("meta") if "http-equiv" in found]
    for tag in ("script", "style"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy and "file:" not in policy
    assert "style=" not in page.split("</style>")[1]
    linked = recording_page("a", table, PICTURE, "video", "./a.mp4")
    assert "media-src 'self' file:;" in linked and '<video controls preload="metadata"' in linked


def test_segments_carry_their_times(table):
    tags = Tags(recording_page("a", table, PICTURE, "audio", "data:,"))
    spans = [(row["data-start"], row["data-end"]) for row in tags.of("tr") if "data-start" in row]
    assert spans == [("0.000", "1.500"), ("2.000", "4.000")]
    (figure,) = tags.of("figure")
    assert figure["data-seconds"] == "4.000" and figure["data-left"] == "0.1"


def test_values_without_classes():
    table = pd.DataFrame([{"start": 0.0, "end": 1.0, "text": "", "prediction_valence": -0.125}])
    page = recording_page("a", table, PICTURE, "audio", "data:,")
    assert "valence" in page and "-0.12" in page and "emotion" not in page.split("</style>")[1]


def test_clock():
    assert [clock(value) for value in (0.04, 65.25, 3600)] == ["0:00.0", "1:05.2", "1:00:00.0"]


def test_segments_that_differ_in_what_they_have_say_what_was_read(table):
    same = recording_page("a", table.assign(modalities="audio"), PICTURE, "audio", "data:,")
    assert ">read</th>" not in same
    mixed = table.assign(modalities=["audio+face", ""])
    page = recording_page("a", mixed, PICTURE, "audio", "data:,")
    assert ">read</th>" in page
    assert "<td>audio, face</td>" in page and "<td>nothing</td>" in page


def test_without_a_source_there_is_no_player_to_see(table):
    page = recording_page("a", table, PICTURE, "audio", "", "too large")
    (player,) = Tags(page).of("audio")
    assert player == {} and "too large" in page
