"""A run whose folds are shared out: the same folder, each fold trained once, the same weights."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from mmser.core.errors import MmserError, UsageError
from mmser.core.share import Share
from mmser.pipeline.fold_option import split_share
from mmser.training import fit
from mmser.training.fit import train
from mmser.training.run import Run


def trained(run: Run) -> dict[str, bytes]:
    return {
        path.parent.name: path.read_bytes()
        for path in sorted(run.directory.glob("folds/*/model.safetensors"))
    }


def test_shares_train_the_run_that_one_command_trains(settings) -> None:
    options = {"seeds": [0, 1], "trainer.epochs": 1}
    whole = train(settings("runs/whole", **options))
    parts = []
    for number in (3, 1, 2):
        run = train(settings("runs/shared", **options), Share(number, 3))
        parts.append(len(trained(run)))
    assert parts == [2, 5, 8]
    assert trained(run) == trained(whole) and run.folds == whole.folds
    assert len(load_file(next(run.directory.glob("folds/*/model.safetensors")))) > 0
    assert train(settings("runs/shared", **options)).folds == whole.folds


def test_shares_that_begin_together_wait_for_each_other(settings, monkeypatch) -> None:
    fitted: list[tuple[str, int]] = []
    monkeypatch.setattr(fit, "fit_fold", lambda _, fold, seed, *__: fitted.append((fold, seed)))
    made = settings("runs/shared")
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(partial(train, made), [Share(number, 4) for number in (1, 2, 3, 4)]))
    assert sorted(fitted) == [("s0", 0), ("s1", 0), ("s2", 0), ("s3", 0)]
    assert json.loads((runs[0].directory / "environment.json").read_text())["caches"]
    assert not list(Path(runs[0].directory).parent.glob("*.lock"))


def test_a_share_of_another_run_is_refused(settings) -> None:
    train(settings("runs/shared", **{"trainer.epochs": 1}), Share(4, 4))
    with pytest.raises(MmserError, match=r"another one; there trainer\.epochs=1 \(now 2\)"):
        train(settings("runs/shared", **{"trainer.epochs": 2}), Share(1, 4))


def test_the_option_is_no_part_of_the_run() -> None:
    words = ["system=concat", "folds=shard:3/16", "seeds=[0,1]"]
    assert split_share(words) == (Share(3, 16), ["system=concat", "seeds=[0,1]"])
    assert split_share(["folds=[a]"]) == (None, ["folds=[a]"])
    with pytest.raises(UsageError, match=r"expected folds=shard:NUMBER/COUNT, such as 3/16"):
        split_share(["folds=shard:17/16"])
