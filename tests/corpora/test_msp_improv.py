"""MSP-IMPROV: the evaluation file and the names of its clips."""

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.msp_improv import MspImprov

IMPROV = """UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3.000000; V:3.500000; D:NaN ; N:4.000000;
 rater-7; Neutral; Neutral,Concerned; A:3.000000; V:4.000000; D:3.000000; N:4.000000;
 rater-7; Neutral; Neutral,Concerned; A:3.000000; V:4.000000; D:3.000000; N:4.000000;
 rater-9; Sad; ; A:2.000000; V:NaN; D:3.000000; N:4.000000;

UTD-IMPROV-S01A-M01-P-MF02.avi; X; A:2.000000; V:3.000000; D:3.000000 ; N:4.000000;
"""


def test_improv(tmp_path: Path) -> None:
    (tmp_path / "Evalution.txt").write_text(IMPROV)
    clip = tmp_path / "session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav"
    clip.parent.mkdir(parents=True)
    clip.touch()
    clip.with_name("UTD-IMPROV-S01A-F01-S-FM01.avi").touch()
    first, second = MspImprov(tmp_path).utterances()
    assert (first.id, first.speaker, first.session) == ("MSP-IMPROV-S01A-F01-S-FM01", "F01", "1")
    assert (first.audio_path, first.video_path) == (
        clip,
        clip.with_name("UTD-IMPROV-S01A-F01-S-FM01.avi"),
    )
    assert (first.valence, first.arousal, first.dominance) == (3.5, 3.0, None)
    assert first.extra == {"scenario": "target improvised", "target": "angry"}
    assert (second.speaker, second.gender, second.emotion, second.audio_path) == (
        "M01",
        "male",
        None,
        None,
    )
    (tmp_path / "Evalution.txt").write_text("nothing known\n")
    with pytest.raises(MmserError, match=r"MSP-IMPROV: Evalution\.txt"):
        list(MspImprov(tmp_path).utterances())
