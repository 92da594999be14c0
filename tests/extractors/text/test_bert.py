"""Text encoders on a tiny checkpoint with a real WordPiece tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from makers.clips import transcript
from makers.text_checkpoint import text_clips, write_bert
from transformers import AutoModel, BertModel, RobertaModel

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.text.bert import Bert
from mmser.extractors.transcripts.pieces import HashedTokenizer

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "well", ",", "i", "don", "'", "t", "know", "it", "s",
              "half", "-", "empty", "!", "em", "##pty", "kn", "##ow"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("bert"), VOCABULARY, layers=5)


def extractor(folder: Path, **changes: Any) -> Bert:
    return Bert(**{"weights": str(folder), "size": 24, "device": "cpu", **changes})


def test_words_are_means_of_their_pieces(folder: Path) -> None:
    spoken = text_clips("I don't know")
    pieces = extractor(folder, pooling="pieces").extract(spoken)[0].values
    words = extractor(folder).extract(spoken)[0].values
    # [CLS] i don ' t know [SEP]
    assert pieces.shape == (7, 24)
    np.testing.assert_allclose(words[1], pieces[2:5].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(words[[0, 2]], pieces[[1, 5]], atol=1e-6)


def test_pieces_equal_the_model_and_the_last_four_layers_stand_side_by_side(folder: Path) -> None:
    values = extractor(folder, pooling="pieces", layers=4).extract(text_clips("it know"))[0].values
    ids = torch.tensor([[2, VOCABULARY.index("it"), VOCABULARY.index("know"), 3]])
    with torch.inference_mode():
        states = (
            AutoModel.from_pretrained(folder).eval()(ids, output_hidden_states=True).hidden_states
        )
    expected = torch.cat(states[-4:], dim=-1)[0].numpy()
    assert values.shape == (4, 96)
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_batched_equals_single(folder: Path) -> None:
    spoken = text_clips("well", "I don't know, it's half-empty!", "know it")
    made = extractor(folder, batch_pieces=40)
    for clip, together in zip(spoken, made.extract(spoken), strict=True):
        np.testing.assert_allclose(together.values, made.extract([clip])[0].values, atol=2e-6)


def test_spans_follow_words_and_pieces(folder: Path) -> None:
    timed = [Clip("c", transcript=transcript())]
    words = extractor(folder).extract(timed)[0]
    assert len(words.values) == len(words.spans) == 6
    assert words.spans[4].tolist() == pytest.approx([0.5, 0.6])
    pieces = extractor(folder, pooling="pieces").extract(timed)[0]
    assert len(pieces.values) == len(pieces.spans)
    assert pieces.spans[0].tolist() == pytest.approx([0.0, 0.0])
    assert pieces.spans[-1].tolist() == pytest.approx([0.7, 0.7])
    assert (
        extractor(folder).extract([Clip("c", transcript=transcript(times=False))])[0].spans is None
    )


def test_long_text_is_cut_and_noted(folder: Path) -> None:
    features = extractor(folder, limit=6).extract(text_clips("well know it know well know it"))[0]
    assert features.values.shape == (4, 24)
    assert features.notes == "only the first 4 of 7 words"


@pytest.mark.parametrize("kind", [BertModel, RobertaModel])
def test_no_more_pieces_than_the_network_has_positions(
    folder: Path, tmp_path: Path, kind: type
) -> None:
    small = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = kind.config_class(
        **small, intermediate_size=8, max_position_embeddings=8, pad_token_id=0
    )
    kind(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    features = extractor(tmp_path).extract(text_clips("know " * 9))[0]
    # Start and end mark take two; RoBERTa's first position stands for padding.
    assert features.notes == f"only the first {6 if kind is BertModel else 5} of 9 words"


def test_empty_transcripts_fail(folder: Path) -> None:
    results = extractor(folder).extract(text_clips(" -- ...", ""))
    assert [result.reason for result in results] == ["empty transcript"] * 2


def test_too_many_layers_are_refused(folder: Path) -> None:
    with pytest.raises(MmserError, match="at most 5 layers; found layers=6"):
        extractor(folder, layers=6).extract(text_clips("well"))


def test_hashed_pieces_are_the_same_everywhere() -> None:
    pieces = HashedTokenizer()(["Half-empty!", "I"], limit=10)
    # half -emp ty | i
    assert pieces.owners == [-1, 0, 0, 0, 1, -1]
    assert len(set(pieces.ids)) == 6
    assert HashedTokenizer()(["i"], limit=10).ids[1] == pieces.ids[4]
    assert HashedTokenizer()(["word"] * 9, limit=4).owners == [-1, 0, 1, -1]
