"""What a protocol takes of the corpus, and what it leaves out."""

from __future__ import annotations

import pandas as pd

from mmser.core.tables import SPLIT_COLUMN, SPLITS
from mmser.reports.explore.material import Material
from mmser.reports.page import Html, bullets, element, folded, note, section, table

MOST_FOLDS = 12


def share(material: Material) -> Html:
    """The labels and their classes, the protocol's remarks, the sizes of the splits."""
    protocol, manifest = material.protocol, material.manifest
    about = f"{protocol.name}: {protocol.title}" if protocol.title else protocol.name
    blocks: list[Html] = [element("p", about)]
    if protocol.remarks:
        blocks += [element("p", "What it remarks:"), bullets(protocol.remarks)]
    if protocol.taken:
        rows = []
        for word in material.words:
            own = manifest[manifest["word"] == word]
            taken = own[own["id"].isin(protocol.taken)]
            names = sorted({str(protocol.taken[key] or "") for key in taken["id"]} - {""})
            rows.append([word, ", ".join(names) or "-", len(taken), len(own) - len(taken)])
        left = len(manifest) - len(protocol.taken)
        rows.append(["all", "", len(protocol.taken), left])
        head = [f"Label ({material.label})", "Class", "Takes part", "Left out"]
        blocks.append(table(head, rows, text=2))
    if protocol.assignment is not None:
        blocks += _folds(protocol.assignment)
    return section("Protocol", blocks)


def _folds(assignment: pd.DataFrame) -> list[Html]:
    rows = []
    for fold, each in assignment.groupby("fold", sort=False):
        sizes = each[SPLIT_COLUMN].value_counts()
        tested = each[each[SPLIT_COLUMN] == SPLITS[-1]]["label"].nunique()
        rows.append([str(fold), *(int(sizes.get(split, 0)) for split in SPLITS), tested])
    head = ["Fold", *SPLITS, "Classes tested"]
    blocks = [table(head, rows[:MOST_FOLDS])]
    if len(rows) > MOST_FOLDS:
        more = len(rows) - MOST_FOLDS
        blocks.append(folded(f"{more} further folds", table(head, rows[MOST_FOLDS:])))
    blocks.append(note("Another one is protocol=NAME; `mmser list protocols` prints them."))
    return blocks
