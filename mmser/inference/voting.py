"""Several models over the same features: the mean of their probabilities, and what each modality
contributed.

What a modality contributed is the change when it is left out: the probability of the predicted
class (or the predicted value) with all modalities minus that without this one; positive = it spoke
for the prediction. It is NaN for a modality that is absent, and for the only one there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
    the features, or says something that is no number.
    """
    groups, task = reader.modalities, members[0].task
    there = {
        kind: np.array(
            [any(isinstance(found[s], Features) for s in streams) for found in features.values()]
        )
        for kind, streams in groups.items()
    }
    batches = [(member.model, reader.batch(features, member.transforms)) for member in members]
    whole = _mean_outputs(batches, task)
    silent = ~np.any(list(there.values()), axis=0)
    _check_finite(whole[~silent], members)
    table = pd.DataFrame({name: whole[:, place] for place, name in enumerate(_columns(task))})
    # The first target set decides what is said; its numbers are the first columns.
    spoken = task.target_sets[0]
    numbers = whole[:, : len(spoken.names)]
    best = spoken.decisive(numbers)
    for name, decision in spoken.decisions(numbers).items():
        table.insert(0, name, decision)
    present = [[kind for kind in groups if there[kind][row]] for row in range(len(features))]
    table.insert(0, "modalities", ["+".join(kinds) for kinds in present])
    alone = np.array([len(kinds) < 2 for kinds in present])
    for kind in groups:
        rest = [stream for other, streams in groups.items() if other != kind for stream in streams]
        known = there[kind] & ~alone
        if not known.any():
            table[CONTRIBUTION + kind] = np.nan
            continue
        without = _mean_outputs([(model, Keep(rest)(batch)) for model, batch in batches], task)
        table[CONTRIBUTION + kind] = np.where(
            known, (whole - without)[range(len(whole)), best], np.nan
        )
    table.loc[silent, [column for column in table if column != "modalities"]] = None
    return table


def _columns(task: Task) -> list[str]:
    return [column for target_set in task.target_sets for column in target_set.columns]


def _mean_outputs(batches: Iterable[tuple[MultimodalModel, Batch]], task: Task) -> np.ndarray:
    """(segment, class + value) float64: probabilities and values, mean over the models."""
    by_model = []
    for model, batch in batches:
        try:
            _, outputs = next(iter(run_model(model, [batch])))
        except (RuntimeError, ValueError, IndexError) as error:
            told = " ".join(str(error).split())[:200]
            remedy = "Give longer parts (--whole, --segments), or a system that reads short ones."
            raise MmserError("segments that the model can read", told, remedy) from error
        parts = []
        for target_set in task.target_sets:
            answer = target_set.answer(outputs)
            if answer is not None:
                parts.append(target_set.printed(answer.float()))
        by_model.append(torch.cat(parts, dim=-1).double().cpu().numpy())
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
