"""What `mmser predict` writes of each recording, and the page of ``--html``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.errors import MmserError
from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from mmser.inference.attended import Attended
    from mmser.inference.glimpse import Glimpse
    from mmser.inference.playable import Playable
    from mmser.inference.segments import Segment
    from mmser.media.decoder import Decoder
    from mmser.reports.recordings_index import Judged

    Work = Mapping[Path, tuple[Segment, ...] | None]
    """The recordings, each with the segments that the user named, None where it has none."""


class Files:
    """Each recording's files beside it, or in ``--out``."""

    def __init__(self, work: Work, out: str | None, formats: list[str], html: bool) -> None:
        """Raises MmserError, before any work, where files of other makers are in the way."""
        from mmser.inference.annotations.formats import check_free
        from mmser.inference.result_places import result_places

        places = result_places(list(work), out, html)
        check_free(places, formats)
        self._work, self._places = work, dict(zip(work, places, strict=True))
        self._formats, self._html = formats, html
        self._attended: Attended | None = None
        self._judged: list[Judged] = []
        self._index = self._index_place() if html and len(places) > 1 else None

    def rest(self) -> Work:
        """Every recording: what another run wrote is no sign of this one."""
        return self._work

    def _index_place(self) -> Path | None:
        """Where the page that lists all pages goes: the folder that holds them all.

        None where that is none of the user's. Raises MmserError for another file there.
        """
        from mmser.reports.recordings_index import NAME, is_index

        pages = [place.folder.absolute() / f"{place.stem}.html" for place in self._places.values()]
        folder = Path(os.path.commonpath([page.parent for page in pages]))
        if folder == Path(folder.anchor) or (folder.exists() and not os.access(folder, os.W_OK)):
            return None
        path = folder / NAME
        if path in pages or (path.exists() and not is_index(path)):
            remedy = "Name another folder with --out."
            raise MmserError(f"room for the list of pages at {path}", "another file", remedy)
        return path

    def attended(self) -> Attended:
        """What the next recording's attention is put into, for its picture."""
        from mmser.inference.attended import Attended

        self._attended = Attended()
        return self._attended

    def __call__(self, recording: Path, table: pd.DataFrame, decoder: Decoder) -> list[Path]:
        from mmser.inference.annotations.formats import write_annotations
        from mmser.inference.glimpse import glimpse
        from mmser.inference.playable import playable
        from mmser.inference.write import write_timeline

        place = self._places[recording]
        curves = self._attended.curves if self._attended else {}
        seen = replace(glimpse(recording, decoder), attention=curves)
        written = write_timeline(table, place.folder, place.stem, seen)
        if self._html:
            player = playable(recording, place.folder, decoder)
            written.append(self._page(recording, table, seen, player))
        return written + write_annotations(table, recording, place, self._formats)

    def _page(self, recording: Path, table: pd.DataFrame, seen: Glimpse, player: Playable) -> Path:
        from mmser.app.recording_files import write_page
        from mmser.reports.recording_page import summary
        from mmser.reports.recordings_index import Judged

        path = write_page(recording.name, table, self._places[recording], seen, player)
        end = float(table["end"].max())
        self._judged.append(Judged(recording.name, path.absolute(), end, summary(table)))
        return path

    def finish(self, interrupted: bool) -> None:
        """Write the page that lists the pages, where there are several, interrupted or not."""
        if self._index is None or not self._judged:
            return
        from mmser.cache.atomic import write_bytes
        from mmser.reports.recordings_index import recordings_index

        write_bytes(self._index, recordings_index(self._judged, self._index.parent).encode())
        print(printable(f"all pages: {self._index}"))
