"""Labels per frame: the CCC is that of all frames concatenated."""

from __future__ import annotations

import functools

import pytest
import torch

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.metrics.regression import ccc
from mmser.objectives.losses.frame_wise import FrameWise
from mmser.objectives.losses.regression import ConcordanceLoss
from mmser.training.loop.validation import ValidationEpoch

TASK = Task(values=("arousal",))


def answered(states: Stream | None) -> Outputs:
    """Values of twice the states (batch, frame, 1); None: a model that predicts utterances alone."""
    if states is None:
        return Outputs(torch.zeros(2, 1))
    steps = Outputs(states.filled(), values=2 * states.filled())
    return Outputs(torch.zeros(2, 1), sequence=states, steps=steps)


class Model:
    vector_size = 1
    encoders = torch.nn.ModuleDict()

    def __init__(self, states: Stream) -> None:
        self.states = states

    def __call__(self, streams, context, need_attention=False, need_steps=False):
        assert need_steps
        return answered(self.states)


def given() -> tuple[Stream, Stream]:
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    generator = torch.Generator().manual_seed(0)
    states, gold = (
        torch.randn(2, 6, 1, generator=generator) + torch.tensor([[[0.0]], [[3.0]]])
        for _ in range(2)
    )
    return Stream(states, mask), Stream(gold.masked_fill(~mask[..., None], float("nan")), mask)


def loss(states: Stream | None, gold: dict[str, Stream]) -> torch.Tensor:
    objective = FrameWise(TASK, 1, functools.partial(ConcordanceLoss))
    batch = Batch(("a", "b"), {}, empty_context(2), traces=gold)
    return objective(answered(states), batch)["ccc"]


def test_frames_of_all_utterances_count_as_one_series() -> None:
    states, gold = given()
    found = 1 - float(loss(states, {"gold": gold}))
    pairs = [
        (gold.values[row][gold.mask[row]], 2 * states.values[row][gold.mask[row]])
        for row in range(2)
    ]
    joined = ccc(*(torch.cat(part).flatten().numpy() for part in zip(*pairs, strict=True)))
    apart = sum(ccc(truth.flatten().numpy(), guess.flatten().numpy()) for truth, guess in pairs) / 2
    assert found == pytest.approx(joined, abs=1e-5)
    assert abs(joined - apart) > 0.1


def test_unlabelled_frames_are_left_out() -> None:
    states, gold = given()
    holes = gold.values.clone()
    holes[0, 2] = float("nan")
    mask = gold.mask.clone()
    mask[0, 2] = False
    torch.testing.assert_close(
        loss(states, {"gold": Stream(holes, gold.mask)}),
        loss(states, {"gold": Stream(gold.values, mask)}),
    )


def test_validation_scores_all_frames_not_utterances() -> None:
    """Two batches: neither the mean over recordings nor the mean over batches, and padding counts
    for nothing.
    """
    states, gold = given()
    model, epoch = (
        Model(states),
        ValidationEpoch(FrameWise(TASK, 1, functools.partial(ConcordanceLoss)), TASK),
    )
    mean = torch.tensor([[0.0], [1.0]])  # what the utterances' own labels would be
    pairs = []
    for ids, sign in ((("a", "b"), 1.0), (("c", "d"), -0.5)):
        labels = Stream(sign * gold.values, gold.mask)
        epoch.add(model, Batch(ids, {}, empty_context(2), {"values": mean}, {"gold": labels}))
        pairs += [
            (labels.values[row][gold.mask[row]], 2 * states.values[row][gold.mask[row]])
            for row in range(2)
        ]
    scores = epoch.finish(torch.device("cpu"))
    together = ccc(*(torch.cat(side).flatten().numpy() for side in zip(*pairs, strict=True)))
    apart = sum(ccc(truth.flatten().numpy(), guess.flatten().numpy()) for truth, guess in pairs) / 4
    assert scores["ccc"] == scores["ccc_arousal"] == pytest.approx(together, abs=1e-6)
    assert abs(scores["ccc"] - apart) > 0.1


def test_a_frame_without_label_or_prediction_is_not_scored() -> None:
    states, gold = given()
    unlabelled, unpredicted = gold.mask.clone(), states.mask.clone()
    unlabelled[0, 2] = unpredicted[1, 1] = False
    silent = Stream(states.values.masked_fill(~unpredicted[..., None], float("nan")), unpredicted)
    objective, labels = FrameWise(TASK, 1, functools.partial(ConcordanceLoss)), gold.values
    batch = Batch(("a", "b"), {}, empty_context(2), traces={"gold": Stream(labels, unlabelled)})
    values, target = objective.paired_frames(answered(silent), batch)
    assert torch.equal(~target[..., 0].isnan(), unlabelled & unpredicted)
    assert (
        torch.equal(values[unpredicted], 2 * states.values[unpredicted]) and values.isfinite().all()
    )


def test_what_is_missing_is_said() -> None:
    states, gold = given()
    with pytest.raises(MmserError, match="labels per frame in a stream 'gold'; found none"):
        loss(states, {})
    with pytest.raises(MmserError, match="a model that predicts every frame"):
        loss(None, {"gold": gold})
    with pytest.raises(MmserError, match="one label per frame; found 5 labels, 6 frames"):
        loss(states, {"gold": Stream(gold.values[:, :5], gold.mask[:, :5])})
