"""The pages of several recordings, listed on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmser.core.addresses import relative_address
from mmser.reports.page import Html, element, note, page, safe, table
from mmser.reports.recording_page import clock

NAME = "recordings.html"
TITLE = "Judged recordings"


@dataclass(frozen=True, slots=True)
class Judged:
    """One recording: the name of its file, its page, its end (s), and what was said of it."""

    name: str
    page: Path
    end: float
    summary: str


def recordings_index(recordings: Sequence[Judged], folder: Path) -> str:
    """The whole document; it lies in ``folder`` and links to the pages from there."""
    rows = [(_link(one, folder), one.summary, clock(one.end)) for one in recordings]
    head = ("recording", "what was heard", "until")
    header = Html(f"<header>{element('h1', TITLE)}{note(f'{len(rows)} recordings.')}</header>")
    return page(TITLE, header, [table(head, rows, text=2)])


def is_index(path: Path) -> bool:
    """Whether a file is such a page."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return f"<title>{TITLE}</title>" in file.read(4096)


def _link(one: Judged, folder: Path) -> Html:
    return Html(f'<a href="{relative_address(one.page, folder)}">{safe(one.name)}</a>')
