"""`mmser explore`: one HTML file about a corpus, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmser.cache.atomic import write_bytes
from mmser.reports.explore.findings import Finding
from mmser.reports.explore.hearing import hearing
from mmser.reports.explore.judgements import judgements
from mmser.reports.explore.material import NO_LABEL, Material
from mmser.reports.explore.people import missing, people
from mmser.reports.explore.share import share
from mmser.reports.explore.spoken import spoken
from mmser.reports.explore.suspicious import suspicious
from mmser.reports.explore.values import values
from mmser.reports.page import (
    Html,
    bullets,
    element,
    join,
    note,
    page,
    reason_in,
    says_nothing,
    section,
)


def write_page(
    material: Material, found: Sequence[Finding], players: Mapping[str, Html], out: Path
) -> None:
    """Write the page; ``players`` is {id: player} of recordings that can be heard on it."""
    made = [
        suspicious(found, players),
        people(material),
        values(material),
        hearing(material),
        spoken(material),
        judgements(material),
        share(material),
        missing(material),
    ]
    sections = [block for block in made if not says_nothing(block)]
    left_out = [reason_in(block) for block in made if says_nothing(block)]
    if left_out:
        sections.append(section("Not on this page", [bullets(left_out)]))
    out.parent.mkdir(parents=True, exist_ok=True)
    title = f"mmser explore: {material.corpus}"
    write_bytes(out, page(title, _header(material), sections).encode())


def _header(material: Material) -> Html:
    manifest, sound = material.manifest, material.sound
    labels = [word for word in material.words if word != NO_LABEL]
    unlabelled = int((manifest["word"] == NO_LABEL).sum())
    summary = (
        f"{len(manifest)} utterances of {manifest['speaker'].nunique()} speakers with "
        f"{len(labels)} labels"
        + (f", {unlabelled} of them without one" if unlabelled else "")
        + f"; {material.heard['seconds'].sum() / 60:.1f} minutes heard."
    )
    blocks = [element("h1", f"The corpus {material.corpus}")]
    if material.synthetic:
        blocks.append(element("span", "SYNTHETIC DATA: no statement about real speech", "mark"))
    blocks.append(element("p", summary, "summary"))
    if len(sound) < len(manifest):
        blocks.append(
            note(
                f"The sound of {len(sound)} utterances drawn at random was heard; --all hears "
                "every one. Labels, words and files are those of all."
            )
        )
    return Html(f"<header>{join(blocks)}</header>")
