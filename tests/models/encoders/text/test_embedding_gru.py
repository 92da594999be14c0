"""Word indices, their vectors, and vectors set from outside."""

import pytest
import torch

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.text.embedding_gru import EmbeddingGRU


def test_vectors_are_set_and_unknown_rows_stay() -> None:
    encoder = EmbeddingGRU(4, embedding_size=3, hidden_size=5)
    before = encoder.embedding.weight.detach().clone()
    vectors = torch.full((4, 3), float("nan"))
    vectors[2] = torch.tensor([1.0, 2.0, 3.0])
    encoder.set_vectors(vectors)
    assert encoder.embedding.weight[2].tolist() == [1.0, 2.0, 3.0]
    assert torch.equal(encoder.embedding.weight[[0, 1, 3]], before[[0, 1, 3]])
    assert encoder.embedding.weight.requires_grad


def test_vectors_of_another_shape_are_an_error() -> None:
    with pytest.raises(MmserError, match=r"word vectors of shape \(4, 3\); found \(5, 3\)"):
        EmbeddingGRU(4, embedding_size=3).set_vectors(torch.zeros(5, 3))


def test_vocabulary_size_overrides_the_input_size() -> None:
    assert EmbeddingGRU(4, vocabulary_size=9).embedding.num_embeddings == 9


def test_the_padding_vector_never_learns() -> None:
    encoder = EmbeddingGRU(6, embedding_size=3, hidden_size=5)
    stream = Stream(torch.tensor([[2, 3, 999]]), torch.tensor([[True, True, False]]))
    encoder(stream).values.sum().backward()
    gradient = encoder.embedding.weight.grad
    assert gradient is not None
    assert gradient[[2, 3]].ne(0).all() and gradient[[0, 1, 4, 5]].eq(0).all()
