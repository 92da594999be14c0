"""The file of the MSP-Podcast challenges: names, letters, the scale, one row per utterance."""

from pathlib import Path

import pandas as pd
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.evaluation.byproducts.msp_submission import submission


def test_categories_are_letters_of_the_mean_over_folds() -> None:
    table = pd.DataFrame(
        {
            "id": ["MSP-PODCAST_test3_2", "MSP-PODCAST_test3_1", "MSP-PODCAST_test3_1"],
            "seed": [0, 0, 1],
            "probability_angry": [0.7, 0.6, 0.1],
            "probability_surprise": [0.3, 0.4, 0.9],
        }
    )
    rows = submission(table)
    assert rows.to_csv(index=False).split() == [
        "FileName,EmoClass",
        "MSP-PODCAST_test3_1.wav,U",
        "MSP-PODCAST_test3_2.wav,A",
    ]
    with pytest.raises(MmserError, match=r"classes among angry.*found joy"):
        submission(table.assign(probability_joy=0.1))
    with pytest.raises(MmserError, match="found none"):
        submission(table[["id", "seed"]])


def test_attributes_stay_on_the_scale(tmp_path: Path, capsys) -> None:
    table = pd.DataFrame(
        {
            "id": ["b", "a"],
            "target_arousal": [None, None],
            "prediction_arousal": [7.4, 3.0],
            "prediction_valence": [0.5, 4.0],
            "prediction_dominance": [5.0, 6.0],
        }
    )
    rows = submission(table)
    assert list(rows.columns) == ["FileName", "EmoAct", "EmoVal", "EmoDom"]
    assert rows.values.tolist() == [["a.wav", 3.0, 4.0, 6.0], ["b.wav", 7.0, 1.0, 5.0]]
    labelled = table.assign(target_valence=4.0, target_dominance=4.0, target_arousal=4.0)
    labelled.to_csv(tmp_path / "table.csv", index=False)
    out = tmp_path / "out.csv"
    assert main(["score", str(tmp_path / "table.csv"), "--submission", str(out)]) == 0
    assert len(pd.read_csv(out)) == 2
    assert "2 utterances" in capsys.readouterr().out
