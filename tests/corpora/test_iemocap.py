"""IEMOCAP's text formats, as the release writes them, odd lines included."""

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.iemocap import Iemocap
from mmser.corpora.manifest import from_table, to_table

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Anger;\t()
C-E4:\tOther;\t(a little tired)
C-F1:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()
A-E4:\tval 2; act 3; dom ;\t(mildly aggravated but staying polite, attitude)
A-F1:\tval 3; act 2; dom  1;\t()

[4.1000 - 6.0000]\tSes01F_impro01_M000\txxx\t[2.5000, 3.0000, 3.5000]
C-E2:\tFrustration;\t()
C-E3:\tExcited;\t()
A-E3:\tval 2; act 3; dom  3;\t()

a stray line of the release
"""
TRANSCRIPTS = """Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
Ses01F_impro01_M000 [004.1000-006.0000]:  Do you have your forms?
M: a line without a name
Ses01F_impro01_MXX0 [001.0000-002.0000]: [BREATHING]
"""
ALIGNMENT = """\t SFrm\t EFrm\t SegAScr Word
\t    0\t   18\t-121212 <s>
\t   19\t   52\t-345345 EXCUSE(2)
\t   53\t   60\t-100 ++GARBAGE++
\t   61\t   99\t-234234 ME
\t  100\t  110\t-1212 </s>
 Total score:      -812345
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """One dialogue of session 1 in the release's layout."""
    files = {
        "dialog/EmoEvaluation/Ses01F_impro01.txt": EVALUATION,
        "dialog/EmoEvaluation/._Ses01F_impro01.txt": "resource fork",
        "dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt": "Ses01F_impro01_M000 "
        ":Anger; ()\n",
        "dialog/EmoEvaluation/Categorical/Ses01F_impro01_e9_cat.txt": "Ses01F_impro01_M000 "
        ":Neutral state; ()\n",
        "dialog/EmoEvaluation/Attribute/Ses01F_impro01_e9_atr.txt": "Ses01F_impro01_M000 :act 2; "
        ":val 4; :dom 1; ()\n",
        "dialog/EmoEvaluation/Self-evaluation/Ses01F_impro01_m1_cat.txt": "Ses01F_impro01_M000 "
        ":Sadness; ()\n",
        "dialog/transcriptions/Ses01F_impro01.txt": TRANSCRIPTS,
        "dialog/avi/DivX/Ses01F_impro01.avi": "",
        "sentences/ForcedAlignment/Ses01F_impro01/Ses01F_impro01_F000.wdseg": ALIGNMENT,
        "sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav": "",
    }
    for name, text in files.items():
        path = tmp_path / "IEMOCAP_full_release" / "Session1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "IEMOCAP_full_release"


def test_every_field_of_a_dialogue(release: Path) -> None:
    man, woman = Iemocap(release).utterances()
    assert (man.id, man.turn, man.speaker, man.gender) == ("Ses01F_impro01_M000", 0, "01M", "male")
    assert (woman.id, woman.turn, woman.speaker, woman.gender) == (
        "Ses01F_impro01_F000",
        1,
        "01F",
        "female",
    )
    assert (woman.session, woman.dialogue, woman.start, woman.end) == (
        "1",
        "Ses01F_impro01",
        6.2901,
        8.2357,
    )
    assert (woman.emotion, woman.valence, woman.arousal, woman.dominance) == ("neu", 2.5, 2.5, 2.5)
    assert man.emotion is None
    assert man.dominance == 3.5
    assert man.transcript == "Do you have your forms?"
    assert woman.transcript == "Excuse me."
    assert woman.extra == {"scenario": "improvised"}


def test_self_votes_are_left_out_as_in_the_consensus(release: Path) -> None:
    man, woman = Iemocap(release).utterances()
    assert [vote.annotator for vote in woman.votes] == ["E2", "E3", "E4"]
    assert [vote.annotator for vote in man.votes] == ["E2", "E3", "E9"]


