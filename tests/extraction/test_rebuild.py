"""The extractor of a store made again, from weights that lie elsewhere by now, and from stores made
long ago.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmser.cache.fingerprint import recipe_of
from mmser.composition import built
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.extraction.rebuild import extractor_of, same_maker
from mmser.extractors.audio.vocal_segments import VocalSegments
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
def test_a_store_that_names_a_revision_beside_other_weights_is_still_known(
    checkpoint: Path, weights: str
) -> None:
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


def info_of_config(name: str, **changes: Any) -> dict[str, Any]:
    """What a store of the extractor ``name`` says of itself."""
    return recipe_of(name, built({**load_config("extractor", name), **changes})).info()


def test_a_store_made_before_an_argument_came_keeps_its_meaning() -> None:
    older = info_of_config("mfcc_light_sernet", level_of="whole")
    assert "level_of" not in older["parameters"]
    assert extractor_of(older, "weights").level_of == "whole"  # type: ignore[attr-defined]
    now = info_of_config("mfcc_light_sernet")
    assert now["fingerprint"] != older["fingerprint"]
    assert extractor_of(now, "weights").level_of == "cut"  # type: ignore[attr-defined]


def test_fingerprints_of_other_extractors_of_the_family_stay() -> None:
    assert info_of_config("mfcc40")["fingerprint"] == "adf4d6e33cd6"


def test_a_changed_feature_set_is_told() -> None:
    pytest.importorskip("opensmile")
    older = info_of_config("compact_gcn_lld")
    older["parameters"] = {**older["parameters"], "set": "sha256:0"}
    with pytest.raises(MmserError, match="the extractor that made compact_gcn_lld"):
        extractor_of(older, "weights")


def test_one_maker_whatever_it_read() -> None:
    one = {
        "class": "a.B",
        "version": 1,
        "dtype": "float32",
        "parameters": {"size": 50, "weights": "sha256:0"},
    }
    assert same_maker(one, {**one, "transcript": {"source": "whisper"}, "fingerprint": "1"})
    for changes in (
        {"version": 2},
        {"dtype": "float16"},
        {"parameters": {"size": 100, "weights": "sha256:0"}},
    ):
        assert not same_maker(one, {**one, **changes})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder under a name that paths.weights does not know."""
    folder = tmp_path / "downloads" / "mine"
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("b")
    return folder


def test_the_path_of_weights_is_a_hint_beside_their_digest(own: Path, tmp_path: Path) -> None:
    info = info_of(Tokens(weights=str(own)))
    assert info["files"] == {"weights": str(own)}
    assert extractor_of(info, str(tmp_path)) == Tokens(
        weights=str(own), weights_folder=str(tmp_path)
    )
    moved = own.rename(own.parent / "moved")
    assert info["fingerprint"] == info_of(Tokens(weights=str(moved)))["fingerprint"]
    gone = (
        rf"`weights` that made bert_tokens-.*found nothing with that digest at {own} or "
        r".*weights=PATH"
    )
    with pytest.raises(MmserError, match=gone):
        extractor_of(info, str(tmp_path))
    named = {"bert_tokens": {"weights": str(moved)}}
    assert extractor_of(info, str(tmp_path), named).parameters() == info["parameters"]


def test_other_contents_in_the_same_place_are_not_taken(
    own: Path, checkpoint: Path, tmp_path: Path
) -> None:
    info = info_of(Tokens(weights=str(own)))
    (own / "vocab.txt").write_text("c")
    for named in (None, {"bert_tokens": {"weights": str(own)}}):
        with pytest.raises(MmserError, match="nothing with that digest"):
            extractor_of(info, str(checkpoint.parent), named)
    # What lies below paths.weights under the config's name needs no hint.
    (checkpoint / "vocab.txt").write_text("b")
    assert extractor_of(info, str(checkpoint.parent)).parameters() == info["parameters"]


def test_a_detector_is_found_as_weights_are(tmp_path: Path) -> None:
    (tmp_path / "detector.safetensors").write_bytes(b"d")
    info = recipe_of(
        "vocal_segments", VocalSegments(detector=str(tmp_path / "detector.safetensors"))
    ).info()
    assert extractor_of(info, "weights") == VocalSegments(
        detector=str(tmp_path / "detector.safetensors")
    )
