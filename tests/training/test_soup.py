"""A soup is the mean of its seeds' weights, of seeds that began together and of no others."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.evaluation.evaluate import evaluate
from mmser.runs.run_paths import WEIGHTS
from mmser.training.fit import train
from mmser.training.run import Run
from mmser.training.soup import soup


def weights(run: Run, seed: int) -> dict[str, torch.Tensor]:
    return run.fold("s1", seed).model("cpu").state_dict()


def test_the_seeds_are_averaged(settings: Any, tmp_path: Any) -> None:
    run = train(settings(folds=["s1"], seeds=[3, 4], **{"trainer.first_seed": 7}))
    averaged = soup(run, tmp_path / "soup")
    (one,) = averaged.finished()
    assert one.seed == 3 and one.facts["soup_of"] == [3, 4] and one.facts["best_score"] is None
    first, second, mean = weights(run, 3), weights(run, 4), weights(averaged, 3)
    differing = [name for name in first if not torch.equal(first[name], second[name])]
    assert differing
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, (first[name] + second[name]) / 2)
    assert len(evaluate(averaged)) == 12
    assert "soup of seeds 3, 4" in averaged.config["card"]["title"]


def test_seeds_of_one_first_seed_begin_with_the_same_weights(settings: Any) -> None:
    """At a rate of zero what is kept is what they began with."""
    still = {"optimizer.lr": 0.0, "trainer.epochs": 1}
    own = train(settings(run="own", folds=["s1"], seeds=[3, 4], **still))
    shared = settings(run="shared", folds=["s1"], seeds=[3, 4], **still)
    shared["trainer"]["first_seed"] = 3
    together = train(shared)
    kept = {seed: weights(together, seed) for seed in (3, 4)}
    for name, tensor in weights(own, 3).items():
        assert torch.equal(tensor, kept[3][name]) and torch.equal(tensor, kept[4][name])
    assert any(
        not torch.equal(tensor, weights(own, 4)[name]) for name, tensor in weights(own, 3).items()
    )


def test_seeds_that_began_elsewhere_are_no_soup(settings: Any, tmp_path: Any) -> None:
    run = train(settings(folds=["s1"], seeds=[0, 1], **{"trainer.epochs": 1}))
    with pytest.raises(MmserError, match="began with the same weights; found each with its own"):
        soup(run, tmp_path / "soup")
    assert not (tmp_path / "soup").exists()


def test_one_seed_is_no_soup(settings: Any, tmp_path: Any, capsys: Any) -> None:
    run = train(settings(folds=["s1"], **{"trainer.epochs": 1, "trainer.first_seed": 0}))
    assert main(["soup", f"run={run.directory}", "--out", str(tmp_path / "soup")]) == 1
    assert "two seeds or more of every fold" in capsys.readouterr().err


def test_the_command_scores_it(settings: Any, tmp_path: Any, capsys: Any) -> None:
    changes = {"trainer.epochs": 1, "trainer.first_seed": 0}
    run = train(settings(folds=["s1"], seeds=[0, 1], **changes))
    assert main(["soup", f"run={run.directory}", "--out", str(tmp_path / "soup")]) == 0
    assert "UA" in capsys.readouterr().out
    assert (tmp_path / "soup" / "folds" / "s1-seed0" / WEIGHTS).is_file()
