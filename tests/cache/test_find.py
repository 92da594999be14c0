"""Names to folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from cache_makers import entries, fill, recipe

from mmser.cache.store import find_store
from mmser.cache.writer import open_writer
from mmser.core.errors import MmserError


def test_by_name_by_source_and_in_full(tmp_path: Path):
    plain = fill(tmp_path, entries(3))
    heard = fill(tmp_path, entries(3), transcript={"source": "pocketsphinx"})
    assert find_store(tmp_path, "corpus", "fake") == plain
    assert find_store(tmp_path, "corpus", "fake@pocketsphinx") == heard
    assert find_store(tmp_path, "corpus", heard.name) == heard


def test_none_names_the_command(tmp_path: Path):
    with pytest.raises(MmserError, match=r"mmser preprocess corpus=corpus extractors=\[glove\] transcript=whisper"):
        find_store(tmp_path, "corpus", "glove@whisper")


def test_several_are_listed_with_what_differs(tmp_path: Path):
    names = [fill(tmp_path, entries(3), parameters={"window": window, "same": 1}).name for window in (25, 32)]
    with pytest.raises(MmserError) as raised:
        find_store(tmp_path, "corpus", "fake")
    assert all(name in str(raised.value) for name in names)
    assert "parameters.window=25" in str(raised.value) and "same" not in str(raised.value)


def test_unfinished_is_no_cache_yet(tmp_path: Path):
    what = recipe()
    with open_writer(tmp_path / "corpus" / f"fake-{what.fingerprint}", what) as writer:
        writer.add(entries(3))
    with pytest.raises(MmserError, match="interrupted or is still under way"):
        find_store(tmp_path, "corpus", "fake")


@pytest.mark.parametrize(
    "corpus, name", [("..", "fake"), ("corpus", "../corpus/fake"), ("corpus", ""), ("a/b", "fake")]
)
def test_names_cannot_leave_the_cache(tmp_path: Path, corpus: str, name: str):
    with pytest.raises(MmserError, match="of letters, digits"):
        find_store(tmp_path, corpus, name)
