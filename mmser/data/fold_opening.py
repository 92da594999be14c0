"""From manifest, assignment and stores to the data of one fold: checked, labelled and scaled."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmser.core.tables import SPLIT_COLUMN
from mmser.core.task import Task
from mmser.data.batching import BatchOptions
from mmser.data.checks import (
    check_balance,
    check_complete,
    check_same_shapes,
    check_streams,
    find_word_stream,
    no_word_times,
    stream_shapes,
)
from mmser.data.dataset import Augmentation
from mmser.data.fitting import fit_transforms
from mmser.data.fold_data import FoldData
from mmser.data.spec import StreamSpec
from mmser.data.splits import fold_rows, make_facts, make_task, vote_labels
from mmser.data.stream_alignment import NATIVE, StreamAlignment
from mmser.data.transforms import Transforms

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cache.feature_store import FeatureStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Labelling:
    """What is predicted: the names that ``asked`` has, which knows no training split yet.

    ``vote_labels`` maps the emotion words of annotators' votes to classes; None: as the training
    split's consensus labels are mapped.
    """

    asked: Task
    vote_labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What was fitted on the training split when a run was trained, and is used again."""

    task: Task
    transforms: Transforms


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a model is given: the ``stores`` and ``specs`` of each stream, and how they are read.

    ``traces`` names the streams that no model is given: labels over time, for the loss alone.

    ``test_stores`` replaces stores for the test split alone: another condition, such as ASR
    transcripts, with everything fitted on the clean training split.
    """

    stores: Mapping[str, FeatureStore]
    specs: Mapping[str, StreamSpec]
    alignment: StreamAlignment = NATIVE
    augmentation: Sequence[Augmentation] = ()
    test_stores: Mapping[str, FeatureStore] | None = None
    traces: frozenset[str] = frozenset()


def open_fold_data(
    manifest: pd.DataFrame,
    assignment: pd.DataFrame,
    fold: str,
    inputs: Inputs,
    labelling: Labelling,
    options: BatchOptions | None = None,
    fitted: Fitted | None = None,
) -> FoldData:
    """The data of one fold; task and transforms are fitted on its training split unless ``fitted``.

    A training utterance whose every stream is missing is dropped; elsewhere it stays, all masked.
    Raises MmserError when a stream has no store, a store is unfinished or holds other shapes, or
    the fold is not in the assignment.
    """
    specs = dict(inputs.specs)
    check_streams(inputs.stores, specs)
    options = options or BatchOptions()
    stores = {name: inputs.stores[name] for name in specs}
    test_stores = stores | dict(inputs.test_stores or {})
    rows = fold_rows(manifest, assignment, fold)
    is_test = rows[SPLIT_COLUMN] == "test"
    check_complete(rows.loc[~is_test, "id"], stores, specs)
    check_complete(rows.loc[is_test, "id"], test_stores, specs)
    usable_rows = _without_empty_training(rows, stores)
    training = usable_rows[usable_rows[SPLIT_COLUMN] == "train"]
    task = fitted.task if fitted else make_task(training, labelling.asked)
    if options.balanced:
        check_balance(task.class_counts, options.batching)
    words = labelling.vote_labels
    if words is None:
        words = vote_labels(training, labelling.asked.classes)
    facts = make_facts(usable_rows, task, words)
    shapes, sizes = stream_shapes(stores, specs)
    check_same_shapes(shapes, inputs.test_stores or {})
    alignment = _with_word_stream(inputs.alignment, stores)
    transforms = fitted.transforms if fitted else fit_transforms(facts, stores, specs)
    data = FoldData(
        fold=str(fold),
        task=task,
        facts=facts,
        stores=stores,
        test_stores=test_stores,
        specs=specs,
        shapes=shapes,
        input_sizes=sizes | transforms.vocabulary_sizes(),
        transforms=transforms,
        alignment=alignment,
        augmentation=tuple(inputs.augmentation),
        options=options,
        traces=inputs.traces,
        dropped=len(rows) - len(usable_rows),
    )
    # Training has said so already where a trained fold is opened.
    _log_what_is_left_out(data, logging.DEBUG if fitted else logging.WARNING)
    return data


def _without_empty_training(rows: pd.DataFrame, stores: Mapping[str, FeatureStore]) -> pd.DataFrame:
    """The rows without the training utterances that no store has values of."""
    has_stream = rows["id"].map(
        lambda identifier: any(identifier in store for store in stores.values())
    )
    return rows[(rows[SPLIT_COLUMN] != "train") | has_stream.astype(bool)]


def _with_word_stream(
    alignment: StreamAlignment, stores: Mapping[str, FeatureStore]
) -> StreamAlignment:
    """The alignment with the stream that has word times, where it needs one and names none."""
    if alignment.kind != "word" or alignment.word_stream:
        return alignment
    stream = find_word_stream(stores)
    if stream is None:
        raise no_word_times(stores)
    return replace(alignment, word_stream=stream)


def _log_what_is_left_out(data: FoldData, level: int) -> None:
    if data.dropped:
        _log.log(
            level,
            "fold %s: %d training utterances have no stream at all: dropped",
            data.fold,
            data.dropped,
        )
    for name, count in data.truncated.items():
        if count:
            _log.info(
                "fold %s: stream %s cut to %s steps in %d utterances",
                data.fold,
                name,
                data.specs[name].limit,
                count,
            )
