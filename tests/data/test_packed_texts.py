"""Texts in one buffer."""

from __future__ import annotations

from mmser.data.packed_texts import PackedTexts


def test_each_text_comes_back() -> None:
    texts = ["", "u1", "Äpfel", "", "日本", "\ud800", "end"]
    packed = PackedTexts(texts)
    assert [packed[row] for row in range(len(texts))] == texts
