"""Ids of utterances from the names of their files."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pandas as pd


def ids_of(table: pd.DataFrame) -> list[str]:
    """Names of files without folder and ending, or with the folders where names repeat.

    Stretches of one file are numbered in their order.
    """
    empty = [None] * len(table)
    paths = [
        Path(sound or film or f"row{number}")
        for number, (sound, film) in enumerate(
            zip(table.get("audio_path", empty), table.get("video_path", empty), strict=True), 1
        )
    ]
    names = [path.stem for path in paths]
    files = dict(zip(paths, names, strict=True))
    if len(set(files.values())) < len(files):
        common = Path(os.path.commonpath([path.parent for path in files]))
        names = ["_".join(path.relative_to(common).with_suffix("").parts) for path in paths]
    counts, seen = Counter(names), Counter[str]()
    ids = []
    for name in names:
        seen[name] += 1
        ids.append(name if counts[name] == 1 else f"{name}_{seen[name]:03d}")
    return ids
