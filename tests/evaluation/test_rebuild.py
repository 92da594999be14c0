"""The extractor of a store made again, from weights that lie elsewhere by now, and from stores made long ago."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmser.cache.fingerprint import recipe_of
from mmser.core.errors import MmserError
from mmser.evaluation.rebuild import extractor_of
from mmser.extractors.text.tokens import Tokens

COMMIT = "0" * 40


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Where paths.weights has the hub id of the config."""
    folder = tmp_path / "weights" / "bert-base-uncased"
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("a")
    return folder


def info_of(extractor: Tokens) -> dict[str, Any]:
    return recipe_of("bert_tokens", extractor).info()


@pytest.mark.parametrize("weights", ["local", "random"])
def test_a_store_that_names_a_revision_beside_other_weights_is_still_known(checkpoint: Path, weights: str) -> None:
    """Stores made earlier do."""
    info = info_of(Tokens(weights=str(checkpoint) if weights == "local" else "random"))
    info["parameters"]["revision"] = COMMIT
    assert extractor_of(info, str(checkpoint.parent)).parameters()["revision"] is None


def test_the_revision_of_a_hub_id_counts(tmp_path: Path) -> None:
    info = info_of(Tokens(revision=COMMIT, weights_folder=str(tmp_path)))
    assert extractor_of(info, str(tmp_path)).parameters()["revision"] == COMMIT
    info["parameters"]["revision"] = "1" * 40
    with pytest.raises(MmserError, match=r"the extractor that made bert_tokens-.*weights="):
        extractor_of(info, str(tmp_path))
