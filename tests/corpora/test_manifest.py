"""The manifest keeps every field of an utterance, through tables, parquet and csv."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance, Vote, Word
from mmser.corpora.manifest import FIELDS, from_table, read_manifest, to_table, write_manifest

FULL = Utterance(
    id="a",
    corpus="c",
    speaker="03",
    session="1",
    dialogue="d",
    turn=4,
    start=0.5,
    end=2.25,
    transcript='so "it" goes, naïve',
    words=(Word("so", 0.0, 0.25), Word("it", 0.25, 0.5, 0.9)),
    language="en",
    gender="female",
    part="train",
    audio_path=Path("/x/a.wav"),
    video_path=Path("/x/a.mp4"),
    face_side="left",
    emotion="hap",
    sentiment="positive",
    valence=1.5,
    arousal=2.0,
    dominance=3.0,
    votes=(Vote("E1", ("hap", "exc"), 1.0, None, 3.0), Vote("E2")),
    extra={"intensity": "strong"},
)
BARE = Utterance(id="b", corpus="c", speaker="04")

text = st.text(
    alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), min_size=1
)
number = st.none() | st.floats(allow_nan=False, allow_infinity=False)
utterances = st.builds(
    Utterance,
    id=text,
    corpus=text,
    speaker=text,
    turn=st.integers(0, 2**40),
    start=number,
    valence=number,
    transcript=st.none() | text,
    emotion=st.none() | text,
    words=st.lists(st.builds(Word, text, st.floats(0, 9), st.floats(0, 9))).map(tuple),
    votes=st.lists(st.builds(Vote, text, st.lists(text).map(tuple), number)).map(tuple),
    extra=st.dictionaries(text.filter(lambda key: key not in FIELDS), text, max_size=2),
)


def test_columns_are_the_fields_and_the_extras() -> None:
    table = to_table([FULL, BARE])
    assert list(table.columns) == [*FIELDS, "intensity"]
    assert table.loc[1, "words"] is None and table.loc[1, "audio_path"] is None
    assert pd.isna(table.loc[1, "start"])
    assert table.loc[0, "audio_path"] == "/x/a.wav"


def test_parquet_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "new" / "manifest.parquet"
    write_manifest(to_table([FULL, BARE]), path)
    assert from_table(read_manifest(path)) == [FULL, BARE]
    assert [entry.name for entry in path.parent.iterdir()] == ["manifest.parquet"]


def test_csv_keeps_leading_zeros_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    to_table([FULL, BARE]).to_csv(path, index=False)
    assert from_table(read_manifest(path)) == [FULL, BARE]


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.lists(utterances, max_size=4, unique_by=lambda utterance: utterance.id))
def test_any_utterances_come_back(listed: list[Utterance]) -> None:
    assert from_table(to_table(listed)) == listed


def test_an_empty_manifest_has_its_columns() -> None:
    assert list(to_table([]).columns) == list(FIELDS)


def test_unknown_columns_of_a_users_table_become_extras() -> None:
    table = pd.DataFrame(
        {"id": ["a"], "corpus": ["c"], "speaker": ["s"], "take": [7], "note": [None]}
    )
    assert from_table(table) == [Utterance(id="a", corpus="c", speaker="s", extra={"take": "7"})]


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"every id once; found 'b' twice"):
        to_table([BARE, BARE])
    with pytest.raises(MmserError, match="'turn', a field of Utterance"):
        to_table([Utterance(id="a", corpus="c", speaker="s", extra={"turn": "x"})])
    with pytest.raises(MmserError, match="no column corpus, speaker"):
        from_table(pd.DataFrame({"id": ["a"]}))
    with pytest.raises(MmserError, match="no file"):
        read_manifest(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(MmserError, match="a readable parquet table"):
        read_manifest(tmp_path / "text.parquet")
