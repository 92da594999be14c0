"""A user's own table: what is read, and the one error each fault gives."""

from pathlib import Path

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance, Vote, Word
from mmser.corpora.generic import Generic


def table(folder: Path, text: str) -> Path:
    (folder / "clips").mkdir(exist_ok=True)
    (folder / "clips" / "one.wav").touch()
    path = folder / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_with_relative_paths_and_columns_of_its_own(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "id,speaker,audio_path,emotion,start,end,turn,valence,take,words,votes\n"
        '007,03,clips/one.wav,happy,0.5,1.5,2,3.5,04,"[{""text"": ""so"", ""start"": 0, ""end"": 0.5}]",\n'
        '008,03,clips/one.wav,,,,,,,,"[{""annotator"": ""a1"", ""emotions"": [""sad""], ""valence"": 2}]"\n',
    )
    for root in (tmp_path, path):
        first, second = Generic(root, name="mine").utterances()
        assert first == Utterance(
            id="007",
            corpus="mine",
            speaker="03",
            audio_path=tmp_path / "clips" / "one.wav",
            emotion="happy",
            start=0.5,
            end=1.5,
            turn=2,
            valence=3.5,
            words=(Word("so", 0, 0.5),),
            extra={"take": "04"},
        )
        assert second.emotion is None and second.start is None
        assert second.votes == (Vote("a1", ("sad",), 2),)


def test_parquet_and_absolute_paths(tmp_path: Path) -> None:
    clip = tmp_path / "elsewhere.mp4"
    clip.touch()
    frame = pd.DataFrame({"id": ["a", "b"], "speaker": ["s", "t"], "video_path": [str(clip), None]})
    frame.assign(transcript=[None, "hello"], arousal=[1.0, None]).to_parquet(tmp_path / "manifest.parquet")
    first, second = Generic(tmp_path).utterances()
    assert (first.video_path, first.arousal, first.corpus) == (clip, 1.0, "generic")
    assert (second.transcript, second.arousal) == ("hello", None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,s,clips/none.wav,,,,,,,",
            r"an existing file in row 2 \(id 'a'\), column audio_path of manifest.csv; found",
        ),
        ("a,,clips/one.wav,,,,,,,", "a value in row 2 .*column speaker .*empty cell"),
        ("a,s,clips/one.wav,x,2,,,,,", "a number in row 2 .*column start .*found 'x'"),
        ("a,s,clips/one.wav,1,,,,,,", "both start and end, or neither in row 2 .*column end"),
        ("a,s,clips/one.wav,2,1,,,,,", r"0 <= start < end in row 2 .*start 2, end 1"),
        ("a,s,clips/one.wav,,,1.5,,,,", "a whole number from 0 in row 2 .*column turn .*'1.5'"),
        ("a,s,clips/one.wav,,,,up,,,", "left or right in row 2 .*column face_side .*'up'"),
        ("a,s,clips/one.wav,,,,,dev,,", "train or validation or test in row 2 .*column part .*'dev'"),
        ("a,s,clips/one.wav,,,,,,inf,", "a number in row 2 .*column valence .*'inf'"),
        ("a,s,clips/one.wav,,,,,,,{", "JSON in row 2 .*column words"),
        ('a,s,clips/one.wav,,,,,,,"[{""text"": ""so""}]"', "a list of objects with end, start, text in row 2"),
        ("a,s,,,,,,,,", "none of the three"),
        ("ok,s,clips/one.wav,,,,,,,", "every id once; found 'ok' twice"),
    ],
)
def test_each_fault_names_its_row_and_column(tmp_path: Path, row: str, message: str) -> None:
    header = "id,speaker,audio_path,start,end,turn,face_side,part,valence,words"
    table(tmp_path, f"{header}\nok,s,clips/one.wav,,,,,,,\n{row}\n")
    with pytest.raises(MmserError, match=message):
        list(Generic(tmp_path).utterances())


def test_missing_table_and_missing_column(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"a manifest.csv or manifest.parquet .*no such file"):
        list(Generic(tmp_path).utterances())
    table(tmp_path, "id,audio_path\na,clips/one.wav\n")
    with pytest.raises(MmserError, match=r"a column 'speaker' in .*found only id, audio_path"):
        list(Generic(tmp_path).utterances())
