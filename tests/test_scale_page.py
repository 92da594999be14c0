"""The tables of docs/scale.md are those that the measured rates give."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def costs() -> dict:
    return runpy.run_path(str(ROOT / "scripts" / "scale_costs.py"))


def rates() -> dict:
    return yaml.safe_load((ROOT / "scripts" / "scale_costs.yaml").read_text(encoding="utf-8"))


def test_the_page_shows_the_tables_of_the_measured_rates(costs: dict) -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert costs["page"](rates()) in page, "run: python scripts/scale_costs.py --write"


def test_a_row_by_hand(costs: dict) -> None:
    changed = rates() | {"sizes": [1000], "machine": {"cards": 5, "cores_per_card": 10}}
    # 36 MB an hour: 10,000 bytes of a second of speech.
    changed["extractors"] = [{"name": "made", "speed": 100, "by": "", "bytes_per_hour": 36e6}]
    changed["parts"] = [
        {"name": "decoding, one core", "speed": 20, "media": "wav", "by": ""},
        {"name": "writing", "bytes_per_second": 500_000, "by": ""},
    ]
    changed["extractors"] += [dict(changed["extractors"][0]) | {"of": "core", "reads": []}]
    lines = costs["costs"](changed).splitlines()
    assert lines[2:] == [
        "| made | 100 a card | 10; 0.083; 36 GB |",
        "| made | 100 a core | 10; 0.0083; 36 GB |",
    ]
    lines = costs["limits"](changed).splitlines()
    assert lines[2:] == ["| made | 100 | 200 | 50 | writing |", "| made | 1,000 | 200 | 50 |  |"]
