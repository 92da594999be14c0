"""`mmser train system=<name> corpus=synthetic`: every system from videos to scored predictions, one short fold.

A system with a ``*_small`` twin runs as the twin. Nothing here says how well a system does: the corpus is synthetic and
an epoch has two batches.
"""

from __future__ import annotations

import pytest

from mmser.core.configs import config_names, load_config
from mmser.pipeline import train_config, train_settings

SYSTEMS = [
    name
    for name in config_names("system")
    if f"{name}_small" not in config_names("system") and not name.endswith("_full")
]
SHORT = {"epochs": 1, "min_epochs": 1, "patience": None, "limit_train_batches": 2, "check_every": 1.0, "max_steps": -1}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Where the corpus of forty utterances, its caches and the runs of all these tests lie."""
    folder = tmp_path_factory.mktemp("road")
    return [f"corpus.root={folder / 'corpus'}", f"cache={folder / 'cache'}", f"paths.runs={folder / 'runs'}"]


def settings_of(name: str, places: list[str]) -> dict:
    tasks = load_config("system", name).get("card", {}).get("tasks", [])
    dimensional = bool(tasks) and all(task.endswith("_vad") for task in tasks)
    protocol = "synthetic_vad" if dimensional else "synthetic4_loso5"
    words = [f"system={name}", "corpus=synthetic", f"protocol={protocol}", "weights=random", *places]
    settings = train_settings([*words, "corpus.utterances_per_speaker=4", "folds=[session1]", "data.batch_size=8"])
    settings["trainer"] |= SHORT
    for stage in (settings.get("stages") or {}).values():
        stage["trainer"] = {**(stage.get("trainer") or {}), **SHORT}
    return settings


@pytest.mark.parametrize("name", SYSTEMS)
def test_road(name, places):
    run = train_config(settings_of(name, places))
    predictions = run.directory / "predictions.parquet"
    import pandas as pd

    table = pd.read_parquet(predictions)
    tested = run.assignment.query("fold == 'session1' and part == 'test'")["id"]
    assert sorted(table["id"]) == sorted(tested)
    scored = table.filter(like="probability_") if "prediction" in table and table["prediction"].notna().any() else None
    if scored is not None and len(scored.columns):
        assert ((scored.sum(axis=1) - 1).abs() < 1e-4).all()
    else:
        assert table.filter(like="prediction_").notna().all().all()
