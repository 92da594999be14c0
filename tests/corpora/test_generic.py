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
        '007,03,clips/one.wav,happy,0.5,1.5,2,3.5,04,"[{""text"": ""so"", ""start"": 0, ""end"": '
        '0.5}]",\n'
        '008,03,clips/one.wav,,,,,,,,"[{""annotator"": ""a1"", ""emotions"": [""sad""], '
        '""valence"": 2}]"\n',
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
    frame.assign(transcript=[None, "hello"], arousal=[1.0, None]).to_parquet(
        tmp_path / "manifest.parquet"
    )
    first, second = Generic(tmp_path).utterances()
    assert (first.video_path, first.arousal, first.corpus) == (clip, 1.0, "generic")
    assert (second.transcript, second.arousal) == ("hello", None)


def test_a_parquet_table_of_other_types_reads_as_its_csv_would(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": [7], "speaker": [3.5], "transcript": ["so"], "turn": [2.0], "valence": [3]}
    )
    frame["votes"] = [[{"annotator": 1, "emotions": ["sad "]}]]
    frame.to_parquet(tmp_path / "manifest.parquet")
    (read,) = Generic(tmp_path).utterances()
    assert (read.id, read.speaker, read.turn, read.valence) == ("7", "3.5", 2, 3.0)
    assert read.votes == (Vote("1", ("sad",)),)


HEADER = "id,speaker,audio_path,start,end,turn,face_side,part,valence,words,votes"
ONE = "clips/one.wav"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,s,clips/none.wav,,,,,,,,",
            r"row 2 \(id 'a'\), column audio_path: /.*clips/none.wav, not an existing file",
        ),
        (
            "a,s,~nosuchuser/x.wav,,,,,,,,",
            r"column audio_path: .*~nosuchuser/x.wav, not an existing file",
        ),
        (f"a,s,{'x' * 5000},,,,,,,,", r"column audio_path: .*x, not an existing file"),
        (f"a,,{ONE},,,,,,,,", "row 2 .*column speaker: an empty cell, not a value"),
        (f"a, ,{ONE},,,,,,,,", "row 2 .*column speaker: an empty cell, not a value"),
        (f"a,s,{ONE},x,2,,,,,,", "column start: 'x', not a number"),
        (f"a,s,{ONE},1_0,20,,,,,,", "column start: '1_0', not a number"),
        (f"a,s,{ONE},1,,,,,,,", "column end: an empty cell, not both start and end, or neither"),
        (f"a,s,{ONE},2,1,,,,,,", "column end: start 2, end 1, not 0 <= start < end"),
        (f"a,s,{ONE},,,1.5,,,,,", "column turn: '1.5', not a whole number from 0"),
        (f"a,s,{ONE},,,{'9' * 40},,,,,", "column turn: '9{40}', not a whole number from 0"),
        (f"a,s,{ONE},,,,up,,,,", "column face_side: 'up', not left or right"),
        (f"a,s,{ONE},,,,,dev,,,", "column part: 'dev', not train or validation or test"),
        (f"a,s,{ONE},,,,,,inf,,", "column valence: 'inf', not a number"),
        (f"a,s,{ONE},,,,,,,{{,", "column words: .*not JSON"),
        (f"a,s,{ONE},,,,,,,{'[' * 100_000},", "column words: .*not JSON"),
        (
            f'a,s,{ONE},,,,,,,"[{{""text"": ""so""}}]",',
            "not a list of objects with end, start, text",
        ),
        (
            f'a,s,{ONE},,,,,,,"[{{""text"": ""so"", ""start"": 2, ""end"": 1}}]",',
            "not 0 <= start <= end of every word",
        ),
        (f'a,s,{ONE},,,,,,,"[{{""text"": 7, ""start"": 0, ""end"": 1}}]",', "not text as text"),
        (
            f'a,s,{ONE},,,,,,,"[{{""text"": ""so"", ""start"": NaN, ""end"": 1}}]",',
            "not numbers as everything but",
        ),
        (
            f'a,s,{ONE},,,,,,,,"[{{""annotator"": ""a"", ""mood"": 1}}]"',
            r"no keys but .*there is mood",
        ),
        (
            f'a,s,{ONE},,,,,,,,"[{{""annotator"": ""a"", ""emotions"": ""sad""}}]"',
            "not lists of words as emotions",
        ),
        (
            f'a,s,{ONE},,,,,,,,"[{{""annotator"": ""a"", ""valence"": ""high""}}]"',
            "not numbers as everything but",
        ),
        ("a,s,,,,,,,,,", "none of the three"),
        (f"ok,s,{ONE},,,,,,,,", "the id 'ok' in rows 1, 2"),
        (
            f"b,S,{ONE},,,,,,,,",
            r"'S' \(1 rows\), 's' \(1 rows\) in column speaker, which differ in case",
        ),
        (f"b,s,{ONE},,,,,,3,,", "one recording in rows 1, 2 with the valence 1.0 and 3.0"),
    ],
)
def test_each_fault_names_its_row_and_column(tmp_path: Path, row: str, message: str) -> None:
    table(tmp_path, f"{HEADER}\nok,s,{ONE},,,,,,1,,\n{row}\n")
    with pytest.raises(MmserError, match=message):
        list(Generic(tmp_path).utterances())


