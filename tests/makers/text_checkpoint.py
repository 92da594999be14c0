"""A tiny BERT with a real WordPiece tokenizer, as `save_pretrained` leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from mmser.core.clip import Clip, Transcript


def write_bert(folder: Path, vocabulary: Sequence[str], layers: int) -> Path:
    """Write 24 features in that many layers into ``folder``; returns it."""
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=24, num_hidden_layers=layers,
        num_attention_heads=2, intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).eval().save_pretrained(folder)
    return folder


def text_clips(*texts: str) -> list[Clip]:
    """Clips of the corpus's own words alone."""
    return [Clip(f"c{n}", transcript=Transcript(text, "corpus")) for n, text in enumerate(texts)]
