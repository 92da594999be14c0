"""The mapping of one space into the other: a start, an adversary, refinement, the closest one."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from mmser.core.errors import MmserError
from mmser.extraction.embedding_spaces.adversary import Adversary, adversarial_mapping
from mmser.extraction.embedding_spaces.similarity import closeness, csls_dictionary, procrustes

SKETCHED = 2_000
"""Words on which the sides of principal axes are judged."""


def align_spaces(
    speech: Tensor,
    text: Tensor,
    adversary: Adversary | None = None,
    refinements: int = 5,
    frequent: int = 10_000,
    seed: int = 0,
    start: Literal["axes", "identity"] = "axes",
) -> Tensor:
    """W (feature, feature), so that ``speech @ W.T`` lies in the space of ``text``.

    It is orthogonal if ``refinements`` > 0. ``speech`` and ``text`` are (word, feature), the most
    frequent words first; no word need occur in both. From the start, refined, adversarial training
    (``adversary.steps`` of 0: none), refined again; the closer of the two.
    """
    if speech.shape[1] != text.shape[1]:
        raise MmserError(
            "vectors of one size",
            f"{speech.shape[1]} and {text.shape[1]}",
            "Train both with one size.",
        )
    adversary = adversary or Adversary()
    spoken, written = speech[:frequent], text[:frequent]
    first = torch.eye(speech.shape[1])
    if start == "axes":
        first = refined(spoken, written, axes_mapping(spoken, written), refinements)
    learnt = first
    if adversary.steps:
        learnt = adversarial_mapping(speech, text, adversary, seed, first)
    last = refined(spoken, written, learnt, refinements)
    return max(last, first, key=lambda mapping: closeness(spoken @ mapping.T, written))


def axes_mapping(speech: Tensor, text: Tensor) -> Tensor:
    """The orthogonal W that lays the principal axes of ``speech`` on those of ``text``.

    Both are (word, feature). An axis points to the side of its longer tail; then each in turn is
    turned round where that is closer for the first `SKETCHED` words. Axes of like variance may
    still be confused: a start to refine, no answer.
    """
    (from_axes, from_skew), (to_axes, to_skew) = _axes(speech), _axes(text)
    spoken, written = speech[:SKETCHED] @ from_axes, text[:SKETCHED] @ to_axes
    side = torch.where(from_skew * to_skew < 0, -1.0, 1.0)
    best = closeness(spoken * side, written)
    for axis in range(len(side)):
        turned = side.index_fill(0, torch.tensor([axis]), -float(side[axis]))
        score = closeness(spoken * turned, written)
        if score > best:
            best, side = score, turned
    return (to_axes * side) @ from_axes.T


def refined(speech: Tensor, text: Tensor, mapping: Tensor, times: int) -> Tensor:
    """``times`` times a CSLS dictionary and Procrustes on it; -> the closest mapping.

    With 0 times it is ``mapping`` itself. A start that is right for some words becomes right for
    nearly all.
    """
    mappings = [mapping]
    for _ in range(times):
        pairs = csls_dictionary(speech @ mappings[-1].T, text)
        mappings.append(procrustes(speech[pairs[:, 0]], text[pairs[:, 1]]))
    # The first need not be orthogonal, and may be the closer to its target for being bent.
    candidates = mappings[1:] or mappings
    return max(candidates, key=lambda candidate: closeness(speech @ candidate.T, text))


def _axes(values: Tensor) -> tuple[Tensor, Tensor]:
    """(feature, axis) principal axes, the widest first, and (axis,) the skewness along each."""
    centred = values - values.mean(dim=0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)
    along = centred @ axes
    return axes, along.pow(3).mean(dim=0) / along.square().mean(dim=0).pow(1.5)
