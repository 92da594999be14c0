"""How many of the tested speakers a run trains on, told beside its scores."""

from pathlib import Path

import pandas as pd

from mmser.runs.shared_speakers import UNKNOWN, SharedSpeakers, count_shared, speakers_lines

UTTERANCES = pd.DataFrame(
    {
        "id": ["a1", "a2", "b1", "c1"],
        "corpus": ["x", "x", "x", "x"],
        "speaker": ["a", "a", "b", "c"],
    }
)


def assigned(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame([(*row, "happy") for row in rows], columns=["id", "fold", "part", "label"])


def test_a_speaker_is_shared_within_one_fold_alone() -> None:
    apart = assigned(("a1", "1", "train"), ("b1", "1", "test"), ("a2", "2", "test"))
    assert count_shared(apart, UTTERANCES) == SharedSpeakers(0, 2)
    shared = assigned(("a1", "1", "train"), ("a2", "1", "test"), ("b1", "1", "test"))
    assert count_shared(shared, UTTERANCES) == SharedSpeakers(1, 2)
    assert "SHARE 1 of the 2" in SharedSpeakers(1, 2).line
    assert "share none of the 2" in SharedSpeakers(0, 2).line


def test_validation_counts_for_nothing_and_a_name_of_another_corpus_is_another_speaker() -> None:
    validated = assigned(("a1", "1", "validation"), ("c1", "1", "train"), ("a2", "1", "test"))
    assert count_shared(validated, UTTERANCES) == SharedSpeakers(0, 1)
    two = UTTERANCES.assign(corpus=["y", "x", "x", "x"])
    assert count_shared(assigned(("a1", "1", "train"), ("a2", "1", "test")), two) == SharedSpeakers(
        0, 1
    )


def test_an_unnamed_speaker_is_unknown_not_nobody(tmp_path: Path) -> None:
    rows = assigned(("a1", "1", "train"), ("b1", "1", "test"))
    assert count_shared(rows, UTTERANCES.assign(speaker=["a", "a", "", "c"])) is None
    assert count_shared(rows, UTTERANCES.iloc[:2]) is None
    rows.to_parquet(tmp_path / "assignment.parquet")
    assert speakers_lines([tmp_path]) == [UNKNOWN]
    UTTERANCES.to_parquet(tmp_path / "manifest.parquet")
    assert speakers_lines([tmp_path, tmp_path / "table.csv"]) == [
        f"{tmp_path.name}: train and test share none of the 1 tested speakers"
    ]
