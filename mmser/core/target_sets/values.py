"""Values such as valence and arousal: numbers in, the same numbers out, each scored alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mmser.core.errors import MmserError
from mmser.core.table_cells import number_column
from mmser.core.tables import PREDICTION, TARGET
from mmser.core.target_sets.target_set import Answers, Scored, TargetSet

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from mmser.core.batch import Outputs


class ValueTargets(TargetSet):
    """A number of each name for each utterance."""

    kind: ClassVar[str] = "values"
    batch_key: ClassVar[str] = "values"
    output: ClassVar[str] = "values"
    main_metric: ClassVar[str] = "ccc"
    columns_needed: ClassVar[str] = f"{TARGET}<value> and {PREDICTION}<value>"
    # One number alone neither agrees nor varies.
    fewest_rows: ClassVar[int] = 2

    @property
    def manifest_columns(self) -> tuple[str, ...]:
        return self.names

    def targets(self, rows: pd.DataFrame) -> np.ndarray:
        return np.stack([_float32(rows, name) for name in self.names], axis=1)

    def answer(self, outputs: Outputs) -> Tensor | None:
        return outputs.values

    def printed(self, answer: Tensor) -> Tensor:
        return answer

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(PREDICTION + name for name in self.names)

    def decisive(self, numbers: np.ndarray) -> np.ndarray:
        # Nothing is decided between values: the first stands for the prediction.
        return np.zeros(len(numbers), np.int64)

    def decisions(self, numbers: np.ndarray) -> dict[str, list[str]]:
        return {}

    def target_columns(self, target: np.ndarray) -> dict[str, np.ndarray]:
        return {TARGET + name: target[:, place] for place, name in enumerate(self.names)}

    @classmethod
    def in_table(cls, table: pd.DataFrame, name: str = "the table") -> Self | None:
        names = value_names(table, name)
        return cls(names) if names else None

    @classmethod
    def has_columns(cls, table: pd.DataFrame, name: str) -> bool:
        return bool(value_names(table, name))

    @classmethod
    def checked(cls, table: pd.DataFrame, name: str) -> pd.DataFrame:
        for value in value_names(table, name):
            for column in (TARGET + value, PREDICTION + value):
                table[column] = number_column(table[column], name)
        return table

    def paired(self, target: np.ndarray, answer: np.ndarray) -> dict[str, Answers]:
        answers = {}
        for place, name in enumerate(self.names):
            labelled = ~np.isnan(target[:, place])
            answers[name] = Answers(target[labelled, place], answer[labelled, place])
        return answers

    def scored(self, table: pd.DataFrame) -> Iterator[Scored]:
        for name in self.names:
            rows = table[table[TARGET + name].notna()]
            target, prediction = rows[TARGET + name], rows[PREDICTION + name]
            yield Scored(rows, Answers(target.to_numpy(), prediction.to_numpy()), name)


def _float32(rows: pd.DataFrame, name: str) -> np.ndarray:
    """(row,) numbers on the corpus's own scale, NaN where missing."""
    if name not in rows:
        return np.full(len(rows), np.nan, np.float32)
    return rows[name].astype("float64").to_numpy(np.float32, na_value=np.nan)


def value_names(table: pd.DataFrame, name: str = "the table") -> tuple[str, ...]:
    """Names of the dimensional values: those with both a target_ and a prediction_ column."""
    columns = [str(column) for column in table.columns]
    targets = [column.removeprefix(TARGET) for column in columns if column.startswith(TARGET)]
    predictions = {
        column.removeprefix(PREDICTION) for column in columns if column.startswith(PREDICTION)
    }
    single = sorted(set(targets) ^ predictions)
    if single:
        raise MmserError(
            f"both target_ and prediction_ columns of every value in {name}",
            f"only one of them for {', '.join(single)}",
            "Add or remove the single columns.",
        )
    return tuple(targets)
