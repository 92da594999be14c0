"""How many of the tested speakers a run also trains on: no score is read without that number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.tables import SPLIT_COLUMN, read_parquet
from mmser.runs.run_paths import ASSIGNMENT, OWN_MANIFEST
from mmser.runs.run_tables import read_assignment

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "whether train and test share speakers is unknown: some utterance names none"


@dataclass(frozen=True, slots=True)
class SharedSpeakers:
    """``shared`` of the ``tested`` speakers are in the training split of a fold that tests them."""

    shared: int
    tested: int

    @property
    def line(self) -> str:
        """What is printed beside scores."""
        if self.shared == 0:
            return f"train and test share none of the {self.tested} tested speakers"
        return f"train and test SHARE {self.shared} of the {self.tested} tested speakers"


def count_shared(assignment: pd.DataFrame, utterances: pd.DataFrame) -> SharedSpeakers | None:
    """Shared and tested speakers of a fold assignment.

    ``utterances`` has the columns id, corpus and speaker. None when some utterance's speaker is not
    named there.
    """
    known = utterances.drop_duplicates("id").set_index("id")
    speakers = assignment["id"].map(known["speaker"])
    if speakers.isna().any() or (speakers == "").any():
        return None
    # Speaker 03 of one corpus is not speaker 03 of another.
    corpora = assignment["id"].map(known["corpus"])
    rows = assignment.copy()
    rows["speaker"] = list(zip(corpora, speakers, strict=True))
    tested: set[tuple[str, str]] = set()
    shared: set[tuple[str, str]] = set()
    for _, fold in rows.groupby("fold"):
        in_test = set(fold.loc[fold[SPLIT_COLUMN] == "test", "speaker"])
        in_train = set(fold.loc[fold[SPLIT_COLUMN] == "train", "speaker"])
        tested |= in_test
        shared |= in_test & in_train
    return SharedSpeakers(len(shared), len(tested))


def speakers_lines(sources: Iterable[str | Path]) -> list[str]:
    """A line for each source that is a run's folder; "RUN: ..." where there are several."""
    folders = [Path(source) for source in sources]
    runs = [folder for folder in folders if (folder / ASSIGNMENT).is_file()]
    lines = {run.resolve().name: speakers_line(run) for run in runs}
    return [f"{name}: {line}" if len(folders) > 1 else line for name, line in lines.items()]


def speakers_line(run: Path) -> str:
    """The line of one run; an early one without its own manifest does not know."""
    path = run / OWN_MANIFEST
    if not path.is_file():
        return UNKNOWN
    manifest = read_parquet(path, "Train the run again.")
    counted = count_shared(read_assignment(run), manifest)
    return counted.line if counted else UNKNOWN
