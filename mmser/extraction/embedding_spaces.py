"""Bring the vectors that words have in speech into the space of their vectors in text, without a
dictionary.

Source: Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without parallel data", ICLR
2018, as used by Tzirakis et al., ICASSP 2021, for Speech2Vec and Word2Vec.

Differs:
    Tzirakis et al. print W = U V^T from the SVD of S T^T; that pairing minimises nothing. Here U
    and V come from the SVD of T^T S, whose product is the orthogonal minimiser (Schönemann, 1966).
    The adversary starts where principal axes put it, not at the identity, from which it often ends
    in a wrong rotation that serves it as well (docs/caches.md has figures); ``start="identity"`` is
    the published way. Of all mappings on the way the one is kept by which neighbours are closest,
    which needs no dictionary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.cache.atomic import written_aside
from mmser.core.errors import MmserError

CHECKED = 10_000
"""Words, the most frequent ones, on which a mapping is judged while the adversary trains."""
SKETCHED = 2_000
"""Words on which the sides of principal axes are judged."""
CHUNK = 1024
"""Rows whose similarities to all words are held at once."""


@dataclass(frozen=True, slots=True)
class Adversary:
    """Settings of the adversarial stage, as usual for it. Words are drawn from the ``frequent``
    first of each file.

    Every ``check_every`` steps the mapping is judged by `closeness`; the best one is kept.
    """

    steps: int = 100_000
    batch_size: int = 32
    hidden_size: int = 2048
    dropout: float = 0.1
    smoothing: float = 0.1
    lr: float = 0.1
    discriminator_steps: int = 5
    orthogonality: float = 0.01
    frequent: int = 75_000
    check_every: int = 2_000


class Vectors(NamedTuple):
    """Words, the most frequent first, and their vectors (word, feature) float32."""

    words: list[str]
    values: Tensor


def align_spaces(
    speech: Tensor,
    text: Tensor,
    adversary: Adversary | None = None,
    refinements: int = 5,
    frequent: int = 10_000,
    seed: int = 0,
    start: Literal["axes", "identity"] = "axes",
) -> Tensor:
    """W (feature, feature), orthogonal if ``refinements`` > 0, so that ``speech @ W.T`` lies in the
    space of ``text``.

    ``speech`` and ``text`` are (word, feature), the most frequent words first; no word need occur
    in both. From the start, refined, adversarial training (``adversary.steps`` of 0: none), refined
    again; the closer of the two.
    """
    if speech.shape[1] != text.shape[1]:
        raise MmserError(
            "vectors of one size",
            f"{speech.shape[1]} and {text.shape[1]}",
            "Train both with one size.",
        )
    adversary, (heard, read) = adversary or Adversary(), (speech[:frequent], text[:frequent])
    first = torch.eye(speech.shape[1])
    if start == "axes":
        first = refined(heard, read, axes_mapping(heard, read), refinements)
    learnt = adversarial_mapping(speech, text, adversary, seed, first) if adversary.steps else first
    return max(
        refined(heard, read, learnt, refinements),
        first,
        key=lambda found: closeness(heard @ found.T, read),
    )


def axes_mapping(speech: Tensor, text: Tensor) -> Tensor:
    """The orthogonal W that lays the principal axes of ``speech`` on those of ``text``, each (word,
    feature).

    An axis points to the side of its longer tail; then each in turn is turned round where that is
    closer for the first `SKETCHED` words. Axes of like variance may still be confused: a start to
    refine, no answer.
    """
    (from_axes, from_skew), (to_axes, to_skew) = _axes(speech), _axes(text)
    heard, read = speech[:SKETCHED] @ from_axes, text[:SKETCHED] @ to_axes
    side = torch.where(from_skew * to_skew < 0, -1.0, 1.0)
    best = closeness(heard * side, read)
    for axis in range(len(side)):
        other = side.index_fill(0, torch.tensor([axis]), -float(side[axis]))
        score = closeness(heard * other, read)
        best, side = (score, other) if score > best else (best, side)
    return (to_axes * side) @ from_axes.T


def refined(speech: Tensor, text: Tensor, mapping: Tensor, times: int) -> Tensor:
    """``times`` times a CSLS dictionary and Procrustes on it; the closest mapping found
    (``mapping`` if 0 times).

    A start that is right for some words becomes right for nearly all.
    """
    passed = [mapping]
    for _ in range(times):
        pairs = csls_dictionary(speech @ passed[-1].T, text)
        passed.append(procrustes(speech[pairs[:, 0]], text[pairs[:, 1]]))
    # `mapping` itself need not be orthogonal, and the closer to its target for being bent.
    return max(passed[1:] or passed, key=lambda found: closeness(speech @ found.T, text))


def closeness(source: Tensor, target: Tensor, neighbours: int = 10) -> float:
    """Mean cosine between each source word and the target word nearest to it by CSLS: the choice
    without a dictionary.

    Conneau et al., section 3.5. 1 at best; comparable between mappings of the same vectors only.
    """
    source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
    nearest = _best(source, target, _nearness(target, source, neighbours))
    return float((source * target[nearest]).sum(dim=1).mean())


def procrustes(source: Tensor, target: Tensor) -> Tensor:
    """The orthogonal W that minimises ``|source @ W.T - target|``; source and target (pair,
    feature).
    """
    left, _, right = torch.linalg.svd(target.T @ source)
    return left @ right


def csls_dictionary(source: Tensor, target: Tensor, neighbours: int = 10) -> Tensor:
    """(pair, 2) long: the words that are each other's nearest, by cross-domain similarity local
    scaling.

    ``CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)``, r the mean cosine to the ``neighbours`` nearest of
    the other side, so that hubs are nobody's neighbour. Raises MmserError when there is no such
    pair.
    """
    source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
    near_target = _nearness(target, source, neighbours)
    near_source = _nearness(source, target, neighbours)
    forth = _best(source, target, near_target)
    back = _best(target, source, near_source)
    here = torch.arange(len(source))
    mutual = back[forth] == here
    if not bool(mutual.any()):
        raise MmserError(
            "words that are each other's nearest", "none", "Train the adversary longer."
        )
    return torch.stack([here[mutual], forth[mutual]], dim=1)


def adversarial_mapping(
    speech: Tensor, text: Tensor, adversary: Adversary, seed: int = 0, start: Tensor | None = None
) -> Tensor:
    """W (feature, feature), the closest of ``adversary.steps`` steps against a discriminator of the
    two spaces.

    It starts at ``start`` (None: the identity). The discriminator learns P(speech) = 1 for mapped
    speech vectors and 0 for text vectors, the mapping the reverse; each step of the mapping pulls
    it towards the orthogonal: ``W <- (1 + b) W - b W W^T W``.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = _discriminator(speech.shape[1], adversary)
        mapping = (torch.eye(speech.shape[1]) if start is None else start.clone()).requires_grad_()
        judging, moving = (
            torch.optim.SGD(p, lr=adversary.lr) for p in (judge.parameters(), [mapping])
        )
        draws = [
            _Draw(values[: adversary.frequent], adversary.batch_size, generator)
            for values in (speech, text)
        ]
        best, found = mapping.detach().clone(), -1.0
        for step in range(1, adversary.steps + 1):
            for _ in range(adversary.discriminator_steps):
                _step(
                    judging,
                    _loss(judge, draws[0]() @ mapping.detach().T, draws[1](), adversary.smoothing),
                )
            _step(
                moving, _loss(judge, draws[0]() @ mapping.T, draws[1](), 1.0 - adversary.smoothing)
            )
            with torch.no_grad():
                bend = adversary.orthogonality
                mapping.copy_((1 + bend) * mapping - bend * mapping @ mapping.T @ mapping)
            if step % adversary.check_every == 0 or step == adversary.steps:
                score = closeness(speech[:CHECKED] @ mapping.detach().T, text[:CHECKED])
                if score > found:
                    best, found = mapping.detach().clone(), score
    return best


