"""IAAN: attention over the current utterance, asked by the previous turns of both speakers.

Source: Yeh, Lin, Lee, "An interaction-aware attention network for speech emotion recognition in
spoken dialogs", ICASSP 2019, with its authors' released code; its GRUs with AReLU after Rajamani et
al., ICASSP 2021.

Differs:
    Attention masks by explicit lengths (the released code takes frames of zero sum for padding and
    leaves the context unmasked); a missing turn is a zero vector. Earlier turns come from the
    batch, so dialogues must be batched whole (``data.batching=dialogue``), and turns that the
    protocol leaves out are not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import masked_softmax, zero_padding
from mmser.models.layers.time.ar_gru import ARGRU, AReLU
from mmser.models.layers.time.group_mean import group_mean
from mmser.models.layers.time.pooling import AttentionPooling
from mmser.models.layers.time.recurrent import Recurrent
from mmser.models.layers.turns.previous_turn import previous_turn, vectors_of

Turns = dict[str, Tensor]
"""own and other: the row (batch,) of that speaker's previous turn, -1 where there is none."""


class IAAN(nn.Module):
    """One interaction network per stream -> [h_c ; h_p ; h_r] of each -> one vector.

    The last step is linear, dropout, layer norm, ReLU. ``activation`` arelu is AR-GRU in IAAN, tanh
    the plain IAAN. ``bidirectional`` belongs to the current utterance's GRU. ``reach`` is how many
    turns back the context may lie; ``average`` how many frames make a step.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        hidden_size: int = 512,
        attention_size: int = 16,
        output_size: int = 64,
        bidirectional: bool = True,
        activation: Literal["arelu", "tanh"] = "arelu",
        alpha: float = 0.01,
        beta: float = 1.0,
        reach: int = 8,
        average: int = 5,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if activation not in ("arelu", "tanh"):
            raise MmserError(
                "activation arelu or tanh", f"'{activation}'", "Choose one of the two."
            )
        make = partial(AReLU, alpha, beta) if activation == "arelu" else None
        self.names, self.reach, self.average = tuple(input_sizes), reach, average
        self.interactions = nn.ModuleDict(
            {
                name: Interaction(size, hidden_size, attention_size, bidirectional, make)
                for name, size in input_sizes.items()
            }
        )
        joined = sum(interaction.output_size for interaction in self.interactions.values())  # type: ignore[misc]
        self.classifier = nn.Sequential(
            nn.Linear(joined, output_size),
            nn.Dropout(dropout),
            nn.LayerNorm(output_size),
            nn.ReLU(),
        )
        self.output_size = output_size

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) of features -> vector (batch, output_size).

        Attention: ``<stream>`` (batch, step), over the current utterance's averaged steps.
        """
        vectors: list[Tensor] = []
        attention: dict[str, Tensor] = {}
        for name in self.names:
            values, mask = group_mean(streams[name].values, streams[name].mask, self.average)
            present = mask.any(dim=1)
            turns = {
                "own": previous_turn(context, True, present, self.reach),
                "other": previous_turn(context, False, present, self.reach),
            }
            vector, weights = self.interactions[name](values, mask, turns)
            vectors.append(vector)
            if need_attention:
                attention[name] = weights
        return Fused(self.classifier(torch.cat(vectors, dim=-1)), attention=attention)


class Interaction(nn.Module):
    """GRUs over the current turn and both speakers' previous turns, and attention between them."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        attention_size: int,
        bidirectional: bool,
        activation: partial[AReLU] | None,
    ) -> None:
        super().__init__()

        def recurrence(two_ways: bool) -> nn.Module:
            if activation is None:
                return Recurrent(input_size, hidden_size, "gru", bidirectional=two_ways)
            return ARGRU(input_size, hidden_size, two_ways, activation)

        self.current = recurrence(bidirectional)
        self.previous = nn.ModuleDict({"own": recurrence(False), "other": recurrence(False)})
        self.pooling = nn.ModuleDict(
            {who: AttentionPooling(hidden_size, attention_size) for who in ("own", "other")}
        )
        size = hidden_size * (2 if bidirectional else 1)
        self.from_current = nn.Linear(size, attention_size)
        self.from_previous = nn.ModuleDict(
            {who: nn.Linear(hidden_size, attention_size, bias=False) for who in ("own", "other")}
        )
        self.score = nn.Linear(attention_size, 1, bias=False)
        self.output_size = size + 2 * hidden_size

    def forward(self, values: Tensor, mask: Tensor, turns: Turns) -> tuple[Tensor, Tensor]:
        """values (batch, step, feature), mask (batch, step) -> [h_c ; h_p ; h_r] (batch, size).

        Also returns the weights (batch, step). ``e_t = u . tanh(W_c O_t + W_p h_p + W_r h_r + b)``.
        """
        outputs = zero_padding(_outputs(self.current, values, mask), mask)
        before = {who: self._summary(who, values, mask, rows) for who, rows in turns.items()}
        seen = sum(self.from_previous[who](vector) for who, vector in before.items())
        scores = self.score(torch.tanh(self.from_current(outputs) + seen[:, None])).squeeze(-1)  # type: ignore[index]
        weights = masked_softmax(scores, mask)
        current = torch.einsum("bt,btf->bf", weights, outputs)
        return torch.cat([current, before["own"], before["other"]], dim=-1), weights

    def _summary(self, who: str, values: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
        """(batch, hidden) of the previous turn; zero where there is none.

        Each turn of the batch is encoded once, whoever refers to it.
        """
        vectors, _ = self.pooling[who](_outputs(self.previous[who], values, mask), mask)
        return vectors_of(rows, vectors)


def _outputs(recurrence: nn.Module, values: Tensor, mask: Tensor) -> Tensor:
    recurred = recurrence(values, mask)
    return recurred if isinstance(recurred, Tensor) else recurred.outputs
