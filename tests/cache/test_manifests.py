"""A manifest that is not the one preprocessing wrote is noticed; what moved files do to it is not a
change.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from makers.cache_stores import entries, fill

from mmser.cache.maintenance import verify
from mmser.cache.manifests import check_manifest, content_digest, keep_manifest, manifest_problem
from mmser.core.errors import MmserError


def manifest(**changes: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {"id": ["a", "b"], "speaker": ["1", "2"], "emotion": ["joy", None], "audio_path": "/x.wav"}
    )
    return table.assign(**changes)


def keep(folder: Path, table: pd.DataFrame) -> None:
    keep_manifest(folder, partial(table.to_parquet, index=False))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    fill(tmp_path, entries(3))
    keep(tmp_path / "corpus", manifest())
    return tmp_path / "corpus"


def test_as_written(corpus: Path) -> None:
    check_manifest(corpus)
    table = verify(corpus)
    assert table.ok.all() and "manifest.parquet" in set(table.file)


def test_written_again(corpus: Path) -> None:
    before = (corpus / "manifest.json").read_bytes()
    keep(corpus, manifest())
    assert (corpus / "manifest.json").read_bytes() == before
    keep(corpus, manifest(emotion="fear"))
    check_manifest(corpus)
    assert pd.read_parquet(corpus / "manifest.parquet")["emotion"].tolist() == ["fear", "fear"]


def test_a_kill_between_digest_and_manifest_leaves_a_sound_cache(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mmser.cache.manifests.Path.replace", killed, raising=False)
        patch.setattr(
            "mmser.cache.manifests.write_json",
            lambda path, content: path.write_text(str(content).replace("'", '"')),
        )
        with pytest.raises(KeyboardInterrupt):
            keep(corpus, manifest(emotion="fear"))
    check_manifest(corpus)
    keep(corpus, manifest(emotion="fear"))
    check_manifest(corpus)


@pytest.mark.parametrize("change", ["label", "bytes", "gone", "digest"])
def test_a_change_by_anyone_else_is_told(corpus: Path, change: str) -> None:
    path = corpus / "manifest.parquet"
    if change == "label":
        manifest(emotion="fear").to_parquet(path, index=False)
    elif change == "bytes":
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    elif change == "gone":
        path.unlink()
    else:
        (corpus / "manifest.json").write_text("{")
    with pytest.raises(
        MmserError,
        match=r"manifest.parquet as preprocessing wrote it; .* `mmser preprocess corpus=corpus`",
    ):
        check_manifest(corpus)
    table = verify(corpus)
    assert list(table.file[~table.ok]) == ["manifest.parquet"]


def test_one_of_an_earlier_version_has_no_digest(corpus: Path) -> None:
    (corpus / "manifest.json").unlink()
    assert manifest_problem(corpus) == ""
    row = verify(corpus).set_index("file").loc["manifest.parquet"]
    assert row.ok and "no digest" in row.problem


def test_what_counts_as_the_same_content(tmp_path: Path) -> None:
    same = content_digest(manifest())
    assert content_digest(manifest(audio_path="/moved/x.wav")) == same
    assert content_digest(manifest()[["emotion", "audio_path", "speaker", "id"]]) == same
    for changes in ({"emotion": ["joy", "joy"]}, {"speaker": ["1", "1"]}, {"id": ["a", "c"]}):
        assert content_digest(manifest(**changes)) != same
    manifest().to_parquet(tmp_path / "m.parquet", index=False)
    assert content_digest(pd.read_parquet(tmp_path / "m.parquet")) == same
