"""A trained model over a loader -> the predictions of every utterance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task


def predict(model: nn.Module, loader: Iterable[Batch], task: Task) -> pd.DataFrame:
    """Predictions in loader order: id, and the columns of what the task asks.

    Of classes these are target, prediction and probability_<class> (softmax), of values
    target_<value> and prediction_<value>.

    The model runs in eval mode without gradients, on the device it lies on. Raises MmserError when
    the model gives no logits for the classes, or something that is no number.
    """
    return predict_and_embed(model, loader, task)[0]


def predict_and_embed(
    model: nn.Module, loader: Iterable[Batch], task: Task
) -> tuple[pd.DataFrame, np.ndarray]:
    """`predict`, and the fused vectors (utterance, feature) float32 in the table's order."""
    tables, vectors = [], []
    for batch, outputs in run_model(model, loader):
        tables.append(_batch_table(batch, outputs, task))
        vectors.append(outputs.vector.float().cpu().numpy())
    if not tables:
        raise MmserError(
            "utterances to predict", "none", "Check the fold assignment: its test split is empty."
        )
    return pd.concat(tables, ignore_index=True), np.concatenate(vectors)


def run_model(
    model: nn.Module,
    loader: Iterable[Batch],
    need_attention: bool = False,
    need_steps: bool = False,
) -> Iterator[tuple[Batch, Outputs]]:
    """Every batch with its outputs, in evaluation mode and without gradients.

    The model's mode is put back at the end.
    """
    device = device_of(model)
    training = model.training
    model.eval()
    try:
        for batch in loader:
            with torch.inference_mode():
                moved = batch.to(device)
                # Only what is asked for: a model of one's own may know neither word.
                wishes = {"need_attention": need_attention, "need_steps": need_steps}
                options = {name: True for name, wish in wishes.items() if wish}
                outputs = model(moved.streams, moved.context, **options)
            yield batch, outputs
    finally:
        model.train(training)


def device_of(model: nn.Module) -> torch.device:
    """The device a model lies on."""
    parameter = next(model.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _batch_table(batch: Batch, outputs: Outputs, task: Task) -> pd.DataFrame:
    columns: dict[str, object] = {"id": list(batch.ids)}
    for target_set in task.target_sets:
        answer = target_set.answer(outputs)
        answer = _finite(answer, len(target_set.names), target_set.output, batch.ids)
        columns |= target_set.target_columns(batch.targets[target_set.batch_key].numpy())
        columns |= target_set.decisions(answer.numpy())
        printed = target_set.printed(answer).numpy()
        columns |= dict(zip(target_set.columns, printed.T, strict=True))
    return pd.DataFrame(columns)


def _finite(tensor: Tensor | None, size: int, what: str, ids: Sequence[str]) -> Tensor:
    """float32 (batch, size) on the CPU; raises MmserError instead of letting NaN become a class."""
    if tensor is None or tensor.shape[-1] != size:
        raise MmserError(
            f"{size} {what} per utterance",
            "none" if tensor is None else f"{tensor.shape[-1]}",
            "Choose a head that predicts what the protocol asks.",
        )
    tensor = tensor.float().cpu()
    bad = torch.nonzero(~torch.isfinite(tensor).all(-1)).flatten().tolist()
    if bad:
        raise MmserError(
            f"finite {what} for every utterance",
            f"NaN or infinity for {len(bad)} in one batch, first {ids[bad[0]]}",
            "The training diverged (lower the learning rate) or a feature cache is damaged "
            "(`mmser cache verify`).",
        )
    return tensor
