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
    names = {
        "labelled": ("source", "target"),
        "corpus": task.corpora,
        "gender": task.genders,
        "speaker": task.speakers,
    }
    if domain not in names:
        raise MmserError(
            f"a domain among {', '.join(names)}", f"'{domain}'", "Correct the objective's domain."
        )
    if len(names[domain]) < 2:
        listed = ", ".join(names[domain]) or "none"
        raise MmserError(
            f"at least two of {domain} in the training fold", listed, "Choose another domain."
        )
    return len(names[domain])


def domain_of(targets: Mapping[str, Tensor], domain: Domain) -> Tensor:
    """(batch,) long domain of each row, `UNLABELLED` where unknown.

    Of ``labelled``: 1 without an emotion label.
    """
    if domain == "labelled":
        return (targets["emotion"] == UNLABELLED).long()
    return targets[domain]


def domain_pairs(vectors: Tensor, domains: Tensor, least: int = 1) -> list[tuple[Tensor, Tensor]]:
    """Rows of vectors (batch, feature) by domain, for every two domains.

    Each of the two has ``least`` rows in the batch.
    """
    present = [int(name) for name in torch.unique(domains) if name != UNLABELLED]
    groups = [vectors[domains == name] for name in present]
    return list(combinations([group for group in groups if len(group) >= least], 2))
