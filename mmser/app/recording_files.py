"""The page of one recording, with its picture and player, from what a recogniser said of it."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from mmser.cache.atomic import write_bytes
from mmser.inference.glimpse import Glimpse
from mmser.inference.picture import LEFT, RIGHT, Look, draw_timeline, end_of
from mmser.inference.playable import Playable
from mmser.inference.result_places import PAGE, Place
from mmser.reports.recording_page import Picture, recording_page

NARROW, WIDE = 4.4, 9.6
"""Inches of the two pictures: letters of 12 and 13 pixels in a page of 400 and of 1000."""


def write_page(
    name: str, table: pd.DataFrame, place: Place, seen: Glimpse, player: Playable
) -> Path:
    """Write ``<stem>.html`` of the recording called ``name``; returns its path."""
    drawings = {}
    for is_narrow in (False, True):
        for is_dark in (False, True):
            file = io.BytesIO()
            draw_timeline(table, file, seen, Look(NARROW if is_narrow else WIDE, is_dark))
            drawings[is_narrow, is_dark] = file.getvalue()
    picture = Picture(drawings, LEFT, RIGHT, end_of(table, seen))
    page = recording_page(name, table, picture, player.kind, player.source, player.remark)
    path = place.folder / f"{place.stem}.{PAGE}"
    write_bytes(path, page.encode())
    return path
