"""The file that the MSP-Podcast challenges take (Odyssey 2024, Interspeech 2025).

Categories: ``FileName,EmoClass`` with the release's letters; attributes:
``FileName,EmoAct,EmoVal,EmoDom`` on the scale from 1 to 7. One row per utterance, by name.
"""

from __future__ import annotations

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION, PROBABILITY
from mmser.corpora.msp_labels import CLASSES

LETTERS = {word: letter for letter, word in CLASSES.items()}
ATTRIBUTES = {"EmoAct": "arousal", "EmoVal": "valence", "EmoDom": "dominance"}
LOWEST, HIGHEST = 1.0, 7.0


def submission(table: pd.DataFrame) -> pd.DataFrame:
    """The rows to hand in, from a predictions table of one condition.

    Probabilities and values are averaged over folds and seeds. Raises MmserError for classes that
    the release has no letter for, and for a table with neither all three attributes nor classes.
    """
    if {PREDICTION + name for name in ATTRIBUTES.values()} <= set(table.columns):
        columns = {PREDICTION + name: column for column, name in ATTRIBUTES.items()}
        means = table.groupby("id", sort=True)[list(columns)].mean().rename(columns=columns)
        return _named(means.clip(LOWEST, HIGHEST))
    names = [str(column) for column in table.columns]
    classes = [name.removeprefix(PROBABILITY) for name in names if name.startswith(PROBABILITY)]
    unknown = [name for name in classes if name not in LETTERS]
    if unknown or not classes:
        raise MmserError(
            f"probabilities of classes among {', '.join(LETTERS)}, or predictions of arousal, "
            "valence and dominance",
            ", ".join(unknown) or "none",
            "Use protocol=msp_podcast8 or msp_podcast_vad.",
        )
    means = table.groupby("id", sort=True)[[PROBABILITY + name for name in classes]].mean()
    letters = [LETTERS[classes[place]] for place in means.to_numpy().argmax(axis=1)]
    return _named(pd.DataFrame({"EmoClass": letters}, index=means.index))


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows behind the names of their files."""
    names = pd.Series(rows.index, index=rows.index, name="FileName") + ".wav"
    return pd.concat([names, rows], axis=1).reset_index(drop=True)