def read_vectors(path: str | Path) -> Vectors:
    """Every vector of a file in the text format of GloVe and word2vec, in its order. Raises
    MmserError when broken.
    """
    source = Path(path)
    if not source.is_file():
        raise MmserError("a text file of word vectors", f"no file {source}", "Correct the path.")
    words: list[str] = []
    rows: list[np.ndarray] = []
    with source.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            word, *numbers = line.rstrip().split(" ")
            if number == 0 and len(numbers) == 1:
                continue
            if rows and len(numbers) != len(rows[0]):
                raise MmserError(
                    f"{len(rows[0])} numbers per line in {source}",
                    f"{len(numbers)} in line {number + 1}",
                    "Mend it.",
                )
            words.append(word)
            rows.append(_finite(numbers, f"line {number + 1} of {source}"))
    if not rows:
        raise MmserError(
            f"word vectors in {source}", "an empty file", "Train or download it again."
        )
    return Vectors(words, torch.from_numpy(np.stack(rows)))


def _finite(numbers: Sequence[str], place: str) -> np.ndarray:
    try:
        row = np.array(numbers, dtype=np.float32)
    except ValueError:
        row = np.full(len(numbers), np.nan, dtype=np.float32)
    if not np.isfinite(row).all():
        shown = " ".join(numbers[:4])
        raise MmserError(
            f"finite numbers in {place}", f"{shown} ...", "Train or download it again."
        )
    return row


