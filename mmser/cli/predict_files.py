"""What `mmser predict` writes of each recording, and the page of ``--html``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from mmser.inference.attended import Attended
    from mmser.inference.result_places import Place
    from mmser.media.decoder import Decoder


class Files:
    """Each recording's files beside it, or in ``--out``."""

    def __init__(self, places: Mapping[Path, Place], formats: list[str], html: bool) -> None:
        self._places = places
        self._formats, self._html = formats, html
        self._attended: Attended | None = None

    def attended(self) -> Attended:
        """What the next recording's attention is put into, for its picture."""
        from mmser.inference.attended import Attended

        self._attended = Attended()
        return self._attended

    def __call__(self, recording: Path, table: pd.DataFrame, decoder: Decoder) -> list[Path]:
        from mmser.app.recording_files import write_page
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
            written.append(write_page(recording.name, table, place, seen, player))
        return written + write_annotations(table, recording, place, self._formats)
