"""`mmser cache`: what it prints and its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.pipeline.caches import _check_merged


def test_gc_lists_older_stores_and_removes_them_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = (fill(tmp_path, entries(3), parameters={"window": window}) for window in (25, 32))
    assert main(["cache", "gc", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "nothing\n"
    assert main(["cache", "gc", str(tmp_path), "--old"]) == 0
    assert old.name in capsys.readouterr().out and old.exists()
    assert main(["cache", "gc", str(tmp_path), "--old", "--apply"]) == 0
    assert not old.exists() and new.exists()


def test_verify_fails_when_anything_is_damaged(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "verify", str(filled)]) == 0
    (filled / "info.json").write_text("{")
    assert main(["cache", "verify", str(filled)]) == 1
    assert main(["cache", "info", str(filled)]) == 1
    assert "Delete" in capsys.readouterr().err


def test_shards_of_a_corpus_are_merged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.csv").write_text(
        "id,speaker,transcript\n" + "".join(f"u{n},a,word\n" for n in range(70))
    )
    words = ["corpus=generic", f"corpus.root={tmp_path}/list.csv", "extractors=[characters]"]
    words.append(f"cache={tmp_path}/cache")
    assert main(["preprocess", *words, "shard=2/2"]) == 0
    assert main(["cache", "merge", f"{tmp_path}/cache"]) == 1
    assert "expected a finished shard 1/2" in capsys.readouterr().err
    with pytest.raises(MmserError, match=r"shards that are not merged, .*2-of-2/generic/charact"):
        _check_merged(tmp_path / "cache", "generic", "characters")
    _check_merged(tmp_path / "cache", "generic", "character")
    assert main(["preprocess", *words, "shard=3/2"]) == 2
    assert main(["preprocess", *words, "shard=1/2"]) == 0
    assert main(["cache", "merge", f"{tmp_path}/cache"]) == 0
    assert "70" in capsys.readouterr().out
    assert main(["preprocess", *words]) == 0
    assert "70 of 70 utterances cached, 0 to do" in capsys.readouterr().err


def test_a_folder_that_was_only_begun_hides_nothing(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (filled.parent / f"fake-{'0' * 12}").mkdir()
    assert main(["cache", "info", str(filled.parent)]) == 0
    assert filled.name in capsys.readouterr().out
