"""Later arguments at their default leave the parameters as they were."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmser.extractors.arguments import LATER, WITHOUT_EFFECT, arguments, later_arguments


@dataclass(frozen=True)
class Fake:
    bands: int = 40
    order: str = field(default="old", metadata=LATER)
    device: str = field(default="auto", metadata=WITHOUT_EFFECT)


def test_later_arguments_are_named_where_they_change_something() -> None:
    assert arguments(Fake()) == {"bands": 40}
    assert arguments(Fake(order="new")) == {"bands": 40, "order": "new"}
    assert arguments(Fake(device="cuda")) == {"bands": 40}
    assert later_arguments(Fake) == {"order"} and later_arguments(int) == set()