def write_vectors(vectors: Vectors, path: str | Path) -> None:
    """Write the same format, whole or not at all."""
    with written_aside(Path(path)) as aside, aside.open("w", encoding="utf-8") as file:
        for word, row in zip(vectors.words, vectors.values.tolist(), strict=True):
            file.write(f"{word} {' '.join(format(value, '.6g') for value in row)}\n")


class _Draw:
    """Random rows, with replacement."""

    def __init__(self, values: Tensor, count: int, generator: torch.Generator) -> None:
        self.values, self.count, self.generator = values, count, generator

    def __call__(self) -> Tensor:
        return self.values[torch.randint(len(self.values), (self.count,), generator=self.generator)]


def _discriminator(size: int, adversary: Adversary) -> nn.Module:
    hidden = adversary.hidden_size
    return nn.Sequential(
        nn.Dropout(adversary.dropout),
        nn.Linear(size, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, 1),
    )


def _loss(judge: nn.Module, mapped: Tensor, text: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy of "is speech"; ``smoothing`` above a half turns the labels round."""
    logits = judge(torch.cat([mapped, text])).squeeze(1)
    wanted = torch.cat(
        [torch.full((len(mapped),), 1.0 - smoothing), torch.full((len(text),), smoothing)]
    )
    return F.binary_cross_entropy_with_logits(logits, wanted)


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _axes(values: Tensor) -> tuple[Tensor, Tensor]:
    """(feature, axis) principal axes, the widest first, and (axis,) the skewness along each."""
    centred = values - values.mean(dim=0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)
    along = centred @ axes
    return axes, along.pow(3).mean(dim=0) / along.square().mean(dim=0).pow(1.5)


def _nearness(rows: Tensor, others: Tensor, neighbours: int) -> Tensor:
    """(row,) the mean cosine of each row to its nearest others; both are of length 1."""
    count = min(neighbours, len(others))
    return torch.cat(
        [(part @ others.T).topk(count, dim=1).values.mean(dim=1) for part in rows.split(CHUNK)]
    )


def _best(rows: Tensor, others: Tensor, nearness: Tensor) -> Tensor:
    """(row,) long: the other with the greatest ``2 cos - nearness``; a row's own nearness decides
    nothing.
    """
    return torch.cat([(2 * part @ others.T - nearness).argmax(dim=1) for part in rows.split(CHUNK)])
