"""Groups of recordings: the released lists of Cai et al., counted; both voices are
on both sides.
"""

from __future__ import annotations

import pandas as pd
import pytest

from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.protocols.recordings import LeaveOneRecordingGroupOut
from mmser.protocols.speaker_folds import LeaveOneSpeakerOut

RELEASED = {
    "01F": 507,
    "01M": 578,
    "02F": 505,
    "02M": 518,
    "03F": 536,
    "03M": 615,
    "04F": 553,
    "04M": 478,
    "05F": 644,
    "05M": 597,
}


def iemocap() -> pd.DataFrame:
    """As many utterances per dialogue as IEMOCAP's four classes have, the two speakers taking
    turns.
    """
    rows = [
        {
            "id": f"{dialogue}_{who}{turn:03d}",
            "speaker": f"{dialogue[3:5]}{who}",
            "session": dialogue[4],
        }
        for dialogue, count in load_config("protocol", "iemocap4_loso5")["counts"][
            "dialogue"
        ].items()
        for turn in range(count)
        for who in "FM"[turn % 2]
    ]
    return (
        pd.DataFrame(rows)
        .assign(gender="", part="", label="x")
        .sort_values("id", ignore_index=True)
    )


def test_the_released_lists_share_both_speakers_in_all_ten_folds() -> None:
    table = iemocap()
    speaker = table.set_index("id")["speaker"]
    folds = list(LeaveOneRecordingGroupOut()(table))
    assert {fold.name.removeprefix("Ses"): len(fold.test) for fold in folds} == RELEASED
    for fold in folds:
        tested = set(speaker[list(fold.test)])
        assert len(tested) == 2
        assert tested <= set(speaker[list(fold.train)])
        assert not set(fold.test) & ({*fold.train} | {*fold.validation})


def test_the_speaker_setting_shares_none() -> None:
    table = iemocap()
    speaker = table.set_index("id")["speaker"]
    for fold in LeaveOneSpeakerOut(by_session=True)(table):
        assert not set(speaker[list(fold.test)]) & set(speaker[list(fold.train)])


def test_too_few_groups_are_refused() -> None:
    table = pd.DataFrame({"id": ["a_1", "a_2", "b_1"]})
    with pytest.raises(MmserError, match="at least 3 groups of recordings; found 2"):
        list(LeaveOneRecordingGroupOut()(table))
