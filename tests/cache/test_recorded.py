"""A run reads the stores it was made from, whatever else lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill

from mmser.cache.recorded import find_recorded, recorded_stores
from mmser.core.errors import MmserError

SETTINGS = {
    "streams": {"audio": {"extractor": "mfcc40"}, "text": {"extractor": "glove@whisper"}},
    "stages": {"adapt": {"streams": {"audio": {"extractor": "wav2vec2"}}}, "last": None},
}


def test_names_from_fingerprints() -> None:
    caches = {"audio": "a" * 12, "text": "b" * 12, "adapt.audio": "c" * 12, "gone": "d" * 12}
    assert recorded_stores(SETTINGS, {"caches": caches}) == {
        "mfcc40": f"mfcc40-{'a' * 12}",
        "glove@whisper": f"glove@whisper-{'b' * 12}",
        "wav2vec2": f"wav2vec2-{'c' * 12}",
    }
    assert recorded_stores(SETTINGS, {}) == {}


def test_a_name_in_full_stays() -> None:
    full = f"mfcc40-{'a' * 12}"
    settings = {"streams": {"audio": {"extractor": full}}}
    assert recorded_stores(settings, {"caches": {"audio": "a" * 12}}) == {full: full}


def test_the_recorded_one_is_taken_among_several(tmp_path: Path) -> None:
    old, new = (fill(tmp_path, entries(3), parameters={"window": window}) for window in (25, 32))
    for store in (old, new):
        assert find_recorded(tmp_path, "corpus", "fake", {"fake": store.name}) == store
    with pytest.raises(MmserError, match="one cache of fake; found 2"):
        find_recorded(tmp_path, "corpus", "fake", {})


def test_another_one_is_not_taken_for_it(tmp_path: Path) -> None:
    fill(tmp_path, entries(3))
    gone = f"fake-{'0' * 12}"
    with pytest.raises(
        MmserError,
        match=rf"the run was trained on, {gone} of corpus; found only fake-.* train again",
    ):
        find_recorded(tmp_path, "corpus", "fake", {"fake": gone})
