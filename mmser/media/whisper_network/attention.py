"""Where Whisper's decoder looks while it reads the texts of many windows in one pass.

The package computes the times of words from one window's attention
(``whisper.timing.find_alignment``); to it a `Reading` is a network that has read its window before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from whisper.model import disable_sdpa

_TOKENS = 4096
"""Tokens of one pass: each has a probability for every token there is."""


class Reading:
    """What the network answered for one window: its ``logits`` (token, vocabulary) and ``scores``
    (head, token, frame), those of the heads that follow time before the softmax.

    It has of a network what ``find_alignment`` asks it for.
    """

    def __init__(self, logits: Tensor, scores: Tensor) -> None:
        self._logits = logits
        self._scores = scores
        self._hook: Callable[..., None] | None = None
        heads = len(scores)
        numbers = torch.stack([torch.zeros(heads, dtype=torch.long), torch.arange(heads)])
        self.device = torch.device("cpu")
        self.dims = SimpleNamespace(n_text_layer=1)
        self.alignment_heads = SimpleNamespace(indices=lambda: numbers)
        self.decoder = SimpleNamespace(blocks=[SimpleNamespace(cross_attn=self)])

    def register_forward_hook(self, hook: Callable[..., None]) -> SimpleNamespace:
        """Whoever is told the scores."""
        self._hook = hook
        return SimpleNamespace(remove=lambda: None)

    def __call__(self, window: Tensor, tokens: Tensor) -> Tensor:
        """Logits (1, token, vocabulary)."""
        if self._hook is not None:
            self._hook(None, None, (None, self._scores[None]))
        return self._logits[None]


def readings(
    network: Any, features: Tensor, starts: Sequence[Sequence[int]], texts: Sequence[Sequence[int]]
) -> list[Reading]:
    """A reading of each text in the window beside it (window, frame, feature).

    ``starts`` are the tokens before each text, ``texts`` its own with the end of text. Texts of
    similar length are read together, so that few tokens are padding.
    """
    rows = [[*start, *text] for start, text in zip(starts, texts, strict=True)]
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    found: dict[int, Reading] = {}
    while order:
        longest = len(rows[order[-1]])
        together = order[-max(1, _TOKENS // longest) :]
        del order[-len(together) :]
        read = _read(network, features[together], [rows[row] for row in together])
        found.update(zip(together, read, strict=True))
    return [found[row] for row in range(len(rows))]


@torch.inference_mode()
def _read(network: Any, features: Tensor, rows: Sequence[Sequence[int]]) -> list[Reading]:
    longest = max(map(len, rows))
    # What comes after a text does not change what the decoder answers before it.
    padded = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    heads: dict[int, list[int]] = {}
    for layer, head in network.alignment_heads.indices().T.tolist():
        heads.setdefault(layer, []).append(head)
    scores: dict[int, Tensor] = {}

    def keep(layer: int) -> Callable[..., None]:
        def hook(module: Any, inputs: Any, outputs: tuple[Tensor, Tensor]) -> None:
            scores[layer] = outputs[1][:, heads[layer]]

        return hook

    blocks = network.decoder.blocks
    hooks = [blocks[layer].cross_attn.register_forward_hook(keep(layer)) for layer in heads]
    try:
        with disable_sdpa():
            logits = network.decoder(padded.to(features.device), features)
    finally:
        for hook in hooks:
            hook.remove()
    # (window, head, token, frame), in the order of layers
    every = torch.cat([scores[layer] for layer in heads], dim=1)
    return [
        Reading(logits[number, : len(row)], every[number, :, : len(row)])
        for number, row in enumerate(rows)
    ]
