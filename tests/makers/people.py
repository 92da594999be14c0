"""Tables of speakers, as fold plans are given them."""

from __future__ import annotations

import pandas as pd


def people(speakers: int, each: int, classes: int = 4, pairs: bool = False) -> pd.DataFrame:
    """``each`` utterances of ``speakers`` speakers, two to a session when ``pairs``."""
    rows = [
        {
            "id": f"u{s:02d}-{u:03d}",
            "speaker": f"s{s:02d}",
            "session": str(s // 2) if pairs else "",
            "gender": "female" if s % 2 else "male",
            "part": "",
            "label": f"c{(u * 7 + s) % classes}",
        }
        for s in range(speakers)
        for u in range(each)
    ]
    return pd.DataFrame(rows)


def speakers_of(table: pd.DataFrame, ids: tuple[str, ...]) -> set[str]:
    return set(table.loc[table["id"].isin(ids), "speaker"])
