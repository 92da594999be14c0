"""A trained run in Python: its scores, predictions, pictures, and what can be asked of it.

::

    run = mmser.train(system="statistics_svm", corpus="emodb", root="corpora/emodb")
    run.scores
    run.predict("clip.wav")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import CLEAN
from mmser.training.run import Run as TrainedFolds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmser.inference.recogniser import Recogniser

Source = str | PathLike[str]
REPORT = "report.html"


class Run(TrainedFolds):
    """What `mmser.train` and `mmser.load_run` return; a function that takes a folder takes it too.

    A notebook shows its scores as a table. The tables are read once.
    """

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per (utterance, condition, fold, seed): see `mmser.metrics.predictions`."""
        from mmser.metrics.predictions import read_predictions

        return read_predictions(self.directory)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Pooled scores of the clean test splits: a row per metric with value, low and high.

        Shares are between 0 and 1; low and high are the 95 % interval over speakers.
        """
        from mmser.evaluation.scoring.score import POOLED, score

        table = score(self.predictions)
        rows = table[(table["scope"] == POOLED) & (table["condition"] == CLEAN)]
        return rows.set_index("metric")[["value", "low", "high", "utterances", "clusters"]]

    def confusion(self, share: bool = False) -> pd.DataFrame:
        """Targets (rows) by predictions (columns), in the classes' order; counts, or row shares.

        Raises MmserError for a run without classes.
        """
        classes = list(self.finished()[0].task.classes)
        if not classes:
            raise MmserError("a run that predicts classes", "values alone", "Look at .scores.")
        rows = self.predictions[self.predictions["condition"] == CLEAN]
        rows = rows[rows["target"].notna()]
        counts = pd.crosstab(rows["target"], rows["prediction"])
        counts = counts.reindex(index=classes, columns=classes, fill_value=0)
        return counts.div(counts.sum(axis=1), axis=0) if share else counts

    def compare(self, *others: Source, metric: str | None = None) -> pd.DataFrame:
        """Paired tests against other runs: `mmser.evaluation.scoring.compare.compare`."""
        from mmser.evaluation.scoring.compare import compare

        return compare([self.directory, *map(Path, others)], metric)

    @cached_property
    def recogniser(self) -> Recogniser:
        """Its models, opened once for `predict`."""
        from mmser.inference.recogniser import load

        return load(self.directory)

    def predict(self, files: Source | Sequence[Source], **options: Any) -> pd.DataFrame:
        """Judge recordings, or folders of them; one table, with the file of each row first.

        ``options`` are those of `mmser.inference.recogniser.Recogniser.predict`.
        """
        from mmser.inference.media_paths import find_recordings
        from mmser.inference.recordings_table import file_cell

        named_files = [files] if isinstance(files, str | PathLike) else list(files)
        listed = find_recordings([Path(file) for file in named_files])
        tables = [self.recogniser.predict(file, **options) for file in listed]
        pairs = zip(tables, listed, strict=True)
        named = [table.assign(file=file_cell(file)) for table, file in pairs]
        whole = pd.concat(named, ignore_index=True)
        return whole[["file", *(name for name in whole if name != "file")]]

    def evaluate_on(
        self,
        corpus: str,
        root: Source | None = None,
        labels: Mapping[str, str | None] | None = None,
        own_scale: bool = False,
        **options: Any,
    ) -> pd.DataFrame:
        """Its predictions of another corpus: `mmser.pipeline.other_corpus.evaluate_other_corpus`.

        ``options`` are further words, such as ``protocol="meld7"``.
        """
        from mmser.composition.keywords import keyword_words
        from mmser.metrics.predictions import read_predictions
        from mmser.pipeline.other_corpus import evaluate_other_corpus

        place = {} if root is None else {"root": root}
        words = keyword_words({"corpus": corpus, **place, **options})
        return read_predictions(evaluate_other_corpus(self, words, labels, own_scale))

    def report(self, out: Source | None = None) -> Path:
        """Write the HTML report, into the run's folder unless ``out`` names a file; -> the file."""
        from mmser.reports.report import report

        return report([self.directory], Path(out or self.directory / REPORT))

    def plot(self) -> Figure:
        """The confusion matrix in row shares, with counts."""
        from mmser.reports.matrix import confusion_figure

        return confusion_figure(self.confusion())

    def _repr_html_(self) -> str:
        """The face of a run in a notebook: its name and its scores."""
        from html import escape

        from mmser.metrics.table import shown, title

        rows = [
            {
                "score": title(str(metric)),
                "pooled": shown(str(metric), row["value"]),
                "95 % interval": f"{shown(str(metric), row['low'])} to "
                f"{shown(str(metric), row['high'])}",
            }
            for metric, row in self.scores.iterrows()
        ]
        utterances = int(self.scores["utterances"].iloc[0])
        caption = f"{escape(self.name)}: {utterances} utterances"
        table = pd.DataFrame(rows).to_html(index=False, border=0)
        return f"<p>{caption}</p>{table}"


def load_run(directory: Source) -> Run:
    """Open a finished or unfinished run folder."""
    return Run(Path(directory))