def test_votes_of_all_annotators_in_the_words_of_the_consensus(release: Path) -> None:
    man, woman = Iemocap(release, self_votes=True).utterances()
    votes = {vote.annotator: vote for vote in woman.votes}
    assert set(votes) == {"E2", "E3", "E4", "F1"}
    assert votes["E3"].emotions == ("neu", "ang")
    assert votes["E4"].emotions == ("oth",)
    assert (votes["E3"].valence, votes["E3"].arousal, votes["E3"].dominance) == (3.0, 2.0, 2.0)
    assert (votes["E4"].valence, votes["E4"].dominance) == (2.0, None)
    assert votes["E2"].valence is None
    of_man = {vote.annotator: vote for vote in man.votes}
    assert of_man["E2"].emotions == ("fru",)  # the dialogue's own file wins over the annotator's
    assert of_man["E9"].emotions == ("neu",)
    assert (of_man["E9"].valence, of_man["E9"].arousal, of_man["E9"].dominance) == (4.0, 2.0, 1.0)
    assert of_man["M1"].emotions == ("sad",)


def test_word_times_come_from_frames_of_ten_milliseconds(release: Path) -> None:
    man, woman = Iemocap(release).utterances()
    assert [(word.text, word.start, word.end) for word in woman.words] == [
        ("excuse", 0.19, 0.53),
        ("me", 0.61, 1.0),
    ]
    assert man.words == ()


def test_the_marked_actor_is_on_the_left_unless_swapped(release: Path) -> None:
    man, woman = Iemocap(release).utterances()
    assert (woman.face_side, man.face_side) == ("left", "right")
    man, woman = Iemocap(release, marked_side="right").utterances()
    assert (woman.face_side, man.face_side) == ("right", "left")


def test_media_paths(release: Path) -> None:
    man, woman = Iemocap(release).utterances()
    assert (
        woman.audio_path
        == release / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    )
    assert (
        man.audio_path is not None and not man.audio_path.exists()
    )  # named, so that the ledger reports it
    assert woman.video_path == release / "Session1/dialog/avi/DivX/Ses01F_impro01.avi"


def test_the_folder_above_the_release_works_and_the_manifest_keeps_everything(
    release: Path,
) -> None:
    utterances = list(Iemocap(release.parent, name="synthetic").utterances())
    assert {utterance.corpus for utterance in utterances} == {"synthetic"}
    assert from_table(to_table(utterances)) == utterances


def test_without_media_and_transcripts(tmp_path: Path) -> None:
    folder = tmp_path / "Session2/dialog/EmoEvaluation"
    folder.mkdir(parents=True)
    line = "[1.0 - 2.5]\tSes02M_script01_1_F010\tfru\t[1, 2, 3]\n"
    (folder / "Ses02M_script01_1.txt").write_bytes(
        line.encode() + b"C-E1:\tFrustration;\t(sarcastic \x93voice\x94)\n"
    )
    (utterance,) = Iemocap(tmp_path).utterances()
    assert (utterance.speaker, utterance.session, utterance.extra["scenario"]) == (
        "02F",
        "2",
        "scripted",
    )
    assert (
        utterance.audio_path is None
        and utterance.video_path is None
        and utterance.face_side is None
    )
    assert utterance.transcript is None
    assert (
        utterance.start is None and utterance.end is None
    )  # a sentence's own file has its own clock
    assert utterance.votes[0].emotions == ("fru",)


def test_a_wrong_folder_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(
        MmserError, match=r"Session1 .. Session5, each with dialog/EmoEvaluation.*found notes.txt"
    ):
        list(Iemocap(tmp_path).utterances())
    with pytest.raises(MmserError, match="found no folder"):
        list(Iemocap(tmp_path / "gone").utterances())
    with pytest.raises(MmserError, match="marked_side left or right"):
        Iemocap(tmp_path, marked_side="top")  # type: ignore[arg-type]
