"""A stream's mask decides; `to` moves every tensor of a noun and nothing else."""

from __future__ import annotations

import torch

from mmser.core.batch import UNLABELLED, Batch, Context, Step, Stream, empty_context

NAN = float("nan")


def stream() -> Stream:
    """Three utterances of two, no and one real step; what is padded is NaN."""
    mask = torch.tensor([[True, True], [False, False], [False, True]])
    values = torch.arange(12.0).reshape(3, 2, 2)
    return Stream(torch.where(mask[..., None], values, NAN), mask)


def test_present_and_lengths_are_of_real_steps() -> None:
    assert stream().present.tolist() == [True, False, True]
    assert stream().lengths.tolist() == [2, 0, 1]


def test_filled_replaces_padding_alone_whatever_the_features_shape() -> None:
    expected = [[[0, 1], [2, 3]], [[7, 7], [7, 7]], [[7, 7], [10, 11]]]
    assert stream().filled(7).tolist() == expected
    pictures = Stream(torch.full((3, 2, 3, 4, 4), NAN), stream().mask)
    assert pictures.filled().isfinite().sum() == 3 * 3 * 4 * 4


def test_a_dtype_applies_to_values_and_never_to_the_mask() -> None:
    halved = stream().to(torch.float16)
    assert (halved.values.dtype, halved.mask.dtype) == (torch.float16, torch.bool)


def test_a_batch_moves_through_its_dictionaries_and_keeps_ids() -> None:
    batch = Batch(
        ids=("a", "b", "c"),
        streams={"audio": stream()},
        context=empty_context(3),
        targets={"emotion": torch.tensor([0, UNLABELLED, 1])},
        traces={"labels": stream()},
    )
    moved = batch.to("meta")
    assert moved.ids == batch.ids
    tensors = [moved.streams["audio"].values, moved.streams["audio"].mask]
    tensors += [moved.context.dialogue, moved.targets["emotion"], moved.traces["labels"].mask]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved.context.listeners is None


def test_a_step_sums_its_losses_in_float32() -> None:
    step = Step({"one": torch.tensor(1.5, dtype=torch.float16), "two": torch.tensor(0.25)})
    assert step.total.dtype == torch.float32 and step.total.item() == 1.75
    assert step.outputs is None


def test_an_empty_context_makes_every_row_a_dialogue_of_its_own() -> None:
    context = empty_context(3)
    assert isinstance(context, Context)
    assert context.dialogue.tolist() == [0, 1, 2]
    assert context.turn.tolist() == context.speaker.tolist() == [0, 0, 0]
