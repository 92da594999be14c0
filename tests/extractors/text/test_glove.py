"""GloVe from a small file in the published format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from makers.clips import transcript

from mmser.core.clip import Clip, Transcript
from mmser.core.errors import MmserError
from mmser.extractors.text.glove import Glove, parts_of

LINES = ["the 1 0 0", ", 9 9 9", "do 0 1 0", "n't 0 0 1", "know 2 2 2", "it's 5 5 5", "half 1 1 1", "empty 3 3 3",
         "caf\u00e9 7 0 7", ". . . 8 8 8"]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "glove.3d.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def values(file: Path, text: str, **changes: object) -> np.ndarray:
    made = Glove(weights=str(file), size=3, **changes)  # type: ignore[arg-type]
    return made.extract([Clip("c", transcript=Transcript(text, "corpus"))])[0].values


def test_words_are_looked_up_and_unknown_ones_are_zero_and_counted(file: Path) -> None:
    features = Glove(weights=str(file), size=3).extract([Clip("c", transcript=transcript())])[0]
    # Well, I don't know -- it's half-empty!
    expected = [[0, 0, 0], [0, 0, 0], [0, 0.5, 0.5], [2, 2, 2], [5, 5, 5], [2, 2, 2]]
    assert features.values.tolist() == expected
    assert features.values.dtype == np.float32
    assert features.notes == "2 of 6 words unknown: well, i"
    assert features.spans.shape == (6, 2)


def test_parts_of_unknown_words_can_be_left_alone(file: Path) -> None:
    assert values(file, "don't Caf\u00e9", split_unknown=False).tolist() == [[0, 0, 0], [7, 0, 7]]


def test_limit_keeps_the_first_words(file: Path) -> None:
    assert values(file, "the know the", limit=2).tolist() == [[1, 0, 0], [2, 2, 2]]


def test_a_header_of_word2vec_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("2 3\nthe 1 2 3\nknow 4 5 6\n")
    assert values(path, "know").tolist() == [[4, 5, 6]]


def test_the_fingerprint_is_the_files_digest(file: Path) -> None:
    before = Glove(weights=str(file), size=3).parameters()
    file.write_text(file.read_text(encoding="utf-8").replace("know 2", "know 4"), encoding="utf-8")
    after = Glove(weights=str(file), size=3).parameters()
    assert before["weights"].startswith("sha256:")
    assert before["weights"] != after["weights"]


def test_wrong_files_say_what_to_do(file: Path, tmp_path: Path) -> None:
    with pytest.raises(
        MmserError, match=r"one word and 300 numbers in .*; found a first line of one word and 3"
    ):
        Glove(weights=str(file)).extract([Clip("c", transcript=transcript())])
    with pytest.raises(
        MmserError,
        match=r"the weights of GloVe; found nothing at .*Download https://nlp.stanford.edu",
    ):
        Glove(weights=str(tmp_path / "none.txt")).parameters()
    for damaged in ("know 2 nan 2", "know 2 inf 2", "know 2 x 2"):
        (tmp_path / "damaged.txt").write_text("the 1 0 0\nit 1 1 1\n" + damaged)
        assert values(tmp_path / "damaged.txt", "the").tolist() == [[1, 0, 0]]
        with pytest.raises(
            MmserError, match=f"3 finite numbers after each word in .*damaged.txt; found {damaged}"
        ):
            values(tmp_path / "damaged.txt", "the know")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(MmserError, match="found an empty file"):
        values(tmp_path / "empty.txt", "know")


def test_random_vectors_depend_on_word_and_seed_alone() -> None:
    clip = Clip("c", transcript=Transcript("the cat The", "corpus"))
    first = Glove(weights="random").extract([clip])[0].values
    other = Glove(weights="random", seed=1).extract([clip])[0].values
    assert first.shape == (3, 300)
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first, other)


def test_parts() -> None:
    assert parts_of("don't") == ["do", "n't"]
    assert parts_of("she's") == ["she", "'s"]
    assert parts_of("well-known") == ["well", "known"]
    assert parts_of("cat") == []
