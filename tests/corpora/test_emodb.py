"""EMO-DB's file-name code and the duration check that tells the cut copy from the original."""

import os
import wave
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.emodb import Emodb, length_warnings
from mmser.corpora.manifest import to_table


def clip(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * round(16000 * seconds)))


def test_the_code_of_the_name(tmp_path: Path) -> None:
    for name, seconds in {"03a01Fa": 1.9, "08b03Wc": 3.2, "13a05Ld": 2.5, "notes": 2.0}.items():
        clip(tmp_path / "wav" / f"{name}.wav", seconds)
    first, second, third = Emodb(tmp_path).utterances()
    assert (first.id, first.speaker, first.gender, first.emotion) == (
        "03a01Fa",
        "03",
        "male",
        "happiness",
    )
    assert first.transcript == "Der Lappen liegt auf dem Eisschrank."
    assert (second.gender, second.emotion, second.extra) == ("female", "anger", {"sentence": "b03"})
    assert (third.gender, third.emotion) == ("female", "boredom")


def test_a_copy_cut_to_one_length_is_flagged(tmp_path: Path) -> None:
    for name in ("03a01Fa", "03a01Nc", "03a01Wa", "08a01Na"):
        clip(tmp_path / f"{name}.wav", 2.0)
    clip(tmp_path / "08a01Wa.wav", 2.7)
    (tmp_path / "08a01Wc.wav").write_text("broken")
    warnings = {u.id: u.extra.get("warning") for u in Emodb(tmp_path).utterances()}
    assert warnings["03a01Fa"] == "not the original EMO-DB: 4 of 6 clips last exactly 2.00 s"
    assert warnings["08a01Wa"] is None
    assert warnings["08a01Wc"] is None


def test_a_clip_outside_the_originals_lengths_is_flagged() -> None:
    lengths = {"a": 1.1, "b": 3.0, "c": 9.4, "d": 2.0, "e": 2.0, "f": None}
    warnings = length_warnings(lengths)
    assert set(warnings) == {"a", "c"}
    assert warnings["c"] == "9.40 s, outside the original's 1.2 to 9.0 s"
    assert length_warnings({}) == {}


def test_a_wrong_folder(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"EMO-DB: files such as wav/03a01Fa.wav"):
        list(Emodb(tmp_path).utterances())


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "total", "flagged"), [("emodb_2s", 535, 535), ("emodb_4class", 339, 0)]
)
def test_the_two_copies(folder: str, total: int, flagged: int) -> None:
    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    table = to_table(Emodb(Path(os.environ["MMSER_DATA"]) / folder).utterances())
    assert len(table) == total
    assert table["speaker"].nunique() == 10
    assert (table["warning"].notna().sum() if "warning" in table else 0) == flagged
    assert table["transcript"].notna().all()
