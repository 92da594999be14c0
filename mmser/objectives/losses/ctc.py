"""Speech recognition as an auxiliary task: CTC of the transcript's characters.

Source: Cai, Yuan, Zheng, Huang, Church, "Speech emotion recognition with multi-task learning",
Interspeech 2021; the loss is Graves et al., ICML 2006. Beside a classification loss (see
`weighted_sum`, configs/objective/emotion_ctc) the total is ``cross-entropy + alpha * CTC``.

Differs:
    An utterance without a transcript adds nothing (the released code trains it towards the word
    NULL). A transcript that has no alignment with so few frames adds zero, where it is infinite by
    definition; `CTC.infeasible` counts them.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, Stream
from mmser.core.errors import MmserError
from mmser.core.task import Task

BLANK = 0


class CTC(nn.Module):
    """Dropout -> linear to ``symbols`` per encoded frame -> CTC against the trace ``transcript``.

    The transcript is a trace: the model never sees it. ``symbols`` counts
    the blank (0), the alphabet, and symbols that never occur. ``frame_size`` is the feature size of
    the frames that ``encoder`` makes (None: that of the fused vector, true where the fusion pools
    one stream). ``reduction``: "sum" adds up the rows of a batch, as the released code does; "row"
    is their mean; "length" also divides each by its number of characters.
    """

    infeasible: Tensor

    def __init__(
        self,
        task: Task,
        vector_size: int,
        encoder: str = "audio",
        transcript: str = "characters",
        symbols: int = 32,
        frame_size: int | None = None,
        dropout: float = 0.0,
        reduction: Literal["sum", "row", "length"] = "sum",
    ) -> None:
        super().__init__()
        if reduction not in ("sum", "row", "length"):
            raise MmserError(
                "reduction sum, row or length", f"'{reduction}'", "Correct the CTC objective."
            )
        self.encoder, self.transcript, self.reduction = encoder, transcript, reduction
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(frame_size or vector_size, symbols)
        # Transcripts longer than their frames allow, counted over all calls in training mode.
        self.register_buffer("infeasible", torch.zeros((), dtype=torch.long), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"ctc": scalar}."""
        frames = self._stream(outputs.encoded, self.encoder, "an encoder")
        spoken = self._stream(batch.traces, self.transcript, "a stream of characters")
        return {"ctc": self._loss(frames, spoken)}

    def logits(self, frames: Stream) -> Tensor:
        """frames (batch, time, feature) -> (batch, time, symbol) in float32.

        Padding is undefined.
        """
        return self.output(self.dropout(frames.filled())).float()

    @torch.no_grad()
    def decode(self, frames: Stream) -> list[list[int]]:
        """The best path of every row: repeats merged, blanks dropped.

        An absent row gives an empty list.
        """
        return greedy(self.logits(frames), frames.mask)

    def _loss(self, frames: Stream, spoken: Stream) -> Tensor:
        both = frames.present & spoken.present
        symbols = spoken.filled(BLANK)
        if int(symbols.max()) >= self.output.out_features:
            raise MmserError(
                f"characters numbered below {self.output.out_features}",
                f"number {int(symbols.max())}",
                "Set the CTC objective's symbols to the alphabet's size and one more.",
            )
        lengths, characters = frames.lengths.clamp_min(1), torch.where(both, spoken.lengths, 0)
        logs = self.logits(frames).log_softmax(dim=-1).transpose(0, 1)  # (time, batch, symbol)
        losses = F.ctc_loss(
            logs, symbols, lengths, characters, BLANK, reduction="none", zero_infinity=True
        )
        if self.training:
            self.infeasible += (both & (needed_frames(spoken) > frames.lengths)).sum()
        if self.reduction == "length":
            losses = losses / characters.clamp_min(1)
        # An empty transcript has a loss of its own (all blanks); a row without transcript must not.
        total = torch.where(both, losses, 0.0).sum()
        return total if self.reduction == "sum" else total / both.sum().clamp_min(1)

    @staticmethod
    def _stream(streams: dict[str, Stream], name: str, what: str) -> Stream:
        if name not in streams:
            raise MmserError(
                f"{what} named '{name}'",
                f"{', '.join(streams) or 'none'}",
                "Name it in the objective.",
            )
        return streams[name]


def needed_frames(spoken: Stream) -> Tensor:
    """(batch,) the least number of frames that can spell each row.

    That is its characters, and a blank between equal ones.
    """
    values = spoken.filled(BLANK)
    repeated = (values[:, 1:] == values[:, :-1]) & spoken.mask[:, 1:] & spoken.mask[:, :-1]
    return spoken.lengths + repeated.sum(dim=1)


def greedy(logits: Tensor, mask: Tensor) -> list[list[int]]:
    """logits (batch, time, symbol), mask (batch, time) -> the symbols of each row's best path."""
    best = logits.argmax(dim=-1).masked_fill(~mask, BLANK)
    fresh = torch.ones_like(mask)
    fresh[:, 1:] = best[:, 1:] != best[:, :-1]
    is_symbol = fresh & (best != BLANK)
    return [row[places].tolist() for row, places in zip(best, is_symbol, strict=True)]
