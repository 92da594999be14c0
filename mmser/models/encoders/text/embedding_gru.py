"""Word indices -> trainable embeddings -> GRU: the text encoder of AMH and its relatives."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import filled_padding
from mmser.models.layers.time.recurrent import Merge, Recurrent, orthogonal


class EmbeddingGRU(nn.Module):
    """Embedding -> dropout -> GRU, one state per word.

    ``input_size`` is the size of the training fold's vocabulary (0 padding, 1 unknown word) unless
    ``vocabulary_size`` says otherwise. With ``orthogonal_start`` the reset and update gates start
    at ``gate_bias``. Vectors start random; `set_vectors` puts pretrained ones (GloVe) in their
    place.
    """

    reads: ClassVar[StreamKind] = "words"

    def __init__(
        self,
        input_size: int,
        vocabulary_size: int | None = None,
        embedding_size: int = 300,
        hidden_size: int = 200,
        bidirectional: bool = False,
        layers: int = 1,
        merge: Merge = "concat",
        input_dropout: float = 0.0,
        orthogonal_start: bool = False,
        gate_bias: float | None = None,
    ) -> None:
        super().__init__()
        self.vector_size = embedding_size
        self.embedding = nn.Embedding(vocabulary_size or input_size, embedding_size, padding_idx=0)
        self.input_dropout = nn.Dropout(input_dropout)
        self.recurrence = Recurrent(
            embedding_size, hidden_size, "gru", bidirectional, layers, merge=merge
        )
        self.output_size = self.recurrence.output_size
        if orthogonal_start:
            orthogonal(self.recurrence, gate_bias)

    def set_vectors(self, vectors: Tensor) -> None:
        """Start from ``vectors`` (vocabulary, embedding_size).

        Rows of NaN, words without a vector, stay as they are.
        """
        if vectors.shape != self.embedding.weight.shape:
            raise MmserError(
                f"word vectors of shape {tuple(self.embedding.weight.shape)}",
                f"{tuple(vectors.shape)}",
                "Give one vector per vocabulary entry, or change embedding_size.",
            )
        with torch.no_grad():
            has_vector = ~vectors.isnan().any(dim=1, keepdim=True)
            self.embedding.weight.copy_(torch.where(has_vector, vectors, self.embedding.weight))

    def forward(self, stream: Stream) -> Stream:
        """(batch, word) long -> (batch, word, output_size), same mask."""
        embedded = self.embedding(filled_padding(stream.values, stream.mask, 0))
        return Stream(
            self.recurrence(self.input_dropout(embedded), stream.mask).outputs, stream.mask
        )
