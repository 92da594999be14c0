"""An ELAN document (.eaf): one tier per track, linked to the recording."""

from __future__ import annotations

from mimetypes import guess_type
from pathlib import Path

import pandas as pd

from mmser.core.printable import printable
from mmser.inference.annotations.tracks import EMOTION, tiers_of, tracks_of


def write_eaf(table: pd.DataFrame, recording: Path, seconds: float, target: Path) -> None:
    """The link holds the recording's name, so that a folder of both can move."""
    from pympi.Elan import Eaf, to_string

    document = Eaf(author="mmser")
    document.remove_tier("default")
    name = printable(recording.name)
    kind = guess_type(recording.name)[0] or "application/octet-stream"
    document.add_linked_file(name, relpath=f"./{name}", mimetype=kind)
    for tier, marks in (tiers_of(tracks_of(table)) or {EMOTION: []}).items():
        document.add_tier(tier)
        for mark in marks:
            document.add_annotation(tier, mark.start, mark.end, mark.label)
    target.write_bytes(to_string(document, encoding="UTF-8"))
