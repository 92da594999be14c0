"""The two tables of CMU-MOSI's feature collections."""

import os
from pathlib import Path

import pytest

from mmser.composition import compose
from mmser.core.errors import MmserError
from mmser.corpora.manifest import to_table
from mmser.corpora.mosi import Mosi

HEADER = "row,utterance,dialogue,turn,split,label,transcript"


def write(root: Path, test: str = "0,x-y_2,x-y,2,test,0,NA\n") -> None:
    (root / "train.csv").write_text(f"{HEADER}\n0,abc_10,abc,10,train,1,KIDS LOVE IT\n")
    (root / "test.csv").write_text(f"{HEADER}\n{test}")


def test_both_tables_are_read(tmp_path: Path) -> None:
    write(tmp_path)
    first, second = Mosi(tmp_path).utterances()
    assert (first.id, first.speaker, first.dialogue, first.turn) == ("abc_10", "abc", "abc", 10)
    assert (first.part, first.sentiment, first.transcript) == ("train", "positive", "KIDS LOVE IT")
    assert (second.id, second.part, second.sentiment, second.transcript) == (
        "x-y_2",
        "test",
        "negative",
        "NA",
    )


def test_faults_are_named(tmp_path: Path) -> None:
    write(tmp_path, test="0,x_2,x,2,test,2,WELL\n")
    with pytest.raises(
        MmserError, match=r"label 0 or 1, a whole turn .*test\.csv; found '2' and '2' in row 1"
    ):
        list(Mosi(tmp_path).utterances())
    (tmp_path / "test.csv").write_text("utterance,dialogue\nx_2,x\n")
    with pytest.raises(MmserError, match="no column turn, label, transcript"):
        list(Mosi(tmp_path).utterances())
    (tmp_path / "test.csv").unlink()
    with pytest.raises(MmserError, match=r"train\.csv and test\.csv.*found train\.csv in"):
        list(Mosi(tmp_path).utterances())


@pytest.mark.real_data
def test_the_official_tables_meet_the_protocol() -> None:
    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    from hydra.utils import instantiate

    root = Path(os.environ["MMSER_DATA"]) / "mosi_features"
    protocol = instantiate(
        compose("train", ["corpus=mosi", "protocol=mosi2", "system=concat"])["protocol"]
    )
    manifest = to_table(Mosi(root).utterances())
    assert protocol.check(manifest) == []
    parts = protocol.assign(manifest).merge(manifest[["id", "dialogue"]], on="id")
    assert parts.groupby("part")["dialogue"].nunique().to_dict() == {
        "test": 31,
        "train": 53,
        "validation": 9,
    }
    assert (parts["part"] == "test").sum() == 752
