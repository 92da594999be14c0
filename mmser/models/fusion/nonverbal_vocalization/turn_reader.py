"""An attentive sequence-to-sequence LSTM over the segments of a turn.

Source: Hsu, Su, Wu, Chen, IEEE/ACM TASLP 29, 2021, with details from the first author's released
code.

Differs:
    Three terms that cannot change a result are left out: the score's bias and its share of the
    encoder's last state (the same for all segments, so they do not change the softmax), and the
    half of the gate layer that reads zeros.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmser.core.errors import MmserError
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import length_mask, masked_softmax, zero_padding


class TurnReader(nn.Module):
    """BiLSTM -> attention weights as a gate on each segment -> LSTM.

    The second LSTM starts from the encoder's last state. ``gate="scaled"`` multiplies the weights
    by the number of segments, so that they do not shrink with it; "released" does not.
    """

    def __init__(
        self, input_size: int, hidden_size: int, gate: Literal["scaled", "released"] = "scaled"
    ) -> None:
        super().__init__()
        if gate not in ("scaled", "released"):
            raise MmserError("gate scaled or released", f"'{gate}'", "Correct fusion.gate.")
        self.scaled = gate == "scaled"
        self.encoder = nn.LSTM(input_size, hidden_size, batch_first=True, bidirectional=True)
        self.join = nn.Linear(2 * hidden_size, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)
        self.gate = nn.Linear(hidden_size, hidden_size)
        self.decoder = nn.LSTM(hidden_size, hidden_size, batch_first=True)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, segment, feature), mask -> states (batch, segment, hidden), weights.

        Weights are (batch, segment).
        """
        order, inverse = compact_order(mask)
        lengths = mask.sum(dim=1)
        real = length_mask(lengths, mask.shape[1])
        read, hidden, cell = self._encoded(rows_at(zero_padding(values, mask), order), lengths)
        weights = masked_softmax(self.score(read).squeeze(-1), real)
        gates = weights * lengths[:, None] if self.scaled else weights
        states, _ = self.decoder(
            F.relu(self.gate(gates[..., None] * read)), (hidden[None], cell[None])
        )
        return rows_at(zero_padding(states, real), inverse), rows_at(
            weights[..., None], inverse
        ).squeeze(-1)

    def _encoded(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, segment, feature) -> (batch, segment, hidden), last hidden state and cell.

        The last two are (batch, hidden).
        """
        # Packed, because the decoder starts from the last cell of both directions; a turn without
        # segments reads one of zeros.
        packed = pack_padded_sequence(
            values, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        read, last = self.encoder(packed)
        read, _ = pad_packed_sequence(read, batch_first=True, total_length=values.shape[1])
        hidden, cell = (self.join(torch.cat([state[0], state[1]], dim=-1)) for state in last)
        return self.join(read), hidden, cell
