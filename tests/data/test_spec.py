"""What a stream's options may be."""

from __future__ import annotations

import pytest

from mmser.core.errors import UsageError
from mmser.data.spec import StreamSpec


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"normalise": "decibel"},
            r"normalise to be none \| zscore \| speaker_zscore .*; found 'decibel'",
        ),
        ({"crop": "tail"}, r"crop to be head \| centre; found 'tail'"),
        ({"limit": 0}, "limit to be a whole number from 1 .*; found 0"),
        ({"vocabulary": True, "normalise": "zscore"}, "normalise none for word indices"),
    ],
)
def test_impossible_options_are_refused(options, text):
    with pytest.raises(UsageError, match=text):
        StreamSpec("mfcc40", **options)
