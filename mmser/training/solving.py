"""One stage of a fold whose head is solved in one go: a classical learner on the fused vectors.

The encoders and the fusion are used as they are (they have no parameters, or pretrained ones); the
solver finds the head. Everything after training is as with any model: a run of it is evaluated,
predicts, is exported and reported like all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mmser.cache.tensors import save_state
from mmser.composition import built
from mmser.core.batch import UNLABELLED
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.data.fold_data import FoldData
from mmser.models.layers.checkpoints.adapters import plain_state
from mmser.models.multimodal import MultimodalModel
from mmser.runs.run_paths import WEIGHTS
from mmser.settings.run import RunSettings
from mmser.training.components.construction import make_model, parameter_count
from mmser.training.loop.validation import answer_metrics


class Solver(Protocol):
    """A classical learner that finds the tensors of a head."""

    def __call__(
        self, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, classes: int
    ) -> dict[str, Tensor]:
        """The head's tensors by name.

        From vectors (row, feature), class indices (row,), speakers (row,), the number of classes.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The labelled utterances of one or several splits, as the head sees them."""

    vectors: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray


@dataclass(frozen=True, slots=True)
class Solved:
    """A model with the head that was found, and its validation score (UA).

    ``parameters`` counts what was found, trees and examples too, and what learns in the rest.
    """

    model: MultimodalModel
    score: float
    parameters: int


def solve(settings: RunSettings, data: FoldData, folder: Path) -> Solved:
    """Find the head, write the weights into ``folder``.

    A first head from the training split alone is scored on the validation split; the one that is
    kept comes from both, as nothing was selected by that score.
    """
    model, solver = _unsolved(settings, data)
    training, validation = _rows(model, data, "train"), _rows(model, data, "validation")
    classes = len(data.task.classes)
    set_head(model.head, _solved(solver, training, classes))
    score = _recall(model.head, validation, data.task)
    found = _solved(solver, _together(training, validation), classes)
    set_head(model.head, found)
    folder.mkdir(parents=True, exist_ok=True)
    save_state(plain_state(model), folder / WEIGHTS)
    learning = parameter_count(model.encoders) + parameter_count(model.fusion)
    return Solved(model, score, learning + sum(tensor.numel() for tensor in found.values()))


def solved_on_training(settings: RunSettings, data: FoldData) -> MultimodalModel:
    """The model whose head is found from the training split alone: the first one of `solve`."""
    model, solver = _unsolved(settings, data)
    set_head(model.head, _solved(solver, _rows(model, data, "train"), len(data.task.classes)))
    return model


def _unsolved(settings: RunSettings, data: FoldData) -> tuple[MultimodalModel, Solver]:
    """The model before its head is found, and what finds it."""
    if not data.task.classes:
        raise MmserError(
            "a protocol with classes", "values alone", "Solvers find classes: train by steps."
        )
    solver: Solver = built(settings.solver or {})
    return make_model(settings.model, data.input_sizes, data.task).eval(), solver


def _rows(model: MultimodalModel, data: FoldData, split: str) -> Rows:
    """Fused vectors of the labelled utterances of a split, in float64."""
    speaker_of = dict(zip(data.ids(split), data.facts[split].speakers, strict=True))
    vectors, labels, speakers = [], [], []
    with torch.inference_mode():
        for batch in data.loader(split, shuffle=False):
            emotion = batch.targets["emotion"]
            labelled = emotion != UNLABELLED
            vectors.append(model(batch.streams, batch.context).vector[labelled].double().numpy())
            labels.append(emotion[labelled].numpy())
            speakers += [
                speaker_of[name]
                for name, is_labelled in zip(batch.ids, labelled, strict=True)
                if is_labelled
            ]
    return Rows(np.concatenate(vectors), np.concatenate(labels), np.array(speakers))


def _together(first: Rows, second: Rows) -> Rows:
    return Rows(
        np.concatenate([first.vectors, second.vectors]),
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.speakers, second.speakers]),
    )


def _solved(solver: Solver, rows: Rows, classes: int) -> dict[str, Tensor]:
    present = len(np.unique(rows.labels))
    if present < 2:
        raise MmserError(
            "training utterances of two classes or more", f"{present}", "See the protocol's folds."
        )
    return solver(rows.vectors, rows.labels, rows.speakers, classes)


def set_head(head: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raise MmserError when the head is not the one that the solver is for."""
    try:
        head.load_state_dict(dict(tensors))
    except RuntimeError as error:
        own = {name: tuple(tensor.shape) for name, tensor in head.state_dict().items()}
        theirs = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        raise MmserError(
            f"a head with the tensors {theirs}",
            f"{own}",
            "linear_svm solves head=one_vs_one, logistic_regression head=classifier without "
            "hidden layers, knn head=nearest_neighbours, xgboost head=boosted_trees.",
        ) from error


def _recall(head: nn.Module, rows: Rows, task: Task) -> float:
    """UA of the rows; NaN without any."""
    with torch.inference_mode():
        logits, _ = head(torch.from_numpy(rows.vectors).float())
    answers = {"output_logits": logits, "target_emotion": torch.from_numpy(rows.labels)}
    return answer_metrics(answers, task).get("ua", math.nan)
