"""A share of a list of work that several machines divide: the third of sixteen is written 3/16."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from mmser.core.errors import UsageError

_WRITTEN = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class Share:
    """The ``number``-th (from 1) of ``count`` shares."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str, option: str = "shard=") -> Self:
        """The share written as ``3/16``. Raises UsageError for anything else."""
        written = _WRITTEN.fullmatch(text)
        if written is None or int(written[1]) > int(written[2]):
            raise UsageError(
                f"{option}NUMBER/COUNT, such as 3/16", text, "Numbers go from 1 to COUNT."
            )
        return cls(int(written[1]), int(written[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
