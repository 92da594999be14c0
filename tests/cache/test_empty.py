"""A first try that fails leaves nothing behind; a killed one is removed by gc."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill, recipe

from mmser.cache.empty import is_empty
from mmser.cache.maintenance import gc
from mmser.cache.transcripts import open_transcripts
from mmser.cache.writer import open_writer


@pytest.mark.parametrize("opened", [open_writer, open_transcripts])
def test_a_failed_first_try_leaves_no_store(tmp_path: Path, opened) -> None:
    what = recipe(transcript={"source": "asr"})
    folder = tmp_path / "corpus" / f"fake@asr-{what.fingerprint}"
    with pytest.raises(ZeroDivisionError), opened(folder, what):
        raise ZeroDivisionError
    assert list((tmp_path / "corpus").iterdir()) == []


def test_a_later_try_that_fails_keeps_what_is_stored(tmp_path: Path) -> None:
    folder = fill(tmp_path, entries(3))
    with pytest.raises(ZeroDivisionError), open_writer(folder, recipe()):
        raise ZeroDivisionError
    assert not is_empty(folder) and (folder / "info.json").is_file()


def test_gc_removes_a_store_in_which_nothing_was_stored(tmp_path: Path) -> None:
    good = fill(tmp_path, entries(3))
    empty = fill(tmp_path, [], parameters={"window": 1})
    killed = tmp_path / "corpus" / f"fake-{'0' * 12}"
    killed.mkdir()
    listed = gc(tmp_path)
    assert set(listed.why) == {"nothing was stored"} and {str(empty), str(killed)} <= set(
        listed.path
    )
    assert gc(tmp_path, apply=True).removed.all()
    assert list((tmp_path / "corpus").iterdir()) == [good]


def test_an_empty_store_is_never_the_newest(tmp_path: Path) -> None:
    good = fill(tmp_path, entries(3))
    fill(tmp_path, [], parameters={"window": 1})
    gc(tmp_path, apply=True, old=True)
    assert list((tmp_path / "corpus").iterdir()) == [good]
