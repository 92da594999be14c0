"""The average against its formula, and what is kept is what was scored."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mmser.training.fit import train
from mmser.training.loop.averaging import WeightAverage


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """The weights after each step, the first ones before any."""
    seen: list[dict[str, torch.Tensor]] = []
    begin, step = WeightAverage.on_fit_start, WeightAverage.on_train_batch_end

    def copy_of(learner: Any) -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in learner.model.state_dict().items()}

    def on_fit_start(self: WeightAverage, trainer: Any, learner: Any) -> None:
        seen.append(copy_of(learner))
        begin(self, trainer, learner)

    def on_train_batch_end(self: WeightAverage, trainer: Any, learner: Any) -> None:
        if trainer.global_step != self.steps:
            seen.append(copy_of(learner))
        step(self, trainer, learner)

    monkeypatch.setattr(WeightAverage, "on_fit_start", on_fit_start)
    monkeypatch.setattr(WeightAverage, "on_train_batch_end", on_train_batch_end)
    return seen


@pytest.mark.parametrize("accumulate", [1, 2])
def test_what_is_kept_is_the_average_of_the_steps(
    settings: Any, watched: list[dict[str, torch.Tensor]], accumulate: int
) -> None:
    changes = {"trainer.average": 0.6, "trainer.monitor": "last", "trainer.check_every": 0.5}
    (trained,) = train(
        settings(folds=["s1"], **changes, **{"trainer.accumulate": accumulate})
    ).finished()
    first, *others = watched
    assert len(others) == 3 * 6 // accumulate
    for name, kept in trained.model("cpu").state_dict().items():
        expected = first[name]
        for number, weights in enumerate(others, start=1):
            decay = min(0.6, (1 + number) / (10 + number))
            expected = decay * expected + (1 - decay) * weights[name]
        torch.testing.assert_close(kept, expected)
        assert not torch.allclose(kept, others[-1][name])


def test_training_itself_is_the_same(
    settings: Any, watched: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = {"trainer.monitor": "last"}
    train(settings(run="averaged", folds=["s1"], **last, **{"trainer.average": 0.9}))
    (plain,) = train(settings(run="plain", folds=["s1"], **last)).finished()
    for name, tensor in plain.model("cpu").state_dict().items():
        assert torch.equal(tensor, watched[-1][name]), name
