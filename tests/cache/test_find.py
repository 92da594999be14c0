"""Names to folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill, recipe

from mmser.cache.find import NotCachedError, find_store
from mmser.cache.writer import open_writer
from mmser.core.errors import MmserError


def test_by_name_by_source_and_in_full(tmp_path: Path):
    plain = fill(tmp_path, entries(3))
    heard = fill(tmp_path, entries(3), transcript={"source": "pocketsphinx"})
    assert find_store(tmp_path, "corpus", "fake") == plain
    assert find_store(tmp_path, "corpus", "fake@pocketsphinx") == heard
    assert find_store(tmp_path, "corpus", heard.name) == heard


def test_none_names_the_command(tmp_path: Path):
    with pytest.raises(
        MmserError, match=r"mmser preprocess corpus=corpus extractors=\[glove\] transcript=whisper"
    ):
        find_store(tmp_path, "corpus", "glove@whisper")


def test_several_are_listed_with_what_differs(tmp_path: Path):
    names = [
        fill(tmp_path, entries(3), parameters={"window": window, "same": 1}).name
        for window in (25, 32)
    ]
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


def test_several_say_how_to_choose(tmp_path: Path):
    new = [fill(tmp_path, entries(3), parameters={"window": window}) for window in (25, 32)][-1]
    remedy = (
        r"streams.<stream>.extractor=fake-[0-9a-f]+, .* mmser cache gc "
        rf"{tmp_path / 'corpus'} --old "
    )
    with pytest.raises(MmserError, match=remedy):
        find_store(tmp_path, "corpus", "fake")
    assert find_store(tmp_path, "corpus", new.name) == new


def test_a_try_that_stored_nothing_makes_no_name_ambiguous(tmp_path: Path):
    good = fill(tmp_path, entries(3))
    fill(tmp_path, [], parameters={"window": 1})
    killed = tmp_path / "corpus" / f"fake-{'0' * 12}"
    killed.mkdir()
    (killed / "info.json").write_text(
        (good / "info.json").read_text().replace(good.name[-12:], "0" * 12)
    )
    assert find_store(tmp_path, "corpus", "fake") == good


def test_an_interrupted_one_with_values_is_not_passed_over(tmp_path: Path):
    fill(tmp_path, entries(3))
    what = recipe(parameters={"window": 1})
    with open_writer(tmp_path / "corpus" / f"fake-{what.fingerprint}", what) as writer:
        writer.add(entries(3))
    with pytest.raises(
        MmserError, match=r"one cache of fake; found 2: .*unfinished.* --unfinished$"
    ):
        find_store(tmp_path, "corpus", "fake")


def test_only_what_is_wanted_counts(tmp_path: Path):
    stores = {
        window: fill(tmp_path, entries(3), parameters={"window": window}) for window in (25, 32)
    }
    for window, store in stores.items():
        wanted = {"window": window}
        assert (
            find_store(tmp_path, "corpus", "fake", lambda info, w=wanted: info["parameters"] == w)
            == store
        )
    with pytest.raises(NotCachedError):
        find_store(tmp_path, "corpus", "fake", lambda info: False)


def test_a_transcript_is_made_by_a_text_extractor(tmp_path: Path):
    with pytest.raises(NotCachedError, match=r"extractors=\[words\] transcript=whisper"):
        find_store(tmp_path, "corpus", "transcript@whisper")
