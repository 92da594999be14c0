"""The label text file that the MSP corpora share."""

from pathlib import Path

from mmser.corpora.msp_labels import read_labels

TEXT = """UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3.000000; V:3.500000; D:NaN ; N:4.000000;
 rater-7; Neutral; Neutral,Concerned; A:3.000000; V:4.000000; D:3.000000; N:4.000000;
 rater-7; Neutral; Neutral,Concerned; A:3.000000; V:4.000000; D:3.000000; N:4.000000;
 rater-9; Sad; ; A:2.000000; V:NaN; D:3.000000; N:4.000000;

UTD-IMPROV-S01A-M01-P-MF02.avi; X; A:2.000000; V:3.000000; D:3.000000 ; N:4.000000;
"""


def test_label_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(TEXT)
    first, second = read_labels(path)
    assert (first.stem, first.emotion) == ("UTD-IMPROV-S01A-F01-S-FM01", "neutral")
    assert first.ratings == {"A": 3.0, "V": 3.5, "N": 4.0}
    assert [(vote.annotator, vote.emotions, vote.valence) for vote in first.votes] == [
        ("rater-7", ("neutral",), 4.0),
        ("rater-9", ("sad",), None),
    ]
    assert (second.emotion, second.votes) == (None, [])
