"""Several models over the same features, and what each modality contributed.

The models vote by the mean of their probabilities.

What a modality contributed is the change when it is left out: the probability of the predicted
class (or the predicted value) with all modalities minus that without this one; positive = it
supported the prediction. It is NaN for a modality that is absent, and for the only one there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress

import numpy as np
import pandas as pd
import torch

from mmser.core.batch import Batch
from mmser.core.clip import Failure, Features
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.evaluation.predict import run_model
from mmser.evaluation.stress.masking import Keep
from mmser.inference.reader import Reader
from mmser.inference.trained import Member
from mmser.models.multimodal import MultimodalModel

CONTRIBUTION = "contribution_"

Streams = Mapping[str, Features | Failure]
Batches = Sequence[tuple[MultimodalModel, Batch]]


def vote(
    reader: Reader, features: Mapping[str, Streams], members: Sequence[Member]
) -> pd.DataFrame:
    """modalities, prediction, scores and contributions of {id: features of each stream}, in order.

    An utterance without any modality has empty cells. Raises MmserError when a model cannot read
    the features, or gives something that is no number.
    """
    groups, task = reader.modalities, members[0].task
    present = {modality: _has_any(features, streams) for modality, streams in groups.items()}
    batches = [(member.model, reader.batch(features, member.transforms)) for member in members]
    whole = _mean_outputs(batches, task)
    is_empty = ~np.any(list(present.values()), axis=0)
    _check_finite(whole[~is_empty], members)
    table = pd.DataFrame({name: whole[:, place] for place, name in enumerate(_columns(task))})
    # The first target set makes the prediction; its numbers are the first columns.
    first_set = task.target_sets[0]
    numbers = whole[:, : len(first_set.names)]
    best = first_set.decisive(numbers)
    for name, decision in first_set.decisions(numbers).items():
        table.insert(0, name, decision)
    table.insert(0, "modalities", _joined_names(present))
    several = np.sum(list(present.values()), axis=0) > 1
    for modality in groups:
        counted = present[modality] & several
        if not counted.any():
            table[CONTRIBUTION + modality] = np.nan
            continue
        keep = Keep(_streams_but(groups, modality))
        without = _mean_outputs([(model, keep(batch)) for model, batch in batches], task)
        gap = (whole - without)[range(len(whole)), best]
        table[CONTRIBUTION + modality] = np.where(counted, gap, np.nan)
    others = [column for column in table if column != "modalities"]
    table.loc[is_empty, others] = None
    return table


def _has_any(features: Mapping[str, Streams], streams: Sequence[str]) -> np.ndarray:
    """(segment,) bool: whether features of any of the streams are there."""
    return np.array([_is_present(by_stream, streams) for by_stream in features.values()])


def _is_present(by_stream: Streams, streams: Sequence[str]) -> bool:
    return any(isinstance(by_stream[stream], Features) for stream in streams)


def _joined_names(present: Mapping[str, np.ndarray]) -> list[str]:
    """The modalities of each segment: "audio+face"."""
    rows = zip(*present.values(), strict=True)
    return ["+".join(compress(present, row)) for row in rows]


def _streams_but(groups: Mapping[str, Sequence[str]], modality: str) -> list[str]:
    others = [streams for name, streams in groups.items() if name != modality]
    return list(chain.from_iterable(others))


def _columns(task: Task) -> list[str]:
    return list(chain.from_iterable(target_set.columns for target_set in task.target_sets))


def _mean_outputs(batches: Iterable[tuple[MultimodalModel, Batch]], task: Task) -> np.ndarray:
    """(segment, class + value) float64: probabilities and values, mean over the models."""
    by_model = []
    for model, batch in batches:
        try:
            _, outputs = next(iter(run_model(model, [batch])))
        except (RuntimeError, ValueError, IndexError) as error:
            reason = " ".join(str(error).split())[:200]
            remedy = "Give longer parts (--whole, --segments), or a system that reads short ones."
            raise MmserError("segments that the model can read", reason, remedy) from error
        printed = []
        for target_set in task.target_sets:
            answer = target_set.answer(outputs)
            if answer is not None:
                printed.append(target_set.printed(answer.float()))
        by_model.append(torch.cat(printed, dim=-1).double().cpu().numpy())
    mean: np.ndarray = np.mean(by_model, axis=0)
    return mean


def _check_finite(scores: np.ndarray, members: Sequence[Member]) -> None:
    if not np.isfinite(scores).all():
        names = ", ".join(f"fold {member.fold} seed {member.seed}" for member in members)
        raise MmserError(
            "finite scores for every segment",
            f"NaN or infinity from one of {names}",
            "Its training diverged, or its weights are damaged: leave it out with --fold, or "
            "train or export it again.",
        )
