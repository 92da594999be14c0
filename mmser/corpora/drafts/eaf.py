"""ELAN's document (.eaf): tiers, each perhaps of one participant, and links to the recording."""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mmser.core.errors import MmserError, reason_of
from mmser.core.needed_package import need_package
from mmser.corpora.drafts.tiers import Annotated, rows_of_tiers, tier_of_emotions

REMEDY = "Save it again with ELAN."


def read_eaf(path: Path, tier: str | None) -> list[Annotated]:
    """The participant of the tier of emotions is the speaker."""
    need_package("pympi", "annotations")
    from pympi.Elan import Eaf

    # ELAN declares no entities; those of others can name files or fill the memory.
    if b"<!DOCTYPE" in path.read_bytes().replace(b"\0", b""):
        raise MmserError(f"an ELAN document in {path}", "a DOCTYPE declaration", REMEDY)
    try:
        with warnings.catch_warnings():
            # Versions above 3.0 of the format have the same tiers.
            warnings.simplefilter("ignore")
            document = Eaf(str(path))
        tiers = {
            # A tier of words below another has a fourth cell, the label above it.
            name: [
                (start / 1000, end / 1000, label or "")
                for start, end, label, *_ in document.get_annotation_data_for_tier(name)
            ]
            for name in document.get_tier_names()
        }
        links = [link for link in document.get_linked_files() if link.get("MEDIA_URL")]
    # pympi raises Exception itself for what is no XML.
    except Exception as error:
        raise MmserError(f"an ELAN document in {path}", reason_of(error), REMEDY) from error
    tiers = {name: marks for name, marks in tiers.items() if marks}
    rows = rows_of_tiers(tiers, tier, path)
    named = tier_of_emotions(tiers, tier, path, optional=True)
    participant = document.tiers[named][2].get("PARTICIPANT") if named is not None else None
    if participant:
        rows = [{**row, "speaker": participant} for row in rows]
    addresses = [
        link[key] for link in links for key in ("RELATIVE_MEDIA_URL", "MEDIA_URL") if link.get(key)
    ]
    return [Annotated([unquote(urlsplit(address).path) for address in addresses], rows)]
