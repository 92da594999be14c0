"""What identifies pretrained weights, where they are looked for, and what is said when they are
nowhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.core.file_digest import digest
from mmser.core.weights import PLACEABLE, Weights
from mmser.weights.sources import SOURCES

COMMIT = "0" * 40


def test_random_has_no_revision() -> None:
    assert Weights("random", COMMIT).facts == {"weights": "random", "revision": None}
    assert Weights("random", download="https://x").facts == {"weights": "random"}


def test_what_lies_here_is_known_by_its_digest_alone(tmp_path: Path) -> None:
    """The revision in the config is that of the hub's model; another folder is not it."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "config.json").write_text("{}")
    here = Weights(str(own), COMMIT)
    assert here.facts == {"weights": f"sha256:{digest(own)}", "revision": None}
    before = here.facts
    own.rename(tmp_path / "renamed")
    assert Weights(str(tmp_path / "renamed"), "1" * 40).facts == before
    assert Weights("someone/renamed", COMMIT, str(tmp_path)).facts == before


def test_a_hub_id_is_known_by_its_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    named = Weights("nobody/nothing", COMMIT, str(tmp_path))
    assert named.facts == {"weights": f"hub:nobody/nothing@{COMMIT}", "revision": COMMIT}
    with pytest.raises(
        MmserError, match=rf"nothing at .*nothing, nor in the hub's cache.*--revision {COMMIT}"
    ):
        named.path  # noqa: B018
    with pytest.raises(
        MmserError, match=r"a pinned `revision` for the hub id nobody/nothing .*found 'main'"
    ):
        Weights("nobody/nothing", "main").identity  # noqa: B018


def test_a_file_is_looked_for_in_the_folder_of_weights_under_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"1")
    assert (
        Weights("net.pth", folder=str(tmp_path), download="https://x").path == tmp_path / "net.pth"
    )
    mistyped = Weights(
        "/nowhere/net.pth", folder=str(tmp_path), what="the net", download="https://x/net.pth"
    )
    with pytest.raises(
        MmserError,
        match=r"the weights of the net; found nothing at /nowhere/net.pth\. Download https",
    ):
        mistyped.path  # noqa: B018


def test_an_empty_name_is_no_folder() -> None:
    with pytest.raises(MmserError, match="the weights of the checkpoint"):
        Weights("").identity  # noqa: B018


def test_the_command_that_places_them_comes_first() -> None:
    whisper = Weights("weights/whisper/tiny.en.pt", download="OpenAI's file")
    with pytest.raises(
        MmserError,
        match=r"nothing at weights/whisper/tiny\.en\.pt\. Run `mmser weights get tiny\.en`, which",
    ):
        whisper.path  # noqa: B018
    elsewhere = Weights("/my data/all-MiniLM-L6-v2", None, "/my data")
    with pytest.raises(MmserError, match=r"Run `mmser weights get minilm --weights '/my data'`"):
        elsewhere.path  # noqa: B018


def test_a_name_in_the_folder_of_weights_is_no_hub_id() -> None:
    own = Weights("weights/all-MiniLM-L6-v2")
    with pytest.raises(MmserError, match=r"found nothing at weights/all-MiniLM-L6-v2\. Run"):
        own.identity  # noqa: B018
    with pytest.raises(MmserError, match="Download a folder written by `save_pretrained`"):
        Weights("weights/my-net").identity  # noqa: B018


def test_every_placeable_name_is_told() -> None:
    assert {source.place: name for name, source in SOURCES.items()} == PLACEABLE
