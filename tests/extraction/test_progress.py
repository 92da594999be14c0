"""Plain lines of a long work where nobody looks on."""

from __future__ import annotations

import pytest

from mmser.extraction import progress
from mmser.extraction.progress import Progress


@pytest.mark.parametrize(
    ("pause", "steps", "lines"),
    [(-1.0, [3, 4], ["3/7", "7/7"]), (60.0, [3, 4], ["7/7"]), (60.0, [], [])],
)
def test_each_count_is_told_once(
    pause: float,
    steps: list[int],
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where the last step took so long that it was told by itself."""
    monkeypatch.setattr(progress, "LINE_SECONDS", pause)
    with Progress("work", 7) as shown:
        for count in steps:
            shown.step(count)
    told = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in told] == lines