def test_all_faults_are_told_at_once_the_first_ten_in_full(tmp_path: Path) -> None:
    rows = "".join(f"u{number},s,gone{number}.wav\n" for number in range(12))
    table(tmp_path, f"id,speaker,audio_path\n{rows}")
    with pytest.raises(
        MmserError, match=r"row 1 \(id 'u0'\).*gone9\.wav, not an existing file; and 2 more"
    ) as told:
        list(Generic(tmp_path).utterances())
    assert "gone10" not in str(told.value)


def test_spaces_are_stripped_and_labels_that_differ_in_spelling_alone_are_listed(
    tmp_path: Path,
) -> None:
    words = ["happy", "happy ", " happy", "caf\u00e9", "cafe\u0301"]
    rows = "".join(f"u{number} , s,hello,{word}\n" for number, word in enumerate(words[:4]))
    read = list(Generic(table(tmp_path, f"id, speaker ,transcript,emotion\n{rows}")).utterances())
    assert [(u.id, u.speaker, u.emotion) for u in read[:3]] == [
        (f"u{n}", "s", "happy") for n in range(3)
    ]
    rows += f"u4,s,hello,{words[4]}\nu5,s,hello,Happy\n"
    with pytest.raises(
        MmserError,
        match=r"'Happy' \(1 rows\), 'happy' \(3 rows\) in column emotion.*'cafe\u0301' \(1",
    ):
        list(Generic(table(tmp_path, f"id,speaker,transcript,emotion\n{rows}")).utterances())


def test_one_recording_under_two_labels_is_refused_unless_its_stretches_differ(
    tmp_path: Path,
) -> None:
    head = "id,speaker,audio_path,start,end,emotion\n"
    spans = f"a,s,{ONE},0,1,happy\nb,t,clips/../{ONE},1,2,sad\n"
    assert len(list(Generic(table(tmp_path, head + spans)).utterances())) == 2
    with pytest.raises(
        MmserError, match="one recording in rows 1, 3 with the emotion happy and sad"
    ):
        list(Generic(table(tmp_path, f"{head}{spans}c,u,clips/../{ONE},0.0,1,sad\n")).utterances())


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_other_separators_and_a_comma_too_many(tmp_path: Path, separator: str) -> None:
    text = "id,speaker,session,transcript,emotion\nu1,s1,x1,hello there,happy,\n".replace(
        ",", separator
    )
    (tmp_path / "manifest.tsv").write_text(text, encoding="utf-16")
    (read,) = Generic(tmp_path).utterances()
    assert (read.id, read.speaker, read.session, read.transcript, read.emotion) == (
        "u1", "s1", "x1", "hello there", "happy",
    )  # fmt: skip


def test_a_workbook_and_a_header_of_another_spelling(tmp_path: Path) -> None:
    (tmp_path / "manifest.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(MmserError, match=r"found a workbook, .*manifest.xlsx. Save it as csv"):
        list(Generic(tmp_path).utterances())
    with pytest.raises(MmserError, match=r"found an Excel workbook .*CSV UTF-8"):
        list(Generic(tmp_path / "manifest.xlsx").utterances())
    with pytest.raises(MmserError, match=r"'Emotion ?' \(write emotion\)"):
        list(
            Generic(table(tmp_path, "id,speaker,transcript,Emotion\na,s,hello,sad\n")).utterances()
        )


def test_missing_table_and_missing_column(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"a manifest.csv or manifest.parquet .*no such file"):
        list(Generic(tmp_path).utterances())
    table(tmp_path, "id,audio_path\na,clips/one.wav\n")
    with pytest.raises(MmserError, match=r"a column 'speaker' in .*found only id, audio_path"):
        list(Generic(tmp_path).utterances())
