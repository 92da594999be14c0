"""MELD's tables in both encodings, its clip folders, and the official counts where the real files
are at hand.
"""

import os
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.manifest import to_table
from mmser.corpora.meld import Meld

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
ROWS = {
    "train": '1,"Oh, it\u2019s you.",Phoebe,joy,positive,125,3,4,7,"00:20:57,256","00:21:00,049"\n'
    "2,Né?,Waiter,neutral,neutral,0,1,4,7,,\n",
    "dev": "1,What?,Monica,surprise,negative,110,7,4,7,,\n",
    "test": "1,What?,Mark,surprise,positive,0,1,3,19,,\n",
}


def write(root: Path, encoding: str = "utf-8", folder: str = "") -> Path:
    for part, rows in ROWS.items():
        path = root / folder / f"{part}_sent_emo.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{HEADER}\n{rows}".replace("\n", "\r\n").encode(encoding))
    return root


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_text_survives_every_encoding_in_circulation(tmp_path: Path, encoding: str) -> None:
    utterances = list(Meld(write(tmp_path, encoding)).utterances())
    assert [u.transcript for u in utterances] == ["Oh, it\u2019s you.", "Né?", "What?", "What?"]


def test_ids_are_unique_over_the_parts(tmp_path: Path) -> None:
    table = to_table(Meld(write(tmp_path, folder="data/MELD")).utterances())
    assert list(table["id"]) == [
        "train_dia125_utt3",
        "train_dia0_utt1",
        "dev_dia110_utt7",
        "test_dia0_utt1",
    ]
    assert list(table["part"]) == ["train", "train", "validation", "test"]
    assert list(table["dialogue"]) == ["train_dia125", "train_dia0", "dev_dia110", "test_dia0"]
    assert list(table["gender"]) == ["female", "", "female", ""]
    assert table.loc[0, ["emotion", "sentiment", "session", "turn"]].tolist() == [
        "joy",
        "positive",
        "s04e07",
        3,
    ]


def test_a_root_of_three_tables_is_text_only(tmp_path: Path) -> None:
    utterances = list(Meld(write(tmp_path)).utterances())
    assert all(
        u.video_path is None and u.audio_path is None and "warning" not in u.extra
        for u in utterances
    )


@pytest.mark.parametrize("folder", ["train_splits", "MELD.Raw/train/train_splits"])
def test_clips_are_found_and_known_defects_named(tmp_path: Path, folder: str) -> None:
    clips = write(tmp_path) / folder
    clips.mkdir(parents=True)
    (clips / "dia0_utt1.mp4").touch()
    (clips / "._dia0_utt1.mp4").touch()
    bad, good, dev, _ = Meld(tmp_path).utterances()
    assert good.video_path == clips / "dia0_utt1.mp4"
    assert (
        bad.video_path == clips / "dia125_utt3.mp4"
    )  # named though lacking, so that the ledger reports it
    assert "undecodable" in bad.extra["warning"]
    assert "warning" not in good.extra
    assert dev.video_path is None


def test_a_table_that_is_not_melds(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "dev_sent_emo.csv").write_text("id,text\n1,hello\n")
    with pytest.raises(
        MmserError, match=r"dev_sent_emo.csv with the columns Utterance.* among id, text"
    ):
        list(Meld(tmp_path).utterances())
    (tmp_path / "dev_sent_emo.csv").write_text(
        f"{HEADER}\n1,Hi,Joey,joy,positive,x,0,1,1,,\n2,Ho,Joey,joy,positive,3,-1,1,1,,\n"
    )
    with pytest.raises(MmserError, match=r"'x' and '0' in row 1; '3' and '-1' in row 2"):
        list(Meld(tmp_path).utterances())
    (tmp_path / "dev_sent_emo.csv").unlink()
    with pytest.raises(
        MmserError, match=r"train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv"
    ):
        list(Meld(tmp_path).utterances())


def test_final_videos_are_taken_where_they_are_alone_and_named_where_they_are_not(
    tmp_path: Path,
) -> None:
    clips = write(tmp_path) / "test" / "output_repeated_splits_test"
    clips.mkdir(parents=True)
    (clips / "final_videos_testdia0_utt1.mp4").touch()
    alone = list(Meld(tmp_path).utterances())[-1]
    assert alone.video_path == clips / "final_videos_testdia0_utt1.mp4"
    assert "warning" not in alone.extra
    (clips / "dia0_utt1.mp4").touch()
    both = list(Meld(tmp_path).utterances())[-1]
    assert both.video_path == clips / "dia0_utt1.mp4"
    assert (
        "both final_videos_testdia*.mp4 and dia*.mp4 lie there: dia*.mp4 is taken"
        in both.extra["warning"]
    )


@pytest.mark.real_data
def test_the_official_files_have_the_official_counts() -> None:
    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    table = to_table(Meld(Path(os.environ["MMSER_DATA"]) / "meld").utterances())
    counts = table.groupby(["part", "emotion"]).size()
    assert table["part"].value_counts().to_dict() == {
        "train": 9989,
        "test": 2610,
        "validation": 1109,
    }
    assert [counts[part, "neutral"] for part in ("train", "validation", "test")] == [
        4710,
        470,
        1256,
    ]
    assert counts["test"].to_dict() == {
        "anger": 345, "disgust": 68, "fear": 50, "joy": 402, "neutral": 1256, "sadness": 208, "surprise": 281,
    }  # fmt: skip
    assert not table["transcript"].str.contains("\ufffd|â€").any()
