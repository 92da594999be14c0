"""What a stream's options may be."""

from __future__ import annotations

import pytest

from mmser.core.errors import UsageError
from mmser.data.spec import StreamSpec


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"normalise": "decibel"}, "normalise to be one of none, zscore, speaker_zscore, .*; found 'decibel'"),
        ({"crop": "tail"}, "crop to be one of head, centre; found 'tail'"),
        ({"limit": 0}, "a limit of at least 1 step; found 0"),
        ({"vocabulary": True, "normalise": "zscore"}, "normalise none for word indices"),
    ],
)
def test_impossible_options_are_refused(options, text):
    with pytest.raises(UsageError, match=text):
        StreamSpec("mfcc40", **options)
