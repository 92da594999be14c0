"""Later arguments at their default leave the parameters as they were."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmser.extractors.arguments import LATER, arguments, later_arguments


@dataclass(frozen=True)
class Fake:
    bands: int = 40
    order: str = field(default="old", metadata=LATER)


def test_later_arguments_are_named_where_they_change_something() -> None:
    assert arguments(Fake()) == {"bands": 40}
    assert arguments(Fake(order="new")) == {"bands": 40, "order": "new"}
    assert later_arguments(Fake) == {"order"} and later_arguments(int) == set()
