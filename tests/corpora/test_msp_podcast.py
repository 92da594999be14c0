"""MSP-Podcast: the label table, its partitions, transcripts and votes."""

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.msp_podcast import MspPodcast

PODCAST = """FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
MSP-PODCAST_0001_0008.wav,N,2.4,4.0,3.2,127,Female,Train
MSP-PODCAST_0002_0039.wav,C,5.2,2.8,5.2,Unknown,Unknown,Development
MSP-PODCAST_0002_0051.wav,X,4.2,,5.0,9,Male,Test1
MSP-PODCAST_0003_0001.wav,H,4.2,5.0,5.0,10,Male,Test2
"""


@pytest.fixture
def podcast(tmp_path: Path) -> Path:
    for folder in ("Labels", "Audios", "Transcripts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "Labels/labels_consensus.csv").write_text(PODCAST)
    votes = "MSP-PODCAST_0001_0008.wav; N; A:2.400000; V:4.000000; D:3.200000;\n"
    votes += "WORKER00014325; Happy; Happy,Amused; A:3.000000; V:5.000000; D:4.000000;\n"
    (tmp_path / "Labels/labels.txt").write_text(votes)
    (tmp_path / "Transcripts/MSP-PODCAST_0001_0008.txt").write_text("so it goes\n")
    return tmp_path


def test_podcast(podcast: Path) -> None:
    first, second, third, fourth = MspPodcast(podcast).utterances()
    assert (first.id, first.speaker, first.gender, first.part) == (
        "MSP-PODCAST_0001_0008",
        "127",
        "female",
        "train",
    )
    assert (first.arousal, first.valence, first.dominance, first.transcript) == (
        2.4,
        4.0,
        3.2,
        "so it goes",
    )
    assert first.votes[0].emotions == ("happy",)
    assert first.audio_path == podcast / "Audios/MSP-PODCAST_0001_0008.wav"
    assert (second.speaker, second.gender, second.part) == (
        "unknown-MSP-PODCAST_0002_0039",
        "",
        "validation",
    )
    assert (second.emotion, second.transcript) == ("contempt", None)
    assert (third.emotion, third.valence, third.part) == (None, None, "test")
    assert (fourth.part, fourth.extra) == ("", {"split": "Test2"})
    assert [u.part for u in MspPodcast(podcast, test_set="Test2").utterances()][2:] == ["", "test"]


def test_podcast_faults(podcast: Path) -> None:
    (podcast / "Labels/labels_consensus.csv").write_text("FileName,EmoClass\na.wav,N\n")
    with pytest.raises(
        MmserError,
        match=r"columns FileName, EmoClass, EmoAct.*no column EmoAct.* among FileName, EmoClass\.",
    ):
        list(MspPodcast(podcast).utterances())
    (podcast / "Labels/labels_consensus.csv").unlink()
    with pytest.raises(MmserError, match=r"MSP-Podcast: Labels/labels_consensus\.csv"):
        list(MspPodcast(podcast).utterances())


def test_an_archive_in_a_folder_of_its_own_name_and_the_path_of_a_lost_clip(podcast: Path) -> None:
    for folder in ("Labels", "Audios", "Transcripts"):
        (podcast / folder).rename(podcast / "aside")
        (podcast / folder).mkdir()
        (podcast / "aside").rename(podcast / folder / folder)
    (podcast / "Audios/Audios/MSP-PODCAST_0001_0008.wav").touch()
    first, second, *_ = MspPodcast(podcast).utterances()
    assert first.audio_path == podcast / "Audios/Audios/MSP-PODCAST_0001_0008.wav"
    assert first.transcript == "so it goes"
    assert (
        second.audio_path == podcast / "Audios/Audios/MSP-PODCAST_0002_0039.wav"
    )  # lacking: the ledger names it


def test_a_set_without_labels_is_listed_when_it_is_asked_for(podcast: Path) -> None:
    for name in ("MSP-PODCAST_test3_0007", "MSP-PODCAST_0001_0008", "MSP-PODCAST_0009_0001"):
        (podcast / f"Audios/{name}.wav").touch()
    assert len(list(MspPodcast(podcast).utterances())) == 4
    last = list(MspPodcast(podcast, unlabelled="Test3").utterances())[4:]
    assert [(u.id, u.part, u.emotion, u.valence) for u in last] == [
        ("MSP-PODCAST_test3_0007", "", None, None)
    ]
    assert last[0].extra == {"split": "Test3"}
    assert last[0].speaker == "unknown-MSP-PODCAST_test3_0007"
