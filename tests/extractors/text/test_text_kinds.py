"""Frozen text encoders of every kind against transformers' own: a text alone, and in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from makers.text_checkpoint import text_clips
from makers.text_kinds import KINDS, write_text_encoder
from transformers import AutoModel, AutoTokenizer

from mmser.core.clip import Features
from mmser.extractors.text.bert import Bert
from mmser.extractors.text.sentence import Sentence

TEXTS = ("I know you never stop", "stop", "you know I know you know I never stop you know")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("kinds")
    return {kind: write_text_encoder(root / kind, kind) for kind in KINDS}


def values(extractor: Bert | Sentence, *texts: str) -> list[np.ndarray]:
    results = extractor.extract(text_clips(*texts))
    return [result.values for result in results if isinstance(result, Features)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_sub_word_is_transformers_own(folders: dict[str, Path], kind: str) -> None:
    network = AutoModel.from_pretrained(folders[kind]).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders[kind], add_prefix_space=True)
    found = values(Bert(weights=str(folders[kind]), size=24, layers=2, pooling="pieces"), *TEXTS)
    for text, ours in zip(TEXTS, found, strict=True):
        encoded = tokenizer(text.split(), is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            states = network(**encoded, output_hidden_states=True).hidden_states[-2:]
        theirs = torch.cat(states, dim=-1)[0].numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_is_the_mean_of_transformers_own(folders: dict[str, Path], kind: str) -> None:
    network = AutoModel.from_pretrained(folders[kind]).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders[kind])
    found = values(Sentence(weights=str(folders[kind]), size=24, normalised=False), *TEXTS)
    for text, ours in zip(TEXTS, found, strict=True):
        with torch.no_grad():
            states = network(**tokenizer(text, return_tensors="pt")).last_hidden_state
        np.testing.assert_allclose(ours[0], states[0].mean(dim=0).numpy(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_alone_and_in_a_batch_is_the_same(folders: dict[str, Path], kind: str) -> None:
    for extractor in (
        Bert(weights=str(folders[kind]), size=24),
        Sentence(weights=str(folders[kind]), size=24),
    ):
        together = values(extractor, *TEXTS)
        for text, row in zip(TEXTS, together, strict=True):
            np.testing.assert_allclose(values(extractor, text)[0], row, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["roberta", "mpnet", "xlm-roberta"])
def test_no_more_sub_words_than_positions(folders: dict[str, Path], kind: str) -> None:
    # 66 positions, of which the first two are those of padding.
    (longest,) = values(Bert(weights=str(folders[kind]), size=24, pooling="pieces"), "stop " * 200)
    assert len(longest) == 64
