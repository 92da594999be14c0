"""Which domain each row of a batch comes from: labelled or not, corpus, gender or speaker."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor

from mmser.core.batch import UNLABELLED
from mmser.core.errors import MmserError
from mmser.core.task import Task

Domain = Literal["labelled", "corpus", "gender", "speaker"]


def domain_count(task: Task, domain: Domain) -> int:
    """Number of domains of the training fold; raises MmserError when there are fewer than two."""
    known = {
        "labelled": ("source", "target"),
        "corpus": task.corpora,
        "gender": task.genders,
        "speaker": task.speakers,
    }
    if domain not in known:
        raise MmserError(
            f"a domain among {', '.join(known)}", f"'{domain}'", "Correct the objective's domain."
        )
    if len(known[domain]) < 2:
        found = ", ".join(known[domain]) or "none"
        raise MmserError(
            f"at least two of {domain} in the training fold", found, "Choose another domain."
        )
    return len(known[domain])


def domain_of(targets: Mapping[str, Tensor], domain: Domain) -> Tensor:
    """(batch,) long domain of each row, `UNLABELLED` where unknown; ``labelled``: 1 without an
    emotion label.
    """
    if domain == "labelled":
        return (targets["emotion"] == UNLABELLED).long()
    return targets[domain]


def domain_pairs(vectors: Tensor, domains: Tensor, least: int = 1) -> list[tuple[Tensor, Tensor]]:
    """Rows of vectors (batch, feature) by domain, every two domains that have
    ``least`` rows here.
    """
    present = [int(name) for name in torch.unique(domains) if name != UNLABELLED]
    groups = [vectors[domains == name] for name in present]
    return list(combinations([group for group in groups if len(group) >= least], 2))
