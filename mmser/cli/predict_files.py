"""What `mmser predict` writes of each recording, and the page of ``--html``."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from mmser.inference.glimpse import Glimpse
    from mmser.inference.result_places import Place
    from mmser.media.decoder import Decoder

NARROW, WIDE = 4.4, 9.6
"""Inches of the two pictures: letters of 12 and 13 pixels in a page of 400 and of 1000."""


class Files:
    """Each recording's files beside it, or in ``--out``."""

    def __init__(self, places: Mapping[Path, Place], formats: list[str], html: bool) -> None:
        self._places = places
        self._formats, self._html = formats, html

    def __call__(self, recording: Path, table: pd.DataFrame, decoder: Decoder) -> list[Path]:
        from mmser.inference.annotations.formats import write_annotations
        from mmser.inference.glimpse import glimpse
        from mmser.inference.write import write_timeline

        place = self._places[recording]
        seen = glimpse(recording, decoder)
        written = write_timeline(table, place.folder, place.stem, seen)
        if self._html:
            written.append(write_page(recording, table, place, seen, decoder))
        return written + write_annotations(table, recording, place, self._formats)


def write_page(
    recording: Path, table: pd.DataFrame, place: Place, seen: Glimpse, decoder: Decoder
) -> Path:
    """Write ``<stem>.html`` beside the other results; returns its path."""
    from mmser.cache.atomic import write_bytes
    from mmser.inference.picture import LEFT, RIGHT, Look, draw_timeline, end_of
    from mmser.inference.playable import playable
    from mmser.reports.recording_page import Picture, recording_page

    drawings = {}
    for is_narrow in (False, True):
        for is_dark in (False, True):
            file = io.BytesIO()
            draw_timeline(table, file, seen, Look(NARROW if is_narrow else WIDE, is_dark))
            drawings[is_narrow, is_dark] = file.getvalue()
    picture = Picture(drawings, LEFT, RIGHT, end_of(table, seen))
    player = playable(recording, place.folder, decoder)
    page = recording_page(recording.name, table, picture, player.kind, player.source, player.remark)
    path = place.folder / f"{place.stem}.html"
    write_bytes(path, page.encode())
    return path
