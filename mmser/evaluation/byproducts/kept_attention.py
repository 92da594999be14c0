"""The attention that a run keeps: of a few utterances, and of the answers that a report lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from torch import nn

from mmser.evaluation.byproducts.attention import attention_of, attention_samples
from mmser.evaluation.scoring.extremes import confident, extremes

if TYPE_CHECKING:
    from mmser.data.fold_data import FoldData

_ANSWER = ["id", "fold", "seed"]


class KeptAttention:
    """Fills fold by fold, while each model is at hand.

    An answer that is extreme among all folds is so among those that were tested before its own.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spread: pd.DataFrame | None = None
        self._found: list[pd.DataFrame] = []
        self._extreme = pd.DataFrame()

    def add(
        self, model: nn.Module, data: FoldData, manifest: pd.DataFrame, table: pd.DataFrame
    ) -> None:
        """Take a fold's predictions with the columns fold and seed, in the order of the folds."""
        if not self._limit:
            return
        names = {name: table[name].iloc[0] for name in ("fold", "seed")}
        if self._spread is None:
            samples = attention_samples(model, data, manifest, table, self._limit)
            self._spread = samples.assign(**names, extreme=False)
        # A model that attends to nothing in the first fold does so in none.
        if self._spread.empty:
            return
        answers = confident(pd.concat([self._extreme, table], ignore_index=True))
        # A system that predicts values alone has neither errors nor right answers.
        if answers.empty:
            return
        self._extreme = pd.concat(extremes(answers))
        is_new = (self._extreme[["fold", "seed"]] == pd.Series(names)).all(axis=1)
        found = attention_of(model, data, manifest, table, set(self._extreme.loc[is_new, "id"]))
        self._found.append(found.assign(**names, extreme=True))

    def table(self) -> pd.DataFrame:
        """The samples; of extreme answers those that no later fold has outdone."""
        if self._spread is None or self._spread.empty:
            return pd.DataFrame() if self._spread is None else self._spread
        found = [rows.merge(self._extreme[_ANSWER], on=_ANSWER) for rows in self._found]
        filled = [rows for rows in (self._spread, *found) if len(rows)]
        return pd.concat(filled, ignore_index=True)
