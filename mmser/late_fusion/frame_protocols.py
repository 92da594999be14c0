"""Two ways to fit and score a fusion, and the two yardsticks that stand beside every score.

``by_subject``
    Cross-validation: a recording's fused output comes from stages that never saw a label of its
    subject (or of the partner in its conversation). This estimates what fusion is worth on new
    subjects.
``resubstitution``
    Fitted, tuned and scored on the same recordings, as the published figures of multistage SVR
    were. The figure grows with every stage on pure noise as well: it says nothing of new subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mmser.core.errors import MmserError
from mmser.late_fusion.grouping import Grouping
from mmser.late_fusion.multistage import Arrays, Chain, StageSettings, Tick, fit_chain, pooled_ccc

FrameProtocol = Literal["by_subject", "resubstitution"]
MEAN, BEST = "plain mean", "best single model"


@dataclass(slots=True, eq=False)
class Fitted:
    """A fusion under one protocol.

    ``stages`` holds {recording: (frame, attribute)} per stage, ``best_single`` the same of the best
    model alone, ``choices`` one row per fold, stage and attribute with the best point of the grid.
    """

    stages: list[dict[str, np.ndarray]] = field(default_factory=list)
    best_single: dict[str, np.ndarray] = field(default_factory=dict)
    choices: list[dict[str, Any]] = field(default_factory=list)
    singles: list[str] = field(default_factory=list)


def fit_protocol(
    protocol: FrameProtocol, outputs: Arrays, labels: Mapping[str, np.ndarray], grouping: Grouping,
    settings: StageSettings, tick: Tick,
) -> Fitted:  # fmt: skip
    """Fuse every recording of ``outputs`` (frame, model, attribute) under one protocol.

    Recordings without labels get the stages fitted on all labelled ones, in the same way.
    """
    base = {name: values.reshape(len(values), -1) for name, values in outputs.items()}
    result = Fitted([{} for _ in range(settings.stages)])
    others = [name for name in outputs if name not in labels]
    if protocol == "by_subject":
        _check_groups(grouping)
        for fold, tested in enumerate(grouping.folds(settings.folds)):
            training = {name: labels[name] for name in labels if name not in set(tested)}
            chain = _cross_fitted(base, training, grouping, settings, tick)
            _note(result, chain, f"{fold + 1}")
            _apply(result, chain, base, tested)
            _single(result, outputs, training, tested)
        if others:
            chain = _cross_fitted(base, labels, grouping, settings, tick)
            _note(result, chain, "all labelled")
            _apply(result, chain, base, others)
    else:
        chain = fit_chain(base, labels, settings, None, tick)
        _note(result, chain, "all labelled")
        for stage, trained in zip(result.stages, chain.outputs, strict=True):
            stage.update(trained)
        _apply(result, chain, base, others)
        _single(result, outputs, labels, list(labels))
    return result


def count_fits(
    protocol: FrameProtocol, settings: StageSettings, grouping: Grouping, others: bool
) -> int:
    """About how many fits `fit_protocol` makes.

    How many contexts the later stages search is known only then; two are assumed.
    """
    inner = 1 if protocol == "resubstitution" else settings.inner_folds
    chain = len(settings.contexts) * inner + 2 + (settings.stages - 1) * 2 * (inner + 1)
    chains = min(settings.folds, len(grouping.names)) + others if protocol == "by_subject" else 1
    return chain * chains


def best_single(outputs: Arrays, labels: Arrays, names: Sequence[str]) -> list[int]:
    """Per attribute the model with the highest concordance on ``names``."""
    models, attributes = next(iter(outputs.values())).shape[1:]
    best = []
    for attribute in range(attributes):
        scores = []
        for model in range(models):
            single = {name: outputs[name][:, model] for name in names}
            scores.append(pooled_ccc(labels, single, names, attribute))
        best.append(int(np.nanargmax(scores)) if not np.isnan(scores).all() else 0)
    return best


def outputs_of(models: Sequence[int], outputs: np.ndarray) -> np.ndarray:
    """(frame, attribute) of outputs (frame, model, attribute), each attribute from its model."""
    columns = [outputs[:, model, attribute] for attribute, model in enumerate(models)]
    return np.stack(columns, axis=1)


def _cross_fitted(
    base: Arrays, labels: Arrays, grouping: Grouping, settings: StageSettings, tick: Tick
) -> Chain:
    """Stages whose hyper-parameters and inputs are out-of-fold among the labelled recordings."""
    folds = grouping.folds(settings.inner_folds, list(labels))
    return fit_chain(base, labels, settings, folds, tick)


def _apply(result: Fitted, chain: Chain, base: Arrays, names: Sequence[str]) -> None:
    for name in names:
        for stage, values in zip(result.stages, chain.apply(base[name]), strict=True):
            stage[name] = values


def _single(result: Fitted, outputs: Arrays, training: Arrays, tested: Sequence[str]) -> None:
    """The best single model per attribute, chosen on the training recordings."""
    best = best_single(outputs, training, list(training))
    for name in tested:
        result.best_single[name] = outputs_of(best, outputs[name])
    result.singles.append(" ".join(map(str, best)))


def _note(result: Fitted, chain: Chain, fold: str) -> None:
    for stage, model in enumerate(chain.models, start=1):
        for attribute, choice in enumerate(model.choices):
            row = {"fold": fold, "stage": stage, "attribute": attribute, "context": choice.context}
            result.choices.append(row | {"cost": choice.cost, "score": choice.score})


def _check_groups(grouping: Grouping) -> None:
    if len(grouping.names) < 3:
        raise MmserError(
            "at least three groups of labelled recordings for cross-validation by subject",
            f"{len(grouping.names)} ({grouping.how})",
            "Label more recordings, name the subjects with --subjects, or use --protocol "
            "resubstitution.",
        )
