"""Folds over groups of recordings: what some released lists of "one speaker out" really are."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mmser.core.errors import MmserError
from mmser.protocols.plan import Fold


class LeaveOneRecordingGroupOut:
    """Test each group of recordings once, the next but one validates (so its sister group trains).

    The group is what stands before the first ``separator`` of an utterance's id. In IEMOCAP it is
    who wears the markers (Ses01F, Ses01M, ...), not who speaks: both voices of a session are in
    both of its groups, so every tested speaker has also been trained on.
    """

    speaker_dependent = True

    def __init__(self, separator: str = "_") -> None:
        self.separator = separator

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        ids = table["id"]
        groups = ids.str.split(self.separator, n=1).str[0]
        names = sorted(groups.unique())
        if len(names) < 3:
            raise MmserError(
                "at least 3 groups of recordings", f"{len(names)}", "Use another protocol."
            )
        for place, name in enumerate(names):
            validating = names[(place + 2) % len(names)]
            train = ids[~groups.isin([name, validating])]
            validation, test = ids[groups == validating], ids[groups == name]
            yield Fold(name, tuple(train), tuple(validation), tuple(test))
