"""Distances of domains: from a model that shows them or hides them, and from a run's training split
alone.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from makers.trained_run import make_settings, write_cache
from torch import nn

from mmser.cli import main
from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.corpora.manifest import read_manifest, write_manifest
from mmser.evaluation.byproducts.domain_distance import distances_of
from mmser.training.fit import train

TASK = Task(("a", "b"), corpora=("one", "three", "two"), genders=("F", "M"))


class Reading(nn.Module):
    def forward(self, streams, context, need_attention=False):
        return Outputs(streams["x"].values[:, 0])


def batches(rows=60):
    """The first feature shows the corpus `two`; the genders are nowhere to be seen."""
    row = torch.arange(rows)
    targets = {"corpus": row % 3, "gender": torch.where(row < 6, -100, row // 3 % 2)}
    values = torch.randn(rows, 1, 4, generator=torch.Generator().manual_seed(0))
    values[:, 0, 0] += 20.0 * (row % 3 == 2)
    for part in (slice(0, 25), slice(25, rows)):
        stream = Stream(values[part], torch.ones(len(values[part]), 1, dtype=torch.bool))
        ids = tuple(map(str, row[part].tolist()))
        yield Batch(
            ids,
            {"x": stream},
            empty_context(len(ids)),
            {name: t[part] for name, t in targets.items()},
        )


def test_each_pair_of_corpora_and_the_genders() -> None:
    table = distances_of(Reading(), batches(), TASK)
    assert table[["domain", "first", "second", "rows"]].to_numpy().tolist() == [
        ["corpus", "one", "three", 40],
        ["corpus", "one", "two", 40],
        ["corpus", "three", "two", 40],
        ["gender", "F", "M", 54],
    ]
    same, *far, gender = table["distance"]
    assert far == [2.0, 2.0] and same < 1.0 and gender < 1.0


def test_one_domain_has_no_distance() -> None:
    with pytest.raises(
        MmserError,
        match="two corpora or two genders in the training split; found corpora one, genders",
    ):
        distances_of(Reading(), batches(), Task(("a", "b"), corpora=("one",)))


def test_a_run_reads_its_training_part_alone(tmp_path, capsys) -> None:
    write_cache(tmp_path / "cache", utterances=48)
    path = tmp_path / "cache" / "small" / "manifest.parquet"
    manifest = read_manifest(path)
    write_manifest(manifest.assign(gender=np.where(np.arange(len(manifest)) % 2, "F", "M")), path)
    run = train(make_settings(tmp_path / "cache", tmp_path / "run", folds=["s0"]))
    assert main(["evaluate", f"run={run.directory}", "also=domains"]) == 0
    assert "gender" in capsys.readouterr().out
    (line,) = (run.directory / "domains.csv").read_text().splitlines()[1:]
    fold, seed, domain, first, second, rows, distance = line.split(",")
    assert [fold, seed, domain, first, second, int(rows)] == ["s0", "0", "gender", "F", "M", 16]
    assert 0.0 <= float(distance) <= 2.0
