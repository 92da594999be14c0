"""What `mmser predict` writes of all recordings together: ``--table`` and ``--audformat``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from mmser.inference.recogniser import Recogniser
    from mmser.media.decoder import Decoder


class Collected:
    """One table of all recordings, scored where labels are known."""

    def __init__(
        self, facts: Mapping[Path, Any], options: argparse.Namespace, recogniser: Recogniser
    ) -> None:
        from mmser.inference.recordings_table import Collection

        self._rows, self._classes = Collection(facts), recogniser.classes
        self._table, self._database = options.table, options.audformat
        self._known = recogniser.trained.corpus_files
        self._any = False

    def attended(self) -> None:
        """A table has no place for what a system attends to."""

    def __call__(self, recording: Path, table: pd.DataFrame, decoder: Decoder) -> list[Path]:
        self._rows.add(recording, table)
        self._any = True
        return []

    def finish(self) -> None:
        """Write the table, interrupted or not, and print the scores."""
        if not self._any:
            return
        if self._table:
            self._rows.write(Path(self._table))
            print(printable(f"written: {self._table}"))
        if self._database:
            from mmser.evaluation.byproducts.audformat_database import write_database

            folder = Path(self._database)
            # What the user's table calls emotion is the target of the prediction.
            table = self._rows.table().rename(columns={"emotion": "target"})
            # The format holds a stretch once; one that was listed twice was judged alike.
            table = table.drop_duplicates(["file", "start", "end"])
            write_database({"predictions": table}, folder, folder.absolute().name)
            print(printable(f"written: {folder}"))
        rows, other = self._rows.scored(self._classes)
        if other:
            complain(f"labels that are none of {', '.join(self._classes)}: {', '.join(other)}")
        if len(rows):
            from mmser.cli.scores import print_scores

            print_scores(rows)
            heard = {str(path) for path in self._known.heard} if self._known else set()
            count = int(rows["file"].isin(heard).sum())
            if count:
                print(
                    f"NOT A TEST: {count} of these {len(rows)} are of speakers that the models "
                    "were trained on. Scores of held-out speakers: mmser score RUN."
                )


def complain(what: str) -> None:
    """Say on stderr what went wrong with a recording."""
    sys.stderr.write(printable(f"mmser predict: {what}\n"))
