"""`mmser train system=<name> corpus=synthetic`: every system from videos to scored predictions, one
short fold.

A system with a ``*_small`` twin runs as the twin. Nothing here says how well a system does: the
corpus is synthetic and an epoch has two batches.
"""

from __future__ import annotations

import pandas as pd
import pytest

from mmser.cli.evaluate import also
from mmser.core.configs import config_names, load_config
from mmser.pipeline.train import train_config
from mmser.pipeline.train_settings import train_settings

VARIANTS = {"metaser_tuned", "transser_sequential", "mscnn_spu_att_full", "co_attention_cached"}
"""The parts of another system under other rates or with further cached features."""

META = {"metaser", "transser", "multiser"}
"""These learn from further corpora first."""

SYSTEMS = [
    name
    for name in config_names("system")
    if f"{name}_small" not in config_names("system") and name not in VARIANTS | META
]
ALSO = {"wav2vec2_mtl_small": "hypotheses", "listener_adaptive_small": "listeners"}
"""Systems with a by-product, and `mmser evaluate run=DIR also=...`'s name for it."""

CHEAP = {"face": "resnet18", "openSMILE": "mfcc13"}
"""What stands for extractors that take long: the systems' own dimensions are the contract tests'
matter.
"""

SHORT = {
    "epochs": 1,
    "min_epochs": 1,
    "patience": None,
    "limit_train_batches": 2,
    "check_every": 1.0,
    "max_steps": -1,
}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Where the corpus of twenty utterances, its caches and the runs of all these tests lie."""
    folder = tmp_path_factory.mktemp("road")
    return [
        f"corpus.root={folder / 'corpus'}",
        f"cache={folder / 'cache'}",
        f"paths.runs={folder / 'runs'}",
    ]


def settings_of(name: str, places: list[str]) -> dict:
    tasks = load_config("system", name).get("card", {}).get("tasks", [])
    dimensional = bool(tasks) and all(task.endswith("_vad") for task in tasks)
    protocol = "synthetic_vad" if dimensional else "synthetic4_loso5"
    words = [
        f"system={name}",
        "corpus=synthetic",
        f"protocol={protocol}",
        "weights=random",
        *places,
    ]
    settings = train_settings(
        [*words, "corpus.utterances_per_speaker=2", "folds=[session1]", "data.batch_size=8"]
    )
    settings["trainer"] |= SHORT
    for stream in settings["streams"].values():
        slow = next(
            (cheap for kind, cheap in CHEAP.items() if _is(kind, stream["extractor"])), None
        )
        if slow:
            stream |= {"extractor": slow, "size": None}
    for stage in (settings.get("stages") or {}).values():
        stage["trainer"] = {**(stage.get("trainer") or {}), **SHORT}
    return settings


def _is(kind: str, extractor: str) -> bool:
    target = load_config("extractor", extractor).get("_target_", "").lower()
    return (".face." in target) if kind == "face" else (kind.lower() in target)


@pytest.mark.parametrize("name", SYSTEMS)
def test_road(name, places):
    run = train_config(settings_of(name, places))
    check_predictions(run)
    if name in ALSO:
        told = also(run, ALSO[name])
        assert str(run.directory / f"{ALSO[name]}.csv") in told
        assert len(pd.read_csv(run.directory / f"{ALSO[name]}.csv")) > 0


@pytest.mark.parametrize("name", sorted(META))
def test_road_over_two_corpora(name, places):
    settings = settings_of(name, places)
    root = places[0].removeprefix("corpus.root=") + "_meld"
    words = [
        "corpus=synthetic_meld",
        "protocol=synthetic_meld4",
        "system=audio_bigru",
        f"corpus.root={root}",
    ]
    other = train_settings([*words, "corpus.utterances_per_speaker=2"])
    labels = {"neutral": "neutral", "sadness": "sad", "joy": "happy", "anger": "angry"}
    protocol = other["protocol"] | {"classes": settings["protocol"]["classes"], "labels": labels}
    settings["domains"] = {"meld_layout": {"corpus": other["corpus"], "protocol": protocol}}
    episodes = {"tasks": 2, "support": 2, "query": 1}
    settings["data"]["episodes"] |= {**episodes, "count": 2}
    if name == "metaser":
        settings["stages"]["meta"]["objective"] |= episodes
    check_predictions(train_config(settings))


def check_predictions(run):
    """Every test utterance of the fold is predicted, with probabilities that sum to one or finite
    values.
    """
    table = pd.read_parquet(run.directory / "predictions.parquet")
    tested = run.assignment.query("fold == 'session1' and part == 'test'")["id"]
    assert sorted(table["id"]) == sorted(tested)
    scored = (
        table.filter(like="probability_")
        if "prediction" in table and table["prediction"].notna().any()
        else None
    )
    if scored is not None and len(scored.columns):
        assert ((scored.sum(axis=1) - 1).abs() < 1e-4).all()
    else:
        assert table.filter(like="prediction_").notna().all().all()
