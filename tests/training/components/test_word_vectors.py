"""Trainable embeddings start from a GloVe file for the words of the training fold, and only for
those.
"""

import numpy as np
import pytest
import torch
from torch import nn

from mmser.core.errors import MmserError
from mmser.core.words import word_id
from mmser.data.vocabulary import Vocabulary
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.encoders.text.embedding_gru import EmbeddingGRU
from mmser.training.components.word_vectors import read_word_vectors, start_embeddings

WORDS = ("at", "joy", "unseen")


@pytest.fixture
def vocabulary():
    return Vocabulary(np.sort(np.array([word_id(word) for word in WORDS], np.int64)))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text(
        "at 1 2 3\nat name@domain.com 7 7 7\njoy -1 0.5 2\nother 9 9 9\n", encoding="utf-8"
    )
    return path


def row_of(vocabulary, word):
    return int(vocabulary(np.array([word_id(word)]))[0])


def test_known_words_get_their_vector_and_the_rest_is_nan(vocabulary, file):
    vectors = read_word_vectors(file, vocabulary, 3)
    assert vectors[row_of(vocabulary, "at")].tolist() == [1, 2, 3]
    assert vectors[row_of(vocabulary, "joy")].tolist() == [-1, 0.5, 2]
    assert vectors[row_of(vocabulary, "unseen")].isnan().all()
    assert vectors[:2].isnan().all()


def test_embeddings_start_there_and_other_rows_stay_random(vocabulary, file):
    torch.manual_seed(0)
    encoder = EmbeddingGRU(len(vocabulary), embedding_size=3, hidden_size=4)
    before = encoder.embedding.weight.detach().clone()
    start_embeddings(
        nn.ModuleDict({"text": encoder, "audio": Identity(2)}), {"text": vocabulary}, file
    )
    joy, unseen = row_of(vocabulary, "joy"), row_of(vocabulary, "unseen")
    assert encoder.embedding.weight[joy].tolist() == [-1, 0.5, 2]
    assert torch.equal(encoder.embedding.weight[unseen], before[unseen])


def test_what_cannot_serve_is_named(vocabulary, file, tmp_path):
    with pytest.raises(MmserError, match=r"no file .*none\.txt"):
        read_word_vectors(tmp_path / "none.txt", vocabulary, 3)
    with pytest.raises(MmserError, match=r"vectors of 300 numbers .* found not one"):
        read_word_vectors(file, vocabulary, 300)
    with pytest.raises(MmserError, match="an encoder with word embeddings"):
        start_embeddings(nn.ModuleDict({"audio": Identity(2)}), {}, file)


@pytest.mark.parametrize("value", ["nan", "inf", "x"])
def test_a_damaged_line_is_named_where_its_word_occurs(vocabulary, file, value):
    file.write_text(
        file.read_text(encoding="utf-8").replace("9 9 9", f"9 {value} 9"), encoding="utf-8"
    )
    read_word_vectors(file, vocabulary, 3)
    file.write_text(file.read_text(encoding="utf-8").replace("0.5", value), encoding="utf-8")
    with pytest.raises(
        MmserError, match=rf"3 finite numbers after each word in .*; found joy -1 {value} 2"
    ):
        read_word_vectors(file, vocabulary, 3)
