"""What the page is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

NO_LABEL = "(no label)"
MOST_PAIRS = 10_000
"""Nearly equal recordings that are looked at."""


@dataclass(frozen=True)
class ProtocolShare:
    """What a protocol takes of the corpus.

    ``assignment`` has its fold assignment, None where it refuses the corpus; ``remarks`` are its
    differences from the published counts, or why it refuses.
    """

    name: str
    title: str
    classes: Sequence[str]
    taken: Mapping[str, str | None]
    assignment: pd.DataFrame | None
    remarks: Sequence[str]


@dataclass(frozen=True)
class Material:
    """A corpus as read and heard.

    ``manifest`` has one row per utterance and a column ``word``, the corpus's own label or
    `NO_LABEL`. ``sound`` is `mmser.extraction.sound_survey.SoundSurvey.table` of those that were
    heard, ``alike`` are (id, id, cosine) of nearly equal recordings, ``absent`` (id, path) of files
    that are not there, ``votes`` {attribute: judgements of each utterance}. ``label`` names the
    column of the labels. ``distances`` are those of each utterance's ``features`` to its
    neighbours.
    """

    corpus: str
    label: str
    manifest: pd.DataFrame
    sound: pd.DataFrame
    alike: Sequence[tuple[str, str, float]]
    absent: Sequence[tuple[str, Path]]
    votes: Mapping[str, Sequence[Sequence[object]]]
    protocol: ProtocolShare
    synthetic: bool = False
    features: str = ""
    distances: Mapping[str, float] = field(default_factory=dict)
    heard: pd.DataFrame = field(init=False)
    """Those of ``sound`` that could be read, with the manifest's speaker and word."""

    def __post_init__(self) -> None:
        """Join what was heard with who speaks."""
        columns = self.manifest[["id", "speaker", "word"]]
        readable = self.sound[self.sound["failure"].isna()].merge(columns, on="id", how="left")
        object.__setattr__(self, "heard", readable)

    @property
    def words(self) -> list[str]:
        """The labels that occur, `NO_LABEL` last."""
        return sorted(self.manifest["word"].unique(), key=lambda word: (word == NO_LABEL, word))


def robust_z(values: pd.Series) -> pd.Series:
    """Distance from the median in standard deviations, estimated by the median distance.

    0.6745 (x - median) / MAD, of Iglewicz and Hoaglin, "How to detect and handle outliers", 1993;
    NaN where more than half of the values are equal.
    """
    distance = values - values.median()
    spread = float(distance.abs().median())
    return 0.6745 * distance / spread if spread > 0 else distance * np.nan
