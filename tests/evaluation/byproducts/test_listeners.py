"""Predictions per listener, their scores, and agreement between listeners against scikit-learn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import cohen_kappa_score
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.evaluation.byproducts.listeners import (
    agreement,
    kappa,
    listener_scores,
    predict_listeners,
)

TASK = Task(("angry", "happy"), listeners=("c/a", "c/b"), listener_counts=((1, 1, 0), (1, 1, 0)))


class Model:
    """Listener n always hears class n % 2, and another emotion most of all."""

    head = SimpleNamespace(listener_logits=lambda vector: vector)

    def parameters(self):
        return iter(())

    def __call__(self, streams, context, need_attention=False):
        guess = F.one_hot(context.listeners.clamp_min(0) % 2, 3).float()
        return Outputs(guess, listeners=guess + torch.tensor([0.0, 0.0, 5.0]))


def test_votes_become_rows_and_other_emotions_do_not() -> None:
    targets = {
        "listener": torch.tensor([[0, 1, 2], [1, -100, -100]]),
        "listener_emotion": torch.tensor([[0, 0, 1], [2, -100, -100]]),
    }
    table = predict_listeners(Model(), [Batch(("u", "v"), {}, empty_context(2), targets)], TASK)
    assert table.to_numpy().tolist() == [
        ["u", "c/a", "angry", "angry"],
        ["u", "c/b", "angry", "happy"],
        ["u", "(unknown)", "happy", "angry"],
    ]
    scores = listener_scores(table, TASK.classes).set_index("listener")
    assert scores.loc["all"].tolist() == pytest.approx([3, 1 / 3, 0.25])
    assert scores.loc["c/a", "wa"] == 1.0
    with pytest.raises(MmserError, match="a listener-adaptive run on a corpus with single votes"):
        predict_listeners(Model(), [], Task(("angry",)))


def test_kappa_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    first = generator.choice(["a", "b", "c"], 60)
    second = np.where(generator.random(60) < 0.6, first, generator.choice(["a", "b", "d"], 60))
    assert kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))
    assert np.isnan(kappa(np.array(["a"]), np.array(["a"])))


def test_agreement_needs_enough_in_common() -> None:
    rows = [
        (f"u{i}", who, "ab"[(i * k) % 2])
        for k, who in ((1, "x"), (1, "y"), (3, "z"))
        for i in range(25)
    ]
    heard = pd.DataFrame(
        [row for row in rows if row[1] != "z" or row[0] < "u2"],
        columns=["id", "listener", "target"],
    )
    assert agreement(heard).to_numpy().tolist() == [["x", "y", 25, 1.0]]
