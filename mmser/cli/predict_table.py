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

    from mmser.cli.predict_files import Work
    from mmser.cli.trained_source import Words
    from mmser.inference.recogniser import Recogniser
    from mmser.media.decoder import Decoder

DEPENDS_ON = ("run", "asr", "window", "whole", "enrol", "weights")
"""The options that change a judgement, beside the recordings and the models."""


class Collected:
    """One table of all recordings, scored where labels are known.

    What an interrupted command has judged stays in a journal beside the table, and the same command
    goes on.
    """

    def __init__(
        self,
        work: Work,
        facts: Mapping[Path, Any],
        options: argparse.Namespace,
        words: Words,
        recogniser: Recogniser,
    ) -> None:
        from mmser.inference.journal import Journal
        from mmser.inference.recordings_table import Collection

        self._work = work
        self._rows, self._classes = Collection(facts), recogniser.classes
        self._table, self._database = options.table, options.audformat
        self._known = recogniser.trained.corpus_files
        first = Path(self._table or self._database)
        recipe = _recipe(options, words, recogniser)
        self._journal = Journal(first.with_name(f"{first.name}.unfinished"), recipe)
        found = {path: self._journal.find(path, segments) for path, segments in work.items()}
        self._judged = {path: judged for path, judged in found.items() if judged is not None}

    def rest(self) -> Work:
        """The recordings that are not judged yet."""
        if self._judged:
            count = f"{len(self._judged)} of {len(self._work)}"
            print(f"{count} recordings were judged before the interruption: going on")
        return {path: named for path, named in self._work.items() if path not in self._judged}

    def attended(self) -> None:
        """A table has no place for what a system attends to."""

    def __call__(self, recording: Path, table: pd.DataFrame, decoder: Decoder) -> list[Path]:
        from mmser.inference.journal import Judged

        heard = self._known is not None and recording in self._known.heard
        self._judged[recording] = Judged(table, heard)
        self._journal.add(recording, self._work[recording], self._judged[recording])
        return []

    def finish(self, interrupted: bool) -> None:
        """Write the table, interrupted or not, and print the scores.

        A database, which nothing may replace, is written when all is judged.
        """
        if interrupted:
            complain("the same command goes on where this one was interrupted")
        if self._judged:
            self._write(interrupted)
        # Only now: what could not be written is not judged again.
        if not interrupted:
            self._journal.remove()
        if self._judged:
            self._score()

    def _write(self, interrupted: bool) -> None:
        for recording in self._work:
            if recording in self._judged:
                self._rows.add(recording, self._judged[recording].table)
        if self._table:
            self._rows.write(Path(self._table))
            print(printable(f"written: {self._table}"))
        if self._database and not interrupted:
            from mmser.evaluation.byproducts.audformat_database import write_database

            folder = Path(self._database)
            # What the user's table calls emotion is the target of the prediction.
            table = self._rows.table().rename(columns={"emotion": "target"})
            # The format holds a stretch once; one that was listed twice was judged alike.
            table = table.drop_duplicates(["file", "start", "end"])
            write_database({"predictions": table}, folder, folder.absolute().name)
            print(printable(f"written: {folder}"))

    def _score(self) -> None:
        from mmser.inference.recordings_table import file_cell

        rows, other = self._rows.scored(self._classes)
        if other:
            complain(f"labels that are none of {', '.join(self._classes)}: {', '.join(other)}")
        if len(rows):
            from mmser.cli.scores import print_scores

            print_scores(rows)
            heard = {file_cell(path) for path, judged in self._judged.items() if judged.heard}
            count = int(rows["file"].isin(heard).sum())
            if count:
                print(
                    f"NOT A TEST: {count} of these {len(rows)} are of speakers that the models "
                    "were trained on. Scores of held-out speakers: mmser score RUN."
                )


def _recipe(options: argparse.Namespace, words: Words, recogniser: Recogniser) -> dict[str, Any]:
    models = [[member.fold, member.seed] for member in recogniser.members]
    return {
        "models": [recogniser.trained.name, *models],
        "words": [str(words.extractor_files), *words.labels],
        **{name: getattr(options, name) for name in DEPENDS_ON},
    }


def complain(what: str) -> None:
    """Say on stderr what went wrong with a recording."""
    sys.stderr.write(printable(f"mmser predict: {what}\n"))
