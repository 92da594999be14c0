"""Frozen encoders are run once an utterance, and training hardly notices."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.training.fit import train
from mmser.training.loop.frozen_outputs import FrozenOutputs
from mmser.training.loop.learner import Learner

FROZEN = {"folds": ["s1"], "trainer.freeze": ["encoders.noise.*"], "trainer.epochs": 4}


def weights(run: Any) -> dict[str, torch.Tensor]:
    return dict(run.fold("s1", 0).model("cpu").state_dict())


class Doubled(nn.Module):
    """Every step twice as large; counts the rows that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0), requires_grad=False)
        self.rows = 0

    def forward(self, stream: Stream) -> Stream:
        self.rows += len(stream.values)
        return Stream(stream.values * self.factor, stream.mask)


def batch(rows: list[int]) -> Batch:
    """Row n has n + 1 steps of n; behind them stands what must not be read."""
    longest = max(rows) + 1
    values = torch.full((len(rows), longest, 2), torch.nan)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for place, row in enumerate(rows):
        values[place, : row + 1] = row
        mask[place, : row + 1] = True
    ids = tuple(f"u{row}" for row in rows)
    return Batch(ids, {"x": Stream(values, mask)}, empty_context(len(rows)))


@pytest.mark.parametrize(("limit", "computed"), [(10_000, 4), (0, 7)])
def test_each_utterance_is_computed_once_while_there_is_room(limit: int, computed: int) -> None:
    encoder = Doubled().eval()
    remembered = FrozenOutputs(nn.ModuleDict({"x": encoder}), limit, changes=False)
    for rows in ([3, 0], [1, 3, 2], [0, 2]):
        given = batch(rows)
        remembered.expect(given)
        found = encoder(given.streams["x"])
        assert torch.equal(found.mask, given.streams["x"].mask)
        for place, row in enumerate(rows):
            assert (found.values[place, : row + 1] == 2 * row).all()
            assert (found.values[place, row + 1 :] == 0).all()
    assert encoder.rows == remembered.computed == computed


def test_a_module_in_training_mode_is_run_each_time() -> None:
    encoder = Doubled().train()
    remembered = FrozenOutputs(nn.ModuleDict({"x": encoder}), 10_000, changes=False)
    for _ in range(2):
        remembered.expect(batch([1, 2]))
        encoder(batch([1, 2]).streams["x"])
    assert encoder.rows == 4 and remembered.computed == 0


def test_training_is_as_without_it(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[FrozenOutputs] = []
    original = Learner.remember_frozen

    def kept(self: Learner, gigabytes: float, changes: bool) -> None:
        original(self, gigabytes, changes)
        made.append(self._remembered)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "remember_frozen", kept)
    plain = train(settings(run="plain", **FROZEN))
    once = train(settings(run="once", **FROZEN, **{"trainer.frozen_memory": 0.1}))
    facts = once.fold("s1", 0).facts["utterances"]
    assert made[0].computed == facts["train"] + facts["validation"]
    for name, tensor in weights(plain).items():
        torch.testing.assert_close(weights(once)[name], tensor, rtol=1e-4, atol=1e-5)


def test_a_resumed_training_ends_with_the_same_bits(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {**FROZEN, "trainer.frozen_memory": 0.1}
    whole = train(settings(run="whole", **made))
    original, steps = Learner.training_step, []

    def failing(self: Learner, batch: Batch, batch_idx: int) -> torch.Tensor:
        steps.append(batch_idx)
        if len(steps) == 9:
            raise InterruptedError
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "training_step", failing)
        with pytest.raises(InterruptedError):
            train(settings(run="broken", **made))
    resumed = train(settings(run="broken", **made))
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(resumed)[name], tensor), name


def test_what_cannot_be_remembered_is_refused(settings: Any) -> None:
    memory = {"folds": ["s1"], "trainer.frozen_memory": 0.1}
    with pytest.raises(MmserError, match="none that is frozen as a whole"):
        train(settings(run="learning", **memory))
    noise = {"_target_": "mmser.data.augmentation.modality_dropout.ModalityDropout"}
    with pytest.raises(MmserError, match="the same in every epoch"):
        train(settings(run="changing", **{**FROZEN, **memory, "data.augmentation": [noise]}))
    mixed = {
        "_target_": "mmser.objectives.paradigms.mixup.Mixup",
        "_partial_": True,
        "loss": settings()["objective"],
    }
    with pytest.raises(MmserError, match="Mixup, which changes"):
        train(settings(run="mixed", **{**FROZEN, **memory}, objective=mixed))
