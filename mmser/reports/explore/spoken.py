"""How many words there are, and how much of the label they alone tell."""

from __future__ import annotations

import pandas as pd

from mmser.core.words import words_of
from mmser.evaluation.scoring.equal_words import equal_words
from mmser.reports.explore.material import NO_LABEL, Material
from mmser.reports.page import Html, element, note, section, table


def spoken(material: Material) -> Html:
    """Words of each label, then what words alone could tell."""
    manifest = material.manifest
    counts = manifest["transcript"].map(_count)
    blocks: list[Html] = []
    if counts.notna().any():
        rows = []
        for word in material.words:
            own = counts[manifest["word"] == word].dropna()
            if len(own):
                low, middle, high = own.quantile([0.25, 0.5, 0.75])
                rows.append([word, len(own), f"{middle:g} ({low:g} to {high:g})", f"{own.max():g}"])
        caption = "Words of an utterance: median, quartiles, most"
        blocks.append(table(["Label", "Transcripts", "Words", "Most"], rows, caption))
    else:
        blocks.append(note("The corpus has no transcripts; a recogniser gives them: transcript=."))
    alone = _words_alone(manifest)
    if alone is not None:
        blocks.append(alone)
    return section("Words", blocks)


def _count(text: object) -> float:
    return float(len(words_of(text))) if isinstance(text, str) and text.strip() else float("nan")


def _words_alone(manifest: pd.DataFrame) -> Html | None:
    rows = manifest[manifest["word"] != NO_LABEL]
    told = equal_words(rows.assign(target=rows["word"], prediction=rows["word"]))
    if told is None:
        return None
    return element(
        "p",
        f"{told.sentences} different sentences in {told.utterances} utterances; "
        f"{told.shared / told.utterances:.0%} of the utterances have words that are also said "
        f"under another label. The words alone, each taken as the label under which other "
        f"speakers say them most, reach a UA of {told.words_ua:.1%}; chance is {told.chance:.1%}.",
    )
