"""A table drafted from names: what is recognised, what is refused, and what it becomes."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.drafts.folder_levels import level_roles
from mmser.corpora.drafts.known_columns import renamings
from mmser.corpora.drafts.name_pattern import name_pattern
from mmser.corpora.drafts.preview import preview
from mmser.corpora.drafts.remarks import remarks
from mmser.corpora.generic import Generic


def recordings(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
    return folder


def drafted(source: Path, **reading: object) -> pd.DataFrame:
    return draft(source, Reading(**reading), source / "manifest.csv")  # type: ignore[arg-type]


def test_a_pattern_names_fields_and_the_table_is_read_back(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "joy_anna_1.wav", "anger_ben_2.wav", "joy_ben_1.wav")
    table = drafted(
        folder, pattern=name_pattern("{emotion}_{speaker}_{n}.wav"), words={"joy": "happy"}
    )
    table.to_csv(folder / "manifest.csv", index=False)
    found = [
        (each.id, each.speaker, each.emotion, each.audio_path, dict(each.extra))
        for each in Generic(folder).utterances()
    ]
    assert found == [
        ("anger_ben_2", "ben", "anger", folder / "anger_ben_2.wav", {"n": "2"}),
        ("joy_anna_1", "anna", "happy", folder / "joy_anna_1.wav", {"n": "1"}),
        ("joy_ben_1", "ben", "happy", folder / "joy_ben_1.wav", {"n": "1"}),
    ]


def test_fields_of_fixed_length(tmp_path: Path) -> None:
    pattern = name_pattern("{speaker:2}{text:3}{emotion:1}{}")
    assert pattern.fields_of("wav/03a01Fa.wav") == {"speaker": "03", "text": "a01", "emotion": "F"}


def test_a_pattern_with_folders_reads_the_last_ones() -> None:
    pattern = name_pattern("{speaker}/{emotion}/{n}")
    found = pattern.fields_of("all/s1/sad/7.flac")
    assert found == {"speaker": "s1", "emotion": "sad", "n": "7"}


def test_every_name_that_does_not_fit_or_fits_twice_is_told(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "sad_a_1.wav", "noise.wav", "sad_a_b_1.wav")
    with pytest.raises(
        MmserError, match=r"noise\.wav does not fit; sad_a_b_1\.wav fits in two ways"
    ):
        drafted(folder, pattern=name_pattern("{emotion}_{speaker}_{n}.wav"))


def test_an_ending_in_capitals_fits() -> None:
    found = name_pattern("{emotion}_{speaker}.wav").fields_of("sad_a.WAV")
    assert found == {"emotion": "sad", "speaker": "a"}
    with pytest.raises(ValueError, match="does not fit"):
        name_pattern("x_{emotion}.wav").fields_of("X_sad.wav")


def test_braces_stand_for_any_ending() -> None:
    pattern = name_pattern("{emotion}_{speaker}.{}")
    assert pattern.fields_of("sad_a.mp4") == {"emotion": "sad", "speaker": "a"}


def test_where_no_name_fits_the_names_are_shown(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "a-1.wav", "b-2.wav")
    with pytest.raises(MmserError, match=r"none of 2 that is, such as a-1\.wav, b-2\.wav"):
        drafted(folder, pattern=name_pattern("{emotion}_{speaker}"), skip=True)


def test_what_does_not_fit_can_be_left_out_and_is_told(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "sad_a_1.wav", "noise.wav")
    table = drafted(folder, pattern=name_pattern("{emotion}_{speaker}_{n}"), skip=True)
    assert list(table["id"]) == ["sad_a_1"]
    assert remarks(table, folder) == ["left out: noise.wav does not fit"]
    with pytest.raises(UsageError, match="--pattern with --skip"):
        drafted(folder, skip=True)


def test_what_to_look_at(tmp_path: Path) -> None:
    emotions = ["angry"] * 6 + ["sad"] * 5 + ["agnry", "bored"]
    table = pd.DataFrame(
        {
            "speaker": ["a"] * 6 + ["b"] * 6 + ["c"],
            "emotion": emotions,
            "audio_path": [f"{number}.wav" for number in range(13)],
        }
    )
    (tmp_path / "0.wav").write_bytes(b"")
    (tmp_path / "1.wav").write_bytes(b"RIFF")
    assert remarks(table, tmp_path) == [
        "empty, 0 bytes: 0.wav",
        "label agnry: 1 utterance, weighed like every class by UA: is it angry? --map agnry=angry",
        "label bored: 1 utterance, weighed like every class by UA",
        "speakers with fewer than 5 utterances: c (1)",
    ]


@pytest.mark.parametrize("text", ["plain.wav", "{emotion}_{emotion}", "{emotion", "{a-b}"])
def test_no_pattern(text: str) -> None:
    with pytest.raises(UsageError, match="a pattern of names"):
        name_pattern(text)


def test_folders_of_emotions_splits_and_speakers_are_recognised() -> None:
    paths = [
        f"{split}/{speaker}/{emotion}/1.wav"
        for split in ("train", "dev")
        for speaker in ("anna", "ben")
        for emotion in ("happy", "sad", "neu")
    ]
    assert level_roles(paths) == ["part", "speaker", "emotion"]


def test_splits_get_the_words_here(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "train/happy/a.wav", "dev/sad/b.wav")
    table = drafted(folder, speaker="unknown")
    assert list(table["part"]) == ["validation", "train"]


def test_folders_that_say_nothing_ask_for_a_pattern(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "one/a.wav", "two/b.wav")
    with pytest.raises(MmserError, match=r"recordings such as one/a.wav, two/b.wav.*--pattern"):
        drafted(folder)


def test_labels_and_speakers_are_missed_in_one_error(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "a_1.wav")
    with pytest.raises(MmserError, match=r"no labels.*no speakers.*--speaker unknown"):
        drafted(folder, pattern=name_pattern("{take}_{n}"))


def test_a_film_and_a_sound_of_one_name_are_one_utterance(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "happy/s1_1.wav", "happy/s1_1.mp4", "sad/s1_2.wav")
    table = drafted(folder, pattern=name_pattern("{emotion}/{speaker}_{n}"))
    assert table[["audio_path", "video_path"]].values.tolist() == [
        ["happy/s1_1.wav", "happy/s1_1.mp4"],
        ["sad/s1_2.wav", None],
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_other_names(tmp_path: Path, separator: str) -> None:
    recordings(tmp_path, "wav/1.wav", "wav/2.mp4")
    rows = [["Filename", "Label", "Subject ID", "split"]]
    rows += [["wav/1.wav", "joy", "7", "dev"], ["wav/2.mp4", "sad", "8", "train"]]
    source = tmp_path / "labels.csv"
    source.write_text("\n".join(separator.join(row) for row in rows))
    table = draft(source, Reading(words={"joy": "happy"}), tmp_path / "manifest.csv")
    assert table.to_dict("list") == {
        "id": ["1", "2"],
        "speaker": ["7", "8"],
        "part": ["validation", "train"],
        "audio_path": ["wav/1.wav", None],
        "video_path": [None, "wav/2.mp4"],
        "emotion": ["happy", "sad"],
    }


def test_stretches_of_one_file_are_numbered(tmp_path: Path) -> None:
    recordings(tmp_path, "talk.wav")
    source = tmp_path / "labels.csv"
    source.write_text("file,start,end,emotion,speaker\ntalk.wav,0,1,sad,a\ntalk.wav,1,2,happy,b\n")
    table = draft(source, Reading(), tmp_path / "manifest.csv")
    assert list(table["id"]) == ["talk_001", "talk_002"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "happy/1.wav", "sad/1.wav")
    assert list(drafted(folder, speaker="a")["id"]) == ["happy_1", "sad_1"]


def test_two_columns_for_one_thing_are_the_users_choice() -> None:
    with pytest.raises(MmserError, match="emo and label could both be emotion"):
        renamings(["file", "emo", "label"], {})
    assert renamings(["file", "emo", "label"], {"emotion": "label"})["label"] == "emotion"


def test_told_columns_exist_on_both_sides() -> None:
    with pytest.raises(UsageError, match="found mood"):
        renamings(["file"], {"emotion": "mood"})
    with pytest.raises(UsageError, match="found feeling"):
        renamings(["file"], {"feeling": "file"})


def test_a_mapped_word_that_nothing_has_is_refused(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "happy/1.wav", "sad/2.wav")
    with pytest.raises(UsageError, match=r"\(happy, sad\) in --map|found joi"):
        drafted(folder, speaker="a", words={"joi": "happy"})


def test_preview_counts_labels_by_speaker_and_tells_what_is_missing() -> None:
    table = pd.DataFrame(
        {"speaker": ["a", "a", "b"], "emotion": ["sad", None, "sad"], "audio_path": ["1", "2", "3"]}
    )
    lines = preview(table).splitlines()
    assert lines[0] == "3 utterances of 2 speakers"
    assert [line.split() for line in lines[3:6]] == [
        ["a", "1", "1"],
        ["b", "0", "1"],
        ["(all)", "1", "2"],
    ]
    assert any(line.split() == ["transcript", "0", "of", "3"] for line in lines)


@pytest.mark.parametrize("name", ["nothing", "notes.pdf"])
def test_what_is_neither_a_folder_nor_a_table(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.pdf").write_text("")
    with pytest.raises(MmserError, match="a folder of recordings, or a table"):
        draft(tmp_path / name, Reading(), tmp_path / "manifest.csv")


def test_numbers_of_a_parquet_table_are_read(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    recordings(tmp_path, "a.wav")
    rows = {"file": ["a.wav"] * 2, "begin": [0.0, 1.5], "stop": [1.5, 2.0], "label": ["x", "y"]}
    source = tmp_path / "labels.parquet"
    pd.DataFrame({**rows, "speaker": [3, 4]}).to_parquet(source)
    assert main(["manifest", str(source)]) == 0, capsys.readouterr().err
    found = [(each.speaker, each.start, each.end) for each in Generic(tmp_path).utterances()]
    assert found == [("3", 0.0, 1.5), ("4", 1.5, 2.0)]


def test_names_that_no_table_can_hold_are_told(tmp_path: Path) -> None:
    for name in (b"happy/a\xff.wav", b"sad/b.wav"):
        path = Path(os.fsdecode(bytes(tmp_path) + b"/" + name))
        path.parent.mkdir()
        path.touch()
    with pytest.raises(MmserError, match=r"names of files in UTF-8; found happy/a\\udcff\. Rename"):
        draft(tmp_path, Reading(), tmp_path / "manifest.csv")
