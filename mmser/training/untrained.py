"""One stage of a fold whose model has nothing to learn: a published recogniser as it is.

The run is like any other: it is evaluated, predicts, is exported and reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mmser.cache.tensors import save_module
from mmser.data.fold_data import FoldData
from mmser.models.multimodal import MultimodalModel
from mmser.runs.run_paths import WEIGHTS
from mmser.training.loop.validation import answer_metrics


@dataclass(frozen=True, slots=True)
class Untrained:
    """The name and value of the model's score on the validation split, None without one."""

    monitor: str
    score: float | None


def learns_nothing(model: MultimodalModel) -> bool:
    """Whether the model has no parameter."""
    return next(model.parameters(), None) is None


def keep_untrained(model: MultimodalModel, data: FoldData, folder: Path) -> Untrained:
    """Write the model into ``folder`` as it is; its validation score is for the record alone."""
    folder.mkdir(parents=True, exist_ok=True)
    save_module(model, folder / WEIGHTS)
    monitor = data.task.target_sets[0].main_metric
    score = _scores(model.eval(), data).get(monitor, math.nan)
    return Untrained(monitor, score if math.isfinite(score) else None)


def _scores(model: MultimodalModel, data: FoldData) -> dict[str, float]:
    rows: dict[str, list[Tensor]] = {}
    with torch.inference_mode():
        for batch in data.loader("validation", shuffle=False):
            outputs = model(batch.streams, batch.context)
            answers = {"output_logits": outputs.logits, "output_values": outputs.values}
            tensors = {name: each for name, each in answers.items() if each is not None}
            tensors |= {f"target_{name}": target for name, target in batch.targets.items()}
            for name, tensor in tensors.items():
                rows.setdefault(name, []).append(tensor)
    return answer_metrics({name: torch.cat(each) for name, each in rows.items()}, data.task)
