"""A trained model over a loader -> the predictions of every utterance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION, PROBABILITY, TARGET


def predict(
    model: nn.Module, loader: Iterable[Batch], classes: Sequence[str], values: Sequence[str] = ()
) -> pd.DataFrame:
    """Predictions in loader order: id, and target, prediction and probability_<class> (softmax),
    and target_<value> and prediction_<value>.

    The model runs in eval mode without gradients, on the device it lies on. Raises MmserError when
    the model gives no logits for the classes, or something that is no number.
    """
    return predict_and_embed(model, loader, classes, values)[0]


def predict_and_embed(
    model: nn.Module, loader: Iterable[Batch], classes: Sequence[str], values: Sequence[str] = ()
) -> tuple[pd.DataFrame, np.ndarray]:
    """`predict`, and the fused vectors (utterance, feature) float32 in the table's order."""
    tables, vectors = [], []
    for batch, outputs in run_model(model, loader):
        tables.append(_batch_table(batch, outputs, classes, values))
        vectors.append(outputs.vector.float().cpu().numpy())
    if not tables:
        raise MmserError(
            "utterances to predict", "none", "Check the fold assignment: its test split is empty."
        )
    return pd.concat(tables, ignore_index=True), np.concatenate(vectors)


def run_model(
    model: nn.Module, loader: Iterable[Batch], need_attention: bool = False
) -> Iterator[tuple[Batch, Outputs]]:
    """Every batch with its outputs, in eval mode and without gradients; the model's mode is put
    back at the end.
    """
    device = device_of(model)
    training = model.training
    model.eval()
    try:
        for batch in loader:
            with torch.inference_mode():
                moved = batch.to(device)
                outputs = model(moved.streams, moved.context, need_attention=need_attention)
            yield batch, outputs
    finally:
        model.train(training)


def device_of(model: nn.Module) -> torch.device:
    """The device a model lies on."""
    parameter = next(model.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _batch_table(
    batch: Batch, outputs: Outputs, classes: Sequence[str], values: Sequence[str]
) -> pd.DataFrame:
    columns: dict[str, object] = {"id": list(batch.ids)}
    if classes:
        logits = _finite(outputs.logits, len(classes), "logits", batch.ids)
        target = batch.targets["emotion"].tolist()
        columns["target"] = [None if index == UNLABELLED else classes[index] for index in target]
        columns["prediction"] = [classes[index] for index in logits.argmax(-1).tolist()]
        probabilities = logits.softmax(-1).numpy()
        columns |= {PROBABILITY + name: probabilities[:, i] for i, name in enumerate(classes)}
    if values:
        predicted = _finite(outputs.values, len(values), "values", batch.ids).numpy()
        truth = batch.targets["values"].numpy()
        columns |= {TARGET + name: truth[:, i] for i, name in enumerate(values)}
        columns |= {PREDICTION + name: predicted[:, i] for i, name in enumerate(values)}
    return pd.DataFrame(columns)


def _finite(tensor: Tensor | None, size: int, what: str, ids: Sequence[str]) -> Tensor:
    """float32 (batch, size) on the CPU; raises MmserError instead of letting NaN become a class."""
    if tensor is None or tensor.shape[-1] != size:
        found = "none" if tensor is None else f"{tensor.shape[-1]}"
        raise MmserError(
            f"{size} {what} per utterance",
            found,
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
