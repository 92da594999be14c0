"""The transcripts of a model trained with CTC: a by-product of the auxiliary task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from torch import nn

from mmser.core.batch import Batch, Stream
from mmser.core.errors import MmserError
from mmser.evaluation.predict import run_model
from mmser.metrics.wer import PLAIN, WordErrors, word_errors

if TYPE_CHECKING:
    from mmser.training.run import Run

COLUMNS = ("id", "fold", "seed", "transcript", "hypothesis")


@runtime_checkable
class Recogniser(Protocol):
    """The part of an objective that reads characters off the frames of ``encoder``."""

    encoder: str
    transcript: str

    def decode(self, frames: Stream) -> list[list[int]]: ...


def hypotheses(run: Run, split: str = "test") -> pd.DataFrame:
    """The greedy transcript of every utterance of a split: columns `COLUMNS`.

    One row per (utterance, fold, seed).
    ``transcript`` is what the target stream spells, "" where the utterance has none. Raises
    MmserError when the run was not trained with CTC.
    """
    tables = []
    for trained in run.finished():
        data, model = trained.data(), trained.model()
        recogniser = find_recogniser(trained.objective(model.vector_size))
        alphabet = str(data.stores[recogniser.transcript].info["parameters"]["alphabet"])
        table = recognise(model, recogniser, data.loader(split, shuffle=False), alphabet)
        tables.append(table.assign(fold=trained.fold, seed=trained.seed))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def recognise(
    model: nn.Module, recogniser: Recogniser, loader: Iterable[Batch], alphabet: str
) -> pd.DataFrame:
    """id, transcript and hypothesis of every utterance of ``loader``.

    ``alphabet`` spells the numbers from 1 on.
    """
    rows = []
    for batch, outputs in run_model(model, loader):
        decoded = recogniser.decode(outputs.encoded[recogniser.encoder])
        spoken = batch.traces[recogniser.transcript]
        for place, identifier in enumerate(batch.ids):
            transcript = spell(spoken.values[place][spoken.mask[place]].tolist(), alphabet)
            rows.append((identifier, transcript, spell(decoded[place], alphabet)))
    return pd.DataFrame(rows, columns=["id", "transcript", "hypothesis"])


def spell(numbers: Iterable[int], alphabet: str) -> str:
    """The characters of the numbers (from 1 on); numbers beyond the alphabet are no characters."""
    text = "".join(alphabet[number - 1] for number in numbers if 0 < number <= len(alphabet))
    return " ".join(text.split())


def error_rates(table: pd.DataFrame, normaliser: str = PLAIN) -> pd.DataFrame:
    """Word error rate per fold and seed, ``pooled`` over all words first.

    ``mean of folds`` is the unweighted mean.
    ``normaliser`` (see `mmser.metrics.wer`) is named in its column.
    """
    per_fold = {key: _errors(rows, normaliser) for key, rows in by_fold(table)}
    pooled = _errors(table, normaliser)
    mean = float(np.mean([errors.rate for errors in per_fold.values()]))
    rows = [("pooled", pooled.rate, pooled.words), ("mean of folds", mean, pooled.words)]
    rows += [
        (f"{fold} seed {seed}", errors.rate, errors.words)
        for (fold, seed), errors in per_fold.items()
    ]
    return pd.DataFrame(rows, columns=["over", "wer", "words"]).assign(normaliser=normaliser)


def _errors(table: pd.DataFrame, normaliser: str) -> WordErrors:
    return word_errors(list(table["transcript"]), list(table["hypothesis"]), normaliser)


def by_fold(table: pd.DataFrame) -> Iterable[tuple[tuple[str, int], pd.DataFrame]]:
    """((fold, seed), rows), in the table's order."""
    return (
        ((str(fold), int(str(seed))), rows)
        for (fold, seed), rows in table.groupby(["fold", "seed"], sort=False)
    )


def find_recogniser(objective: nn.Module) -> Recogniser:
    """The CTC term of an objective. Raises MmserError when there is none."""
    for module in objective.modules():
        if isinstance(module, Recogniser):
            return module
    raise MmserError(
        "a run trained with CTC",
        f"the objective {type(objective).__name__}",
        "Train with objective=emotion_ctc.",
    )
