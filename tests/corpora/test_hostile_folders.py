"""Folders and tables as they arrive: damaged, misspelt, made by other programs. Each gives
utterances or one error.

Every case is written by a small function into an empty folder and read through the corpus's parser,
its manifest and a protocol, as `mmser train` does before anything is extracted. ``expected`` is a
number of utterances or a part of the error's text; any other exception than MmserError fails the
test.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.corpora.casia import Casia
from mmser.corpora.crema_d import CremaD
from mmser.corpora.emodb import Emodb
from mmser.corpora.enterface05 import Enterface05
from mmser.corpora.generic import Generic
from mmser.corpora.iemocap import Iemocap
from mmser.corpora.manifest import from_table, read_manifest, to_table, write_manifest
from mmser.corpora.meld import Meld
from mmser.corpora.mosi import Mosi
from mmser.corpora.msp_improv import MspImprov
from mmser.corpora.msp_podcast import MspPodcast
from mmser.corpora.ravdess import Ravdess
from mmser.corpora.sewa import Sewa
from mmser.corpora.shemo import Shemo
from mmser.protocols.protocol import EvaluationProtocol
from mmser.protocols.speaker_folds import LeaveOneSpeakerOut

Write = Callable[[Path], None]

PROTOCOL = EvaluationProtocol("p", "generic", LeaveOneSpeakerOut())

HEAD = "id,speaker,transcript,emotion\n"
GOOD = HEAD + "".join(f"u{i},s{i % 4},hello {i},{('happy', 'sad')[i // 4]}\n" for i in range(8))


def text(content: str | bytes, name: str = "manifest.csv", encoding: str = "utf-8") -> Write:
    """One file."""

    def write(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)

    return write


def parquet(table: pd.DataFrame) -> Write:
    return lambda root: table.to_parquet(root / "manifest.parquet")


def good(old: str, new: str, count: int = -1) -> Write:
    """The good table with one text replaced."""
    return text(GOOD.replace(old, new, count))


def rows(*lines: str) -> Write:
    return text(GOOD + "".join(f"{line}\n" for line in lines))


def vote(content: str) -> Write:
    return text(f'id,speaker,transcript,votes\nu,s,hello,"{content}"\n'.replace("'", '""'))


FRAME = pd.DataFrame(
    {
        "id": [f"u{i}" for i in range(8)],
        "speaker": list("abcd") * 2,
        "transcript": "so",
        "emotion": ["x"] * 4 + ["y"] * 4,
    }
)
GENERIC: dict[str, tuple[Write, int | str]] = {
    "good": (text(GOOD), 8),
    "semicolons": (good(",", ";"), 8),
    "tabs": (text(GOOD.replace(",", "\t"), "manifest.tsv"), 8),
    "mac line ends": (good("\n", "\r"), 8),
    "utf-16": (text(GOOD, encoding="utf-16"), 8),
    "utf-8 with mark": (text(GOOD, encoding="utf-8-sig"), 8),
    "utf-16 without mark": (text(GOOD, encoding="utf-16-le"), "UTF-16 without a byte order mark"),
    "utf-16 cut off": (text(GOOD.encode("utf-16")[:-1]), "no UTF-16"),
    "latin-1": (
        text(GOOD.replace("hello 0", "na\u00efve"), encoding="latin-1"),
        "line 2 that are no UTF-8",
    ),
    "gb18030": (text(GOOD.replace("hello 0", "\u4f60\u597d"), encoding="gb18030"), "no UTF-8"),
    "shift-jis": (text(GOOD.replace("hello 0", "\u3053\u3093"), encoding="shift-jis"), "no UTF-8"),
    "empty": (text(""), "an empty file"),
    "blank lines": (text("\n \n,,\n"), "an empty file"),
    "header alone": (text(HEAD), "none below the header"),
    "binary": (text(bytes(range(256)) * 8), "binary content"),
    "random": (text(np.random.default_rng(0).bytes(999)), "found"),
    "zip": (text(b"PK\x03\x04" + bytes(99)), "an Excel workbook"),
    "gzip": (text(gzip.compress(GOOD.encode())), "a compressed file"),
    "parquet named csv": (text(b"PAR1" + bytes(50) + b"PAR1"), "a parquet file"),
    "csv named parquet": (text(GOOD, "manifest.parquet"), "a readable parquet table"),
    "workbook": (text(b"PK\x03\x04", "manifest.xlsx"), "found a workbook"),
    "a folder for a table": (lambda root: (root / "manifest.csv").mkdir(), "no such file"),
    "nothing": (lambda root: None, "no such file"),
    "comma too many": (text(GOOD.replace("happy\n", "happy,\n")), 8),
    "row number column": (text("\n".join(f",{line}" for line in GOOD.splitlines())), 8),
    "rows too long": (rows("u9,s1,hello, dear,sad"), "line 10 has 5"),
    "rows too short": (rows("u9,s1,sad"), "line 10 has 3"),
    "open quote": (rows('u9,s1,"hello,sad'), "closed quotes"),
    "stray quote": (rows('u9,s1,"hel"lo,sad'), "closed quotes"),
    "column twice": (good("transcript", "emotion"), "emotion twice"),
    "column misspelt": (
        good("emotion", "emotoin"),
        "no label; the columns with values are .*emotoin",
    ),
    "column in capitals": (good("emotion", "Emotion"), r"'Emotion' \(write emotion\)"),
    "no speaker": (good("speaker", "person"), "a column 'speaker'"),
    "no columns known": (text("a,b\n1,2\n"), "a column 'id'"),
    "id twice": (rows("u0,s1,hello,sad"), "the id 'u0' in rows 1, 9"),
    "id empty": (rows(" ,s1,hello,sad"), "column id: an empty cell"),
    "speaker empty": (rows("u9,,hello,sad"), "column speaker: an empty cell"),
    "no content": (rows("u9,s1,,sad"), "none of the three"),
    "labels in capitals": (rows("u9,s1,hello,Sad"), "'Sad' .*'sad'"),
    "labels with spaces": (rows("u9 , s1,hello, sad "), 9),
    "labels in two forms": (
        rows("u8,s1,hello,caf\u00e9", "u9,s1,hello,cafe\u0301"),
        "character form alone",
    ),
    "speakers in capitals": (rows("u9,S1,hello,sad"), "in column speaker"),
    "one class": (good("sad", "happy"), "at least two classes"),
    "one speaker": (
        text(GOOD.replace("s1", "s0").replace("s2", "s0").replace("s3", "s0")),
        "at least 3 speakers",
    ),
    "two speakers": (text(GOOD.replace("s2", "s0").replace("s3", "s1")), "at least 3 speakers"),
    "no labels": (text(GOOD.replace("happy", "").replace("sad", "")), "no label"),
    "huge cell": (rows(f"u9,s1,{'x' * 300_000},sad"), 9),
    "many columns": (
        text(GOOD.replace("\n", "," + ",".join(f"c{i}" for i in range(400)) + "\n", 1)),
        "line 2 has 4",
    ),
    "turn of 40 digits": (text(f"id,speaker,transcript,turn\nu,s,so,{'9' * 40}\n"), "column turn"),
    "turn of 5000 digits": (
        text(f"id,speaker,transcript,turn\nu,s,so,{'9' * 5000}\n"),
        "column turn",
    ),
    "time not a number": (
        text("id,speaker,transcript,start,end\nu,s,so,0:01,2\n"),
        "column start: '0:01'",
    ),
    "decimal comma": (text("id;speaker;transcript;valence\nu;s;so;3,5\n"), "column valence: '3,5'"),
    "value 1e999": (text("id,speaker,transcript,valence\nu,s,so,1e999\n"), "column valence"),
    "home of nobody": (
        text("id,speaker,audio_path\nu,s,~nosuchuser/x.wav\n"),
        "~nosuchuser/x.wav, not an existing",
    ),
    "zero byte in a path": (
        text("id,speaker,audio_path\nu,s,a\0b.wav\n".encode("utf-16")),
        "not an existing file",
    ),
    "path of 5000 letters": (
        text(f"id,speaker,audio_path\nu,s,{'x' * 5000}\n"),
        "not an existing file",
    ),
    "path is a folder": (text("id,speaker,audio_path\nu,s,.\n"), "not an existing file"),
    "votes no json": (vote("{"), "not JSON"),
    "votes nested deep": (vote("[" * 50_000), "not JSON"),
    "votes of an unknown key": (vote("[{'annotator': 'a', 'mood': 1}]"), "there is mood"),
    "votes without a name": (vote("[{'emotions': ['sad']}]"), "a list of objects with annotator"),
    "votes with a huge number": (
        vote(f"[{{'annotator': 'a', 'valence': 1{'0' * 400}}}]"),
        "numbers as everything",
    ),
    "votes of a bare list": (vote("[1, 2]"), "a list of objects"),
    "parquet of other types": (parquet(FRAME.assign(id=range(8), turn=1.0)), 8),
    "parquet with lists as labels": (
        parquet(FRAME.assign(speaker=[["a"]] * 8)),
        "at least 3 speakers",
    ),
    "parquet without rows": (parquet(FRAME.iloc[:0]), "none below the header"),
    "parquet without columns": (parquet(pd.DataFrame()), "a column 'id'"),
    "parquet with dates": (parquet(FRAME.assign(session=pd.Timestamp("2020-01-01"))), 8),
}
RAV = [f"Actor_0{a}/03-01-0{e}-01-01-01-0{a}.wav" for a in range(1, 5) for e in (3, 4)]
PODCAST = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
MELD = "Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode\n"
CLIP = "MSP-IMPROV-S01A-F01-S-FM01.avi"
MOSI = "utterance,dialogue,turn,label,transcript\na,b,0,2,c\n"
SES = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
CONSENSUS = "[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]\n"


def touch(*names: str) -> Write:
    def write(root: Path) -> None:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()

    return write


def linked(root: Path) -> None:
    """Two actors as links, a link in a circle, a link to nowhere."""
    touch(*RAV)(root / "disk")
    (root / "corpus").mkdir()
    for actor in ("Actor_01", "Actor_02"):
        (root / "corpus" / actor).symlink_to(root / "disk" / actor)
    (root / "corpus" / "again").symlink_to(root / "corpus")
    (root / "corpus" / "Actor_03").symlink_to(root / "nowhere")


def three(dev: str) -> Write:
    def write(root: Path) -> None:
        for part in ("train", "test"):
            text(f"{MELD}Hi,Ann,joy,positive,0,0,1,1\n", f"{part}_sent_emo.csv")(root)
        text(dev, "dev_sent_emo.csv")(root)

    return write


def both(*writes: Write) -> Write:
    def write(root: Path) -> None:
        for one in writes:
            one(root)

    return write


FOLDERS: dict[str, tuple[Callable[[Path], Any], Write, int | str]] = {
    "ravdess": (Ravdess, touch(*RAV), 8),
    "ravdess among strangers": (Ravdess, touch(*RAV, "03-01-99-01-01-01-01.wav", "a/._03-01-03-01-01-01-02.wav"), 8),
    "ravdess by links": (lambda root: Ravdess(root / "corpus"), linked, 4),
    "ravdess, nothing": (Ravdess, touch("readme.txt"), "Actor_XX folders"),
    "ravdess, no folder": (lambda root: Ravdess(root / "none"), touch(), "no folder"),
    "ravdess, home of nobody": (lambda root: Ravdess("~nosuchuser/x"), touch(), "no folder"),
    "ravdess, a file for the folder": (lambda root: Ravdess(root / "x"), touch("x"), "no folder"),
    "casia, speakers alone": (Casia, touch("wangzhe/201.wav"), "CASIA: wangzhe/angry/201.wav"),
    "enterface, no emotion": (Enterface05, touch("subject 1/s1_an_1.avi"), "subject 1/anger"),
    "emodb of broken clips": (Emodb, both(text(b"RIFF", "wav/03a01Fa.wav"), touch("wav/03a01Wa.wav")), 2),
    "crema-d, demographics of another kind": (
        CremaD, both(touch("1001_DFA_ANG_XX.wav"), text("a;b\n", "VideoDemographics.csv")), "columns ActorID, Sex",
    ),
    "shemo, json damaged": (Shemo, both(touch("F01A01.wav"), text('{"a"', "shemo.json")), "transcript"),
    "shemo, json of another form": (Shemo, both(touch("F01A01.wav"), text("[1]", "shemo.json")), "transcript"),
    "meld": (Meld, three(f"{MELD}Hi,Ann,joy,positive,0,0,1,1\n"), 3),
    "meld, table empty": (Meld, three(""), "an empty file"),
    "meld, other columns": (Meld, three("a,b\n"), "no column Utterance"),
    "meld, ids no numbers": (Meld, three(f"{MELD}Hi,Ann,joy,positive,x,0,1,1\n"), "'x' and '0' in row 1"),
    "meld, id of 40 digits": (Meld, three(f"{MELD}Hi,Ann,joy,positive,0,{'9' * 40},1,1\n"), "in row 1"),
    "meld, season no number": (Meld, three(f"{MELD}Hi,Ann,joy,positive,0,0,one,1\n"), 3),
    "meld, an utterance twice": (Meld, three(MELD + "Hi,Ann,joy,positive,0,0,1,1\n" * 2), "every id once"),
    "meld, binary": (Meld, three("\0\1\2" * 99), "binary content"),
    "mosi, label 2": (
        Mosi, both(text(MOSI, "train.csv"), text(MOSI, "test.csv")),
        "'2' and '0' in row 1",
    ),
    "podcast doubled": (
        MspPodcast,
        both(
            text(PODCAST + "a_1.wav,N,1,2,3,7,Male,Train\n", "Labels/Labels/labels_consensus.csv"),
            touch("Audios/Audios/a_1.wav"),
        ),
        1,
    ),
    "podcast, ratings no numbers": (
        MspPodcast, text(PODCAST + "a_1.wav,,nan,x,1e999,,,\n", "labels_consensus.csv"), 1,
    ),
    "podcast, a row too long": (MspPodcast, text(PODCAST + "a,b,1,2,3,4,5,6,7\n", "labels_consensus.csv"), "has 9"),
    "improv": (MspImprov, text(f"{CLIP}; N; A:3.0; V:1.2.3; D:NaN;\nw; Sad; Sad; A:-; V:; D:9;\n", "Evalution.txt"), 1),
    "improv, nothing known": (MspImprov, text("hello\n", "Evalution.txt"), "MSP-IMPROV: Evalution.txt"),
    "iemocap": (Iemocap, text(CONSENSUS, SES), 1),
    "iemocap, doubled": (Iemocap, text(CONSENSUS, f"a/Session1/{SES}"), 1),
    "iemocap, numbers broken": (Iemocap, text(CONSENSUS.replace("2.5, ", "x, ").replace("6.29", "6.2.9"), SES), 0),
    "iemocap, an odd name": (Iemocap, text(CONSENSUS.replace("F000", "F000_x"), SES), 1),
    "iemocap, utf-16": (Iemocap, text(CONSENSUS, SES, "utf-16"), 1),
    "sewa, a name of another corpus": (Sewa, text("name;timestamp;arousal\nx;0;1\n", "labels/x.csv"), "Train_01"),
    "sewa, times twice": (Sewa, text("timestamp;arousal\n0;1\n0;2\n", "labels/Train_01.csv"), "each timestamp once"),
    "sewa doubled": (Sewa, text("timestamp;arousal\n0;1,5\n", "labels/labels/Train_01.csv"), 1),
}  # fmt: skip


def through(corpus: Any, root: Path, protocol: EvaluationProtocol | None) -> list[Utterance]:
    """From the files to the manifest, to parquet and back, and to folds."""
    table = to_table(corpus.utterances())
    write_manifest(table, root / "kept.parquet")
    read = from_table(read_manifest(root / "kept.parquet"))
    if protocol is not None:
        assert len(protocol.assign(table))
    return read


def check(read: Callable[[], list[Utterance]], expected: int | str) -> None:
    if isinstance(expected, int):
        assert len(read()) == expected
        return
    with pytest.raises(MmserError, match=expected) as told:
        read()
    assert told.value.remedy
    assert len(str(told.value)) < 4000


@pytest.mark.parametrize("case", list(GENERIC))
def test_a_users_table(tmp_path: Path, case: str) -> None:
    write, expected = GENERIC[case]
    write(tmp_path)
    check(partial(through, Generic(tmp_path), tmp_path, PROTOCOL), expected)


@pytest.mark.parametrize("case", list(FOLDERS))
def test_a_corpus_folder(tmp_path: Path, case: str) -> None:
    corpus, write, expected = FOLDERS[case]
    root = tmp_path / "root"
    root.mkdir()
    write(root)
    check(partial(through, corpus(root), tmp_path, None), expected)


@pytest.mark.parametrize(
    "case", [case for case, (*_, expected) in FOLDERS.items() if isinstance(expected, int)]
)
def test_a_corpus_folder_of_links_reads_as_what_they_lead_to(tmp_path: Path, case: str) -> None:
    corpus, write, expected = FOLDERS[case]
    disk, root = tmp_path / "disk", tmp_path / "root"
    disk.mkdir()
    write(disk)
    root.mkdir()
    for entry in disk.iterdir():
        (root / entry.name).symlink_to(entry)
    check(partial(through, corpus(root), tmp_path, None), expected)
