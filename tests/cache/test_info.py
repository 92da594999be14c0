"""A damaged info.json is one clear error wherever a store is opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from makers.cache_stores import fill, recipe

from mmser.cache.find import find_store
from mmser.cache.info import read_info
from mmser.cache.maintenance import gc, info, verify
from mmser.cache.store import Store
from mmser.cache.writer import open_writer
from mmser.core.errors import MmserError

DAMAGE = {
    "truncated": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no JSON": lambda text: "shards: 3",
    "a list": lambda text: "[1, 2]",
    "deep": lambda text: "[" * 100_000,
    "parameters of another type": lambda text: text.replace(
        '"parameters": {\n    "window": 25\n  }', '"parameters": 5'
    ),
    "no fingerprint": lambda text: text.replace('"fingerprint"', '"finger"'),
    "complete as a word": lambda text: text.replace('"complete": true', '"complete": "yes"'),
    "another store's": lambda text: text.replace(recipe().fingerprint, "0" * 12),
    "transcript without a source": lambda text: text.replace(
        '"transcript": null', '"transcript": {"parts": 1}'
    ),
}
READERS: dict[str, Callable[[Path], Any]] = {
    "Store": Store,
    "find_store": lambda store: find_store(store.parent.parent, "corpus", "fake"),
    "info": info,
    "open_writer": lambda store: open_writer(store, recipe()).__enter__(),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("reader", READERS)
def test_damage_is_one_clear_error_with_its_remedy(filled: Path, damage: str, reader: str) -> None:
    path = filled / "info.json"
    text = path.read_text()
    changed = DAMAGE[damage](text)
    assert changed != text
    path.write_text(changed)
    remedy = rf"Delete {filled} and run: mmser preprocess corpus=corpus extractors=\[fake\]"
    with pytest.raises(MmserError, match=rf"expected .*info.json.*; found .*\. {remedy}"):
        READERS[reader](filled)
    table = verify(filled)
    assert list(table.file[~table.ok]) == ["info.json"]
    assert gc(filled.parent).empty  # what is in it can still be looked at


def test_a_lost_info_is_found_by_verify(filled: Path) -> None:
    (filled / "info.json").unlink()
    table = verify(filled.parent)
    assert list(table.file[~table.ok]) == ["info.json"]


def test_a_sound_one_is_read(tmp_path: Path) -> None:
    heard = fill(tmp_path, [], transcript={"source": "asr", "fingerprint": "a" * 12})
    assert read_info(heard) == json.loads((heard / "info.json").read_text())
