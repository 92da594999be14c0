"""Multistage regression: each stage sees the models' outputs and that of the stage before.

Atmaja and Akagi, "Multitask learning and multistage fusion for dimensional audiovisual emotion
recognition", ICASSP 2020, section 2.3: per attribute one linear support vector regressor on the
windows of all attributes of all models.

Differs:
    Stages can be cross-fitted: a stage is trained on out-of-fold outputs of the one before, folds
    subject-disjoint, and context and C are chosen by those out-of-fold outputs. The paper fits and
    scores on the same subjects. Windows stay within a recording. After stage 1 only the contexts
    that stage 1 chose are searched, with every C. At most ``rows`` evenly spaced frames enter one
    fit (C rescaled); every frame is predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmser.core.errors import UsageError
from mmser.late_fusion.frame_windows import Form, filtered, offsets, windows
from mmser.late_fusion.linear_svr import Loss, fit_linear
from mmser.metrics.regression import ccc, ccc_of

Arrays = Mapping[str, np.ndarray]
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class StageSettings:
    """How stages are fitted.

    ``contexts`` and ``costs`` are the grid that is searched; ``standardise`` scales each input on
    the training frames; ``folds`` are those of the protocol, ``inner_folds`` those of the search.
    """

    stages: int = 5
    contexts: tuple[int, ...] = (11, 13, 15, 17, 19)
    costs: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    loss: Loss = "svr"
    form: Form = "distinct"
    standardise: bool = False
    rows: int = 6000
    folds: int = 7
    inner_folds: int = 3

    def __post_init__(self) -> None:
        """Raises UsageError for a grid or a count that means nothing."""
        counts = (
            ("stages", self.stages, 1),
            ("rows", self.rows, 1),
            ("folds", self.folds, 2),
            ("inner_folds", self.inner_folds, 2),
        )
        wrong = [f"{name} {count}" for name, count, least in counts if count < least]
        # A grid without a point counts as wrong, too.
        if min(self.contexts, default=-1) < 0 or min(self.costs, default=0.0) <= 0:
            wrong.append(f"contexts {self.contexts}, costs {self.costs}")
        if wrong:
            raise UsageError(
                "stages and rows from 1, folds from 2, contexts from 0, costs above 0",
                wrong[0],
                "Correct it.",
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """The best point of the grid for one attribute, and its concordance."""

    context: int
    cost: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class StageModel:
    """Weights of one stage: per attribute its window and (offset * channel + 1,) weights."""

    shifts: list[np.ndarray]
    weights: list[np.ndarray]
    mean: np.ndarray
    scale: np.ndarray
    choices: list[Choice]

    def __call__(self, channels: np.ndarray) -> np.ndarray:
        """channels (frame, channel) -> (frame, attribute)."""
        scaled = (channels - self.mean) / self.scale
        columns = []
        for shifts, weights in zip(self.shifts, self.weights, strict=True):
            columns.append(filtered(scaled, shifts, weights[:, None]))
        return np.concatenate(columns, axis=1)


@dataclass(slots=True, eq=False)
class Chain:
    """Fitted stages, and what each gave for the training recordings, as the next stage saw it."""

    models: list[StageModel] = field(default_factory=list)
    outputs: list[dict[str, np.ndarray]] = field(default_factory=list)

    def apply(self, channels: np.ndarray) -> list[np.ndarray]:
        """Base outputs (frame, channel) of a new recording -> (frame, attribute) of every stage."""
        results: list[np.ndarray] = []
        for model in self.models:
            results.append(model(_stacked(channels, results[-1] if results else None)))
        return results


def fit_chain(
    inputs: Arrays,
    labels: Arrays,
    settings: StageSettings,
    folds: Sequence[Sequence[str]] | None,
    tick: Tick,
) -> Chain:
    """Fit every stage on the recordings of ``labels``; ``inputs`` (frame, channel) are the models'.

    With ``folds`` (lists of recordings, subject-disjoint) the outputs between stages are
    out-of-fold and the grid is searched on them; with None each stage is fitted and scored on the
    same recordings. ``tick`` is called with 1 after each fit, for a progress bar.
    """
    chain = Chain()
    contexts: Sequence[int] = settings.contexts
    for stage in range(settings.stages):
        before = chain.outputs[-1] if stage else {}
        channels = {name: _stacked(inputs[name], before.get(name)) for name in labels}
        best = _search(channels, labels, contexts, settings, folds, tick)
        contexts = sorted({choice.context for choice in best.choices})
        model = _fitted(channels, labels, best.choices, settings, tick)
        chain.models.append(model)
        if folds is None:
            chain.outputs.append({name: model(channels[name]) for name in labels})
        else:
            # Out-of-fold outputs: the next stage must not read what was fitted on its own labels.
            chain.outputs.append(best.outputs)
    return chain


def pooled_ccc(labels: Arrays, outputs: Arrays, names: Iterable[str], attribute: int) -> float:
    """Concordance over all labelled frames of ``names`` together; NaN where undefined.

    Variances are with N - 1, as in the published figures.
    """
    recordings = list(names)
    target = np.concatenate([labels[name][:, attribute] for name in recordings])
    prediction = np.concatenate([outputs[name][:, attribute] for name in recordings])
    labelled = ~np.isnan(target)
    if labelled.sum() < 2:
        return float("nan")
    return ccc(target[labelled], prediction[labelled], ddof=1)


@dataclass(slots=True, eq=False)
class _Best:
    """The best of the grid so far, per attribute, and what it predicted for each recording."""

    choices: list[Choice]
    outputs: dict[str, np.ndarray]


def _search(
    channels: Arrays,
    labels: Arrays,
    contexts: Sequence[int],
    settings: StageSettings,
    folds: Sequence[Sequence[str]] | None,
    tick: Tick,
) -> _Best:
    attributes = next(iter(labels.values())).shape[1]
    choices = [Choice(contexts[0], settings.costs[0], -np.inf)] * attributes
    outputs = {
        name: np.zeros((len(frames), attributes), np.float32) for name, frames in channels.items()
    }
    best = _Best(choices, outputs)
    everyone = list(labels)
    if folds is None:
        splits = [(everyone, everyone)]
    else:
        splits = [(_without(everyone, tested), list(tested)) for tested in folds]
    for context in contexts:
        predicted: dict[str, np.ndarray] = {}
        shifts = offsets(context, settings.form)
        for training, tested in splits:
            weights, mean, scale = _weights(
                channels, labels, training, shifts, settings.costs, settings
            )
            grid = weights.reshape(-1, weights.shape[-1]).T
            for name in tested:
                predicted[name] = filtered((channels[name] - mean) / scale, shifts, grid)
            tick(1)
        _update(best, predicted, labels, context, settings.costs)
    return best


def _update(
    best: _Best, predicted: Arrays, labels: Arrays, context: int, costs: Sequence[float]
) -> None:
    """Put the costs of this context that beat the best so far, in place.

    ``predicted`` is (frame, cost * attribute) of each recording.
    """
    attributes = len(best.choices)
    target = np.concatenate([labels[name] for name in predicted])
    grid = np.concatenate([predicted[name] for name in predicted]).reshape(
        len(target), len(costs), attributes
    )
    for attribute in range(attributes):
        labelled = ~np.isnan(target[:, attribute])
        scores = _concordances(target[labelled, attribute], grid[labelled, :, attribute])
        for place, (cost, score) in enumerate(zip(costs, scores, strict=True)):
            if score > best.choices[attribute].score:
                best.choices[attribute] = Choice(context, cost, float(score))
                for name, values in predicted.items():
                    best.outputs[name][:, attribute] = values[:, place * attributes + attribute]


def _concordances(target: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """(cost,) concordance of target (frame,) with each column of predictions (frame, cost).

    The sums of `mmser.metrics.regression.moments`, without its array for every cost.
    """
    if len(target) < 2:
        return np.full(predictions.shape[1], np.nan)
    middle = target.mean(dtype=np.float64)
    t, p = target - middle, predictions - middle
    sums = np.empty((p.shape[1], 6))
    sums[:, 0], sums[:, 1], sums[:, 3] = len(t), t.sum(), t @ t
    sums[:, 2], sums[:, 4], sums[:, 5] = p.sum(axis=0), np.einsum("ij,ij->j", p, p), t @ p
    return ccc_of(sums, ddof=1)


def _fitted(
    channels: Arrays, labels: Arrays, choices: Sequence[Choice], settings: StageSettings, tick: Tick
) -> StageModel:
    """The stage's regressors on all of its training recordings, at the best contexts and costs."""
    shifts: list[np.ndarray] = [offsets(choice.context, settings.form) for choice in choices]
    weights: list[np.ndarray] = [np.empty(0)] * len(choices)
    mean = scale = np.empty(0)
    for context in sorted({choice.context for choice in choices}):
        attributes = [
            attribute for attribute, choice in enumerate(choices) if choice.context == context
        ]
        costs = sorted({choices[attribute].cost for attribute in attributes})
        window = offsets(context, settings.form)
        grid, mean, scale = _weights(channels, labels, list(labels), window, costs, settings)
        for attribute in attributes:
            weights[attribute] = grid[costs.index(choices[attribute].cost), attribute]
        tick(1)
    return StageModel(shifts, weights, mean, scale, list(choices))


