"""`mmser train system=NAME text=WORD audio=WORD`: systems trained with exchanged modalities."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import mmser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the corpus of twenty utterances and its caches lie."""
    return tmp_path_factory.mktemp("words")


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("concat", {"audio": "egemaps_lld", "text": "words", "face": "resnet18"}),
        ("mcsan", {"audio": "functionals", "text": "words"}),
        ("functionals_svm", {"audio": "mfcc"}),
    ],
)
def test_a_system_is_trained_with_exchanged_modalities(
    system: str, words: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    run = mmser.train(
        system=system,
        corpus="synthetic",
        protocol="synthetic4_loso5",
        root=folder / "corpus",
        cache=folder / "cache",
        run=tmp_path / "run",
        folds=["session1"],
        weights="random",
        data={"batch_size": 8},
        trainer={"epochs": 1, "patience": None, "accelerator": "cpu"},
        **{"corpus.utterances_per_speaker": 2},
        **words,
    )
    assert math.isfinite(run.scores.loc["ua", "value"])
