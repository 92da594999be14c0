"""Conversation BiGRU with self-attention per modality, then a transformer over all utterances.

The transformer sees the utterances of both modalities.

Source: Dutta, Ganapathy, "Multimodal transformer with learnable frontend and self attention for
emotion recognition", ICASSP 2022, with details from its authors' released code.

Differs:
    Padded and absent utterances neither attend nor are attended to, and the recurrence runs over
    real ones (released: over padding). The attention weights of an utterance sum to 1 over the
    conversation, as in the paper; the released code normalises the other axis (``released_axis``).
    Its values are the recurrent states; in the released code their projection
    (``projected_values``). Dropout also acts inside the feed-forward. Any number of streams.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.attention.transformer import TransformerLayer
from mmser.models.layers.masks.padding import masked_softmax, zero_padding
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.time.recurrent import Recurrent
from mmser.models.layers.turns.conversations import conversations

DIRECTIONS = ("forward", "backward")


class ConversationAttention(nn.Module):
    """Two-layer BiGRU over the utterances of a conversation; each direction attends to itself.

    ``Z = O W + b``, ``A = softmax(Z Z^T)`` over the utterances asked (rows), result ``A O``, for O
    of each direction; with ``projected_values`` ``A Z``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 100,
        released_axis: bool = False,
        projected_values: bool = False,
    ) -> None:
        super().__init__()
        self.recurrence = Recurrent(input_size, hidden_size, layers=2)
        self.similarities = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in DIRECTIONS)
        self.released_axis = released_axis
        self.projected_values = projected_values
        self.output_size = 2 * hidden_size

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, list[Tensor]]:
        """values (dialogue, turn, feature), mask (dialogue, turn) -> (dialogue, turn, output_size).

        Padding comes out zero. Also returns the weights (dialogue, turn, turn) of either direction.
        """
        states = self.recurrence(values, mask).outputs.chunk(2, dim=-1)
        attended, weights = [], []
        for state, similarity in zip(states, self.similarities, strict=True):
            key = similarity(state)
            scores = key @ key.transpose(1, 2)
            if self.released_axis:
                weights.append(masked_softmax(scores, mask[:, :, None], dim=1))
            else:
                weights.append(masked_softmax(scores, mask[:, None]))
            attended.append(weights[-1] @ (key if self.projected_values else state))
        return zero_padding(torch.cat(attended, dim=-1), mask), weights


class ConversationTransformer(nn.Module):
    """Vectors of each stream -> conversation attention -> linear -> one transformer over all.

    The linear layer brings them to ``size``. Rows of a batch are regrouped by `Context` (use
    ``data.batching=dialogue``); a row outside a dialogue is alone. No position and no modality
    enters the transformer. ``vector`` holds its outputs for an utterance in each stream, side by
    side; ``sequence`` is (batch, stream, feature): the outputs of the conversation attention, in
    the order of the streams.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        hidden_size: int = 100,
        size: int = 120,
        heads: int = 12,
        layers: int = 3,
        inner_size: int = 3072,
        dropout: float = 0.1,
        weight_dropout: float = 0.1,
        released_axis: bool = False,
        projected_values: bool = False,
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        self.contexts = nn.ModuleDict(
            {
                name: ConversationAttention(width, hidden_size, released_axis, projected_values)
                for name, width in input_sizes.items()
            }
        )
        self.projections = nn.ModuleDict(
            {name: nn.Linear(2 * hidden_size, size) for name in self.names}
        )
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(size, heads, inner_size, dropout, weight_dropout, activation="gelu")
            for _ in range(layers)
        )
        self.output_size = size * len(self.names)

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature), pooled by their mean -> vector, sequence.

        Time is 1 for vectors of utterances. Attention: ``<stream>_forward`` and
        ``<stream>_backward`` (batch, turn): which utterances of its conversation an utterance
        attends to.
        """
        groups = conversations(context)
        contextual, masks = {}, {}
        attention: dict[str, Tensor] = {}
        for name in self.names:
            stream = streams[name]
            masks[name] = groups.group(stream.present) & groups.mask
            vectors = groups.group(masked_mean(stream.values, stream.mask))
            contextual[name], weights = self.contexts[name](vectors, masks[name])
            if need_attention:
                for direction, each in zip(DIRECTIONS, weights, strict=True):
                    attention[f"{name}_{direction}"] = groups.ungroup(each)
        fused = self._mixed(contextual, masks)
        present = torch.stack([streams[name].present for name in self.names], dim=1)
        steps = torch.stack([groups.ungroup(contextual[name]) for name in self.names], dim=1)
        return Fused(groups.ungroup(fused), attention=attention, sequence=Stream(steps, present))

    def _mixed(self, contextual: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Tensor:
        """{stream: (dialogue, turn, feature)} -> (dialogue, turn, size * stream)."""
        projected = [self.dropout(self.projections[name](contextual[name])) for name in self.names]
        # The turns of one stream behind those of the other: (dialogue, stream * turn, size).
        values = torch.cat(projected, dim=1)
        mask = torch.cat([masks[name] for name in self.names], dim=1)
        for layer in self.layers:
            values, _ = layer(values, mask)
        return torch.cat(zero_padding(values, mask).chunk(len(projected), dim=1), dim=-1)
