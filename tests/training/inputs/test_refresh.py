"""What a corpus says now counts: corrected cells, and protocols that cannot be followed, before any
extraction.
"""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.corpora.generic import Generic
from mmser.corpora.manifest import read_manifest, to_table, write_manifest
from mmser.pipeline import caches
from mmser.pipeline.train import train_config
from mmser.runs.run_identity import claim, run_directory
from mmser.settings.run import RunSettings, read_run
from mmser.training.fit import prepare
from mmser.training.inputs.corpora import RunCorpora, build_corpora
from mmser.training.inputs.refresh import refresh
from mmser.training.run import Run


def read(config: dict[str, Any]) -> tuple[RunSettings, RunCorpora]:
    """The settings and the corpora of a config."""
    settings = read_run(config)
    return settings, build_corpora(settings)


@pytest.fixture
def cache(cache: Path, tmp_path: Path) -> Path:
    """A copy of the room's cache, whose manifest is that of ``corpus``."""
    return Path(shutil.copytree(cache, tmp_path / "cache"))


@pytest.fixture
def table(cache: Path, tmp_path: Path) -> Path:
    """The user's table that the cached manifest was made from."""
    known = read_manifest(cache / "small" / "manifest.parquet").assign(transcript="hello")
    path = tmp_path / "manifest.csv"
    known.drop(columns="corpus").to_csv(path, index=False)
    write_manifest(
        to_table(Generic(path, "small").utterances()), cache / "small" / "manifest.parquet"
    )
    return path


def correct(table: Path, **cells: str) -> None:
    """Give the first row (u000) other cells."""
    frame = pd.read_csv(table, dtype=str)
    for column, text in cells.items():
        frame.loc[0, column] = text
    frame.to_csv(table, index=False)


@pytest.fixture
def chosen(settings: Any, table: Path) -> dict[str, Any]:
    return dict(settings(**{"corpus.root": str(table)}))


def test_nothing_changed_says_and_writes_nothing(
    chosen: dict[str, Any], cache: Path, caplog: Any
) -> None:
    before = (cache / "small" / "manifest.parquet").stat().st_mtime_ns
    with caplog.at_level(logging.INFO):
        assert refresh(chosen) == {}
    assert (cache / "small" / "manifest.parquet").stat().st_mtime_ns == before
    assert "small" not in caplog.text


@pytest.mark.parametrize(
    ("column", "text"),
    [("emotion", "happy"), ("speaker", "s3"), ("gender", "F"), ("part", "test"), ("valence", "7")],
)
def test_a_corrected_cell_is_read_again_and_told(
    chosen: dict[str, Any], table: Path, cache: Path, caplog: Any, column: str, text: str
) -> None:
    old = str(read_manifest(cache / "small" / "manifest.parquet").loc[0, column])
    correct(table, **{column: text})
    changes = refresh(chosen)["small"]
    assert [(cell.id, cell.column, cell.before) for cell in changes.cells] == [
        ("u000", column, old)
    ]
    assert f"1 cells (u000 {column} " in caplog.text
    assert str(read_manifest(cache / "small" / "manifest.parquet").loc[0, column]).startswith(text)
    assert changes.of_content == []


def test_a_new_run_is_made_with_the_corrected_label_and_an_old_one_keeps_its_own(
    chosen: dict[str, Any], table: Path
) -> None:
    directory = run_directory(chosen)
    claim(directory, chosen)
    prepare(directory, chosen, *read(chosen))
    correct(table, emotion="happy", speaker="s3")
    told = (
        r"made from; found 2 cells \(u000 speaker 's0' -> 's3', u000 emotion 'angry' -> "
        r"'happy'\). Choose another"
    )
    with pytest.raises(MmserError, match=told):
        refresh(chosen)
    other = {**chosen, "run": chosen["run"] + "-corrected"}
    refresh(other)
    claim(run_directory(other), other)
    assignment = prepare(run_directory(other), other, *read(other))
    assert set(assignment.loc[assignment["id"] == "u000", "label"]) == {"happy"}
    old = Run(directory)
    assert old.manifest.set_index("id").loc["u000", ["emotion", "speaker"]].tolist() == [
        "angry",
        "s0",
    ]
    with pytest.raises(MmserError, match="this run keeps what it was made from"):
        prepare(directory, chosen, *read(chosen))


def test_a_corpus_that_is_gone_is_taken_as_its_cache_has_it(
    chosen: dict[str, Any], table: Path, caplog: Any
) -> None:
    table.unlink()
    with caplog.at_level(logging.INFO):
        assert refresh(chosen) == {}
    assert re.search(r"taken as its cache has it, \d+ utterances of \d+ speakers", caplog.text)


def test_a_mistyped_table_is_not_the_one_in_the_cache(chosen: dict[str, Any], table: Path) -> None:
    table.rename(table.with_name("other.csv"))
    with pytest.raises(MmserError, match="no such file at"):
        refresh(chosen)


def test_other_words_are_preprocessed_again_labels_are_not(
    chosen: dict[str, Any], table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(caches, "preprocess_for", lambda *arguments: asked.append(arguments[-1]))
    monkeypatch.setattr(
        caches, "_check_makers", lambda missing: None
    )  # no config makes these stores
    correct(table, emotion="happy")
    caches.ensure_caches(chosen, refresh(chosen))
    assert asked == []
    correct(table, transcript="good bye")
    changes = refresh(chosen)
    caches.ensure_caches(chosen, changes)
    assert asked == [["tone", "noise"]]
    full = next(Path(chosen["cache"]).glob("small/tone-*")).name
    named = {**chosen, "streams": {"tone": {"extractor": full}}}
    with pytest.raises(
        MmserError, match="made before the media, times or words of 1 utterances changed"
    ):
        caches.ensure_caches(named, changes)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"emotion": "Happy"}, "'Happy' .*'happy'"),
        ({"speaker": ""}, "column speaker: an empty cell"),
        ({"audio_path": "gone.wav"}, "gone.wav, not an existing file"),
    ],
)
def test_a_table_with_faults_stops_before_anything_is_extracted(
    chosen: dict[str, Any], table: Path, cache: Path, cells: dict[str, str], message: str
) -> None:
    before = (cache / "small" / "manifest.parquet").read_bytes()
    correct(table, **cells)
    with pytest.raises(MmserError, match=message):
        refresh(chosen)
    assert (cache / "small" / "manifest.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"speaker": "one"}, "at least 3 speakers; found 1"),
        ({"emotion": "happy"}, "at least two classes in the train split of fold s0; found happy"),
        (
            {"emotion": "glad"},
            "utterances labelled angry, happy, sad in the column emotion; found the labels glad",
        ),
        ({"emotion": ""}, "no label; the columns with values are id"),
    ],
)
def test_a_protocol_that_cannot_be_followed_stops_before_anything_is_extracted(
    chosen: dict[str, Any], table: Path, cache: Path, columns: dict[str, str], message: str
) -> None:
    shutil.rmtree(cache)
    pd.read_csv(table, dtype=str).assign(**columns).to_csv(table, index=False)
    with pytest.raises(MmserError, match=message):
        train_config(chosen)
    assert not cache.exists() and not run_directory(chosen).exists()


def test_two_corpora_that_share_an_id_are_refused(chosen: dict[str, Any], table: Path) -> None:
    other = {
        "corpus": {**chosen["corpus"], "name": "other"},
        "protocol": {**chosen["protocol"], "corpus": "other"},
    }
    with pytest.raises(
        MmserError, match=r"ids that no two corpora share; found u000; u001.*and 38 more"
    ):
        refresh({**chosen, "domains": {"other": other}})
