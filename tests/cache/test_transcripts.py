"""Words, times and confidences come back; failures and empty texts are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmser.cache.fingerprint import Recipe
from mmser.cache.store import find_store
from mmser.cache.transcripts import TranscriptEntry, TranscriptStore, open_transcripts
from mmser.core.clip import Failure, Transcript
from mmser.core.errors import MmserError
from mmser.core.utterance import Word

RECIPE = Recipe("transcript", "room.Asr", 1, {"model": "tiny"}, transcript={"source": "asr-tiny"})
SPOKEN = Transcript("grüß Gott", "asr-tiny", (Word("grüß", 0.1, 0.4, 0.75), Word("Gott", 0.5, 0.9)))


def folder(cache: Path) -> Path:
    return cache / "corpus" / f"transcript@asr-tiny-{RECIPE.fingerprint}"


def write(cache: Path, entries: list[TranscriptEntry]) -> Path:
    with open_transcripts(folder(cache), RECIPE) as writer:
        writer.add(entries)
        writer.finish()
    return folder(cache)


def test_round_trip(tmp_path: Path):
    entries = [
        TranscriptEntry("u0", "d", SPOKEN),
        TranscriptEntry("u1", "d", Transcript("", "asr-tiny")),
    ]
    write(
        tmp_path, [*entries, TranscriptEntry("u2", "d", Failure("u2", "no audio track", "x.mp4"))]
    )
    store = TranscriptStore(find_store(tmp_path, "corpus", "transcript@asr-tiny"))
    assert store.read("u0") == SPOKEN and store.read("u1") == Transcript("", "asr-tiny")
    assert store.read("u2") == Failure("u2", "no audio track", "x.mp4")
    assert (
        "u1" in store and "u2" not in store and list(store.table.status) == ["ok", "ok", "failed"]
    )
    assert store.info["ok"] == 2 and store.info["failed"] == 1 and store.info["complete"]


def test_steps_and_one_go_give_the_same_bytes(tmp_path: Path):
    entries = [TranscriptEntry(f"u{i}", "d", SPOKEN) for i in range(6)]
    whole = write(tmp_path / "a", entries)
    for at in range(0, 6, 2):
        stepped = write(tmp_path / "b", entries[at : at + 2])
    assert (whole / "transcripts.parquet").read_bytes() == (
        stepped / "transcripts.parquet"
    ).read_bytes()
    assert (whole / "info.json").read_bytes() == (stepped / "info.json").read_bytes()


def test_changed_sound_is_heard_again(tmp_path: Path):
    write(
        tmp_path,
        [
            TranscriptEntry("u0", "old", SPOKEN),
            TranscriptEntry("u1", "d", Failure("u1", "silence")),
        ],
    )
    with open_transcripts(folder(tmp_path), RECIPE) as writer:
        assert writer.is_stored("u0", "old") and not writer.is_stored("u0", "new")
        assert writer.is_stored("u1", "d") and not writer.is_stored("u1", "d", retry_failed=True)


def test_unknown_utterance(tmp_path: Path):
    store = TranscriptStore(write(tmp_path, []))
    with pytest.raises(MmserError, match=r"utterance u9 .* found no such row"):
        store.read("u9")
