"""Who says what: classes by speakers and gender, and what is missing."""

from __future__ import annotations

import pandas as pd

from mmser.reports.explore.material import Material
from mmser.reports.page import Html, element, folded, section, table

MOST_SPEAKERS = 40
"""Speakers that get a row each on the open page; further ones are folded."""

COLUMNS = (
    *("audio_path", "video_path", "transcript", "words", "votes", "start", "gender"),
    *("language", "session", "dialogue", "part", "emotion", "sentiment"),
    *("valence", "arousal", "dominance"),
)


def people(material: Material) -> Html:
    """Counts of each label, by gender and by speaker."""
    manifest, words = material.manifest, material.words
    gender = manifest["gender"].map(lambda value: str(value) or "(gender not known)")
    rows = [[str(name), "", *_counts(each, words)] for name, each in manifest.groupby(gender)]
    rows.append(["all", "", *_counts(manifest, words)])
    head = ["Speaker", "Gender", *words, "All"]
    speakers = [
        [str(name) or "(unnamed)", "/".join(sorted(set(each["gender"]))), *_counts(each, words)]
        for name, each in manifest.groupby("speaker")
    ]
    blocks: list[Html] = [table(["Gender", "", *words, "All"], rows, text=2)]
    shown = table(head, speakers[:MOST_SPEAKERS], text=2)
    blocks.append(shown)
    if len(speakers) > MOST_SPEAKERS:
        rest = speakers[MOST_SPEAKERS:]
        blocks.append(folded(f"{len(rest)} further speakers", table(head, rest, text=2)))
    return section("Labels, speakers, gender", blocks)


def _counts(rows: pd.DataFrame, words: list[str]) -> list[object]:
    counts = rows["word"].value_counts()
    return [*(int(counts.get(word, 0)) for word in words), len(rows)]


def missing(material: Material) -> Html:
    """How many utterances have each field, by label where some lack it."""
    manifest, words = material.manifest, material.words
    complete, rows = [], []
    nowhere = []
    for name in COLUMNS:
        has = manifest[name].notna() & (manifest[name] != "")
        if has.all():
            complete.append(name)
        elif not has.any():
            nowhere.append(name)
        else:
            lacking = [int((~has & (manifest["word"] == word)).sum()) for word in words]
            rows.append([name, f"{int((~has).sum())} ({(~has).mean():.1%})", *lacking])
    blocks: list[Html] = []
    if rows:
        blocks.append(table(["Missing", "Utterances", *words], rows))
    everywhere = ", ".join(complete) or "none of the fields"
    blocks.append(element("p", f"Every utterance has: {everywhere}."))
    blocks.append(element("p", f"None has: {', '.join(nowhere) or 'all fields occur'}."))
    if material.absent:
        count = len({key for key, _ in material.absent})
        text = f"Files of {count} utterances are not there; they are listed under Suspicious."
        blocks.insert(0, element("p", text))
    return section("What is missing", blocks)
