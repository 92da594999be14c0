"""`mmser crosscorpus`: each corpus trains a run, and every other corpus tests it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmser.cache.atomic import written_aside
from mmser.core.configs import config_names
from mmser.core.emotion_names import emotion_name
from mmser.core.errors import MmserError, UsageError
from mmser.core.paths import expanded
from mmser.core.trust import trust_typed
from mmser.corpora.user_table import has_table
from mmser.pipeline.other_corpus import keep_predictions, other_corpus
from mmser.pipeline.train import train_config
from mmser.pipeline.train_settings import train_settings
from mmser.settings.run import read_run

if TYPE_CHECKING:
    from mmser.training.run import Run

RUN_SCALE, OWN_SCALE = "run", "own"
"""By whose statistics the tested corpus is scaled: the trained corpus's, or its own."""
TABLE = "crosscorpus.csv"
COLUMNS = (
    *("train", "test", "scale", "metric", "value", "low", "high"),
    *("utterances", "speakers", "predictions"),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Side:
    """A corpus in the matrix: the words that name it, and {its protocol's word: class here}."""

    name: str
    words: tuple[str, ...]
    settings: Mapping[str, Any]
    classes: tuple[str, ...]
    labels: Mapping[str, str]


def cross_corpus(
    corpora: Sequence[str], overrides: Sequence[str], classes: Sequence[str] = ()
) -> pd.DataFrame:
    """Scores of every run on every corpus, by the run's scale and by the tested corpus's own.

    ``overrides`` are words of `mmser train` for all runs (``system=...``), and NAME.root=DIR or
    NAME.protocol=P for one corpus. ``classes`` are those that count, by their names here
    (`mmser.core.emotion_names`); without them all that every corpus has. A name of no corpus here
    whose root is a table of one's own is that table's. On the diagonal stands
    what a corpus's own run says of its test splits. Trained runs and predictions are kept: the
    same call goes on. Raises MmserError when fewer than two classes are shared.
    """
    trust_typed(overrides)
    if len(corpora) < 2 or len(set(corpora)) < len(corpora):
        raise UsageError("two corpora or more, each once", ", ".join(corpora), "Name others.")
    sides = [_side(name, overrides, corpora) for name in corpora]
    shared = _shared(sides, classes)
    _log.info("classes that every corpus has: %s", ", ".join(shared))
    for side in sides:
        if others := [name for name in side.classes if name not in shared]:
            _log.info("left out of %s: %s", side.name, ", ".join(others))
    runs = {side.name: _trained(side, shared) for side in sides}
    rows: list[dict[str, Any]] = []
    for train, test in product(sides, sides):
        rows += _cells(runs[train.name], train, test)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_matrix(table: pd.DataFrame, folder: Path) -> Path:
    """Write the table as csv; -> the file."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / TABLE) as aside:
        table.to_csv(aside, index=False)
    return folder / TABLE


def _side(name: str, overrides: Sequence[str], corpora: Sequence[str]) -> Side:
    """A corpus's own words, its settings, and its labels under their names here."""
    from mmser.corpora.manifest import to_table
    from mmser.training.inputs.corpora import build_corpora

    words = tuple(_words_of(name, overrides, corpora))
    words = (*_called(name, words), *words)
    settings = train_settings(words)
    tested = build_corpora(read_run(settings)).tested
    protocol = tested.protocol.resolve(to_table(list(tested.corpus.utterances())))
    if protocol.bins or protocol.label_file or not protocol.classes:
        raise UsageError(
            f"a protocol of {name} with labels as words",
            protocol.name,
            f"Name another with {name}.protocol=NAME (`mmser list protocols`).",
        )
    own = protocol.labels or {one: one for one in protocol.classes}
    labels = {word: emotion_name(meaning) for word, meaning in own.items()}
    return Side(name, words, settings, tuple(map(emotion_name, protocol.classes)), labels)


def _called(name: str, words: Sequence[str]) -> list[str]:
    """The words that choose a corpus, by its name here or as the user's own table."""
    if name in config_names("corpus"):
        return [f"corpus={name}"]
    roots = [word.partition("=")[2] for word in words if word.startswith("corpus.root=")]
    if not roots:
        return [f"corpus={name}"]  # is told with the names that are near
    if not has_table(expanded(roots[-1])):
        raise UsageError(
            f"a corpus called {name} (`mmser list corpora`), or a table of your own at {name}.root",
            f"neither, and nothing at {roots[-1]}",
            "Correct one of them.",
        )
    return ["corpus=generic", f"corpus.name={name}"]


def _words_of(name: str, overrides: Sequence[str], corpora: Sequence[str]) -> Iterator[str]:
    """The words for one corpus: the common ones, and its own without its name in front."""
    for word in overrides:
        start, _, rest = word.partition(".")
        if start not in corpora:
            yield word
        elif start == name:
            yield rest if rest.startswith("protocol=") else f"corpus.{rest}"


def _shared(sides: Sequence[Side], wanted: Sequence[str]) -> tuple[str, ...]:
    """The classes that every corpus has, in the first one's order."""
    asked = {emotion_name(name) for name in wanted}
    shared = [
        name
        for name in dict.fromkeys(sides[0].classes)
        if all(name in side.classes for side in sides) and (not asked or name in asked)
    ]
    absent = asked - set(shared)
    if absent or len(shared) < 2:
        has = "; ".join(f"{side.name}: {', '.join(side.classes)}" for side in sides)
        raise MmserError(
            "two classes or more that every corpus has"
            if not absent
            else ", ".join(sorted(absent)),
            has,
            "Choose other corpora, protocols (NAME.protocol=P) or classes=[...].",
        )
    return tuple(shared)


def _trained(side: Side, shared: Sequence[str]) -> Run:
    """The run of a corpus on the shared classes; one that is finished is only opened."""
    labels = {word: meaning for word, meaning in side.labels.items() if meaning in shared}
    changes = {"classes": list(shared), "labels": labels, "counts": {}, "ids": []}
    _log.info("training on %s", side.name)
    return train_config({**side.settings, "protocol": {**side.settings["protocol"], **changes}})


def _cells(run: Run, train: Side, test: Side) -> Iterator[dict[str, Any]]:
    """Every metric of one run on one corpus, for each scale."""
    from mmser.evaluation.scoring.score import POOLED, score

    if train is test:
        folders = {RUN_SCALE: run.directory}
    else:
        other = other_corpus(run, _placed(test.words), told=False)
        folders = {
            scale: keep_predictions(run, other, own_scale=scale == OWN_SCALE)
            for scale in (RUN_SCALE, OWN_SCALE)
        }
    for scale, folder in folders.items():
        scores = score(folder)
        for row in scores[scores["scope"] == POOLED].to_dict("records"):
            yield {
                **{key: row[key] for key in ("metric", "value", "low", "high", "utterances")},
                "train": train.name,
                "test": test.name,
                "scale": scale,
                "speakers": row["clusters"],
                "predictions": str(folder),
            }


def _placed(words: Sequence[str]) -> list[str]:
    """Those of a corpus's words that say where it lies and how it is read."""
    kept = ("corpus=", "corpus.", "protocol=", "cache=", "paths.")
    return [word for word in words if word.startswith(kept)]
