"""A mapping trained against a discriminator that tells mapped speech vectors from text vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.extraction.embedding_spaces.similarity import closeness

CHECKED = 10_000
"""Words, the most frequent ones, on which a mapping is judged while the adversary trains."""


@dataclass(frozen=True, slots=True)
class Adversary:
    """Settings of the adversarial stage, with the usual defaults.

    Words are drawn from the ``frequent`` first of each file. Every ``check_every`` steps the
    mapping is judged by `closeness`; the best one is kept.
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


def adversarial_mapping(
    speech: Tensor, text: Tensor, adversary: Adversary, seed: int = 0, start: Tensor | None = None
) -> Tensor:
    """W (feature, feature), trained against a discriminator of the two spaces.

    It is the closest of ``adversary.steps`` steps. It starts at ``start`` (None: the identity). The
    discriminator learns P(speech) = 1 for mapped speech vectors and 0 for text vectors, the mapping
    the reverse. Each step of the mapping pulls it towards the orthogonal:
    ``W <- (1 + b) W - b W W^T W``.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = _discriminator(speech.shape[1], adversary)
        mapping = (torch.eye(speech.shape[1]) if start is None else start.clone()).requires_grad_()
        judging = torch.optim.SGD(judge.parameters(), lr=adversary.lr)
        moving = torch.optim.SGD([mapping], lr=adversary.lr)
        draw_speech = _Draw(speech[: adversary.frequent], adversary.batch_size, generator)
        draw_text = _Draw(text[: adversary.frequent], adversary.batch_size, generator)
        best, best_score = mapping.detach().clone(), -1.0
        for step in range(1, adversary.steps + 1):
            for _ in range(adversary.discriminator_steps):
                mapped = draw_speech() @ mapping.detach().T
                _step(judging, _loss(judge, mapped, draw_text(), adversary.smoothing))
            mapped = draw_speech() @ mapping.T
            _step(moving, _loss(judge, mapped, draw_text(), 1.0 - adversary.smoothing))
            with torch.no_grad():
                bend = adversary.orthogonality
                mapping.copy_((1 + bend) * mapping - bend * mapping @ mapping.T @ mapping)
            if step % adversary.check_every == 0 or step == adversary.steps:
                score = closeness(speech[:CHECKED] @ mapping.detach().T, text[:CHECKED])
                if score > best_score:
                    best, best_score = mapping.detach().clone(), score
    return best


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