def _weights(
    channels: Arrays,
    labels: Arrays,
    training: Sequence[str],
    shifts: np.ndarray,
    costs: Sequence[float],
    settings: StageSettings,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (cost, attribute, offset * channel + 1) from these recordings, and mean and scale."""
    mean, scale = _scaling([channels[name] for name in training], settings.standardise)
    labelled = {name: np.flatnonzero(~np.isnan(labels[name]).all(axis=1)) for name in training}
    total = sum(map(len, labelled.values()))
    # Every step-th frame, rounded up, so that at most settings.rows enter the fit.
    step = max(1, -(-total // settings.rows))
    features, targets = [], []
    for name in training:
        rows = labelled[name][::step]
        features.append(windows((channels[name] - mean) / scale, shifts, rows))
        targets.append(labels[name][rows])
    fitted = np.concatenate(targets)
    # C weighs a sum over frames: fewer frames need a larger C for the same solution.
    per_row = total / max(1, len(fitted))
    weights = fit_linear(np.concatenate(features), fitted, costs, settings.loss, per_row)
    return weights, mean, scale


def _scaling(channels: Sequence[np.ndarray], standardise: bool) -> tuple[np.ndarray, np.ndarray]:
    width = channels[0].shape[1]
    if not standardise:
        return np.zeros(width, np.float32), np.ones(width, np.float32)
    frames = np.concatenate(channels)
    deviation = frames.std(axis=0)
    return frames.mean(axis=0), np.where(deviation > 0, deviation, np.float32(1)).astype(np.float32)


def _stacked(base: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """(frame, channel): the base outputs and, after stage 1, the latest stage's output."""
    return base if before is None else np.concatenate([base, before], axis=1)


def _without(names: Sequence[str], tested: Iterable[str]) -> list[str]:
    gone = set(tested)
    return [name for name in names if name not in gone]
