"""One stage of a fold is trained by steps, epoch after epoch.

Lightning is loaded by what takes more than one device or process, and by nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from mmser.composition import built
from mmser.core.completion import completed
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.data.fold_data import FoldData
from mmser.metrics.table import better
from mmser.models.compiled import compile_parts
from mmser.models.multimodal import MultimodalModel
from mmser.models.replay.forward import use_cuda_graphs
from mmser.objectives.paradigms.supervised import check_objective
from mmser.runs.run_paths import STATE, TRANSFORMS
from mmser.runs.training_stages import Stage
from mmser.settings.run import RunSettings
from mmser.settings.trainer import Trainer
from mmser.training.components.construction import parameter_count
from mmser.training.components.portable import network_sizes
from mmser.training.components.taking_over import take_over
from mmser.training.components.word_vectors import start_embeddings
from mmser.training.devices import Place, determinism
from mmser.training.loop.callbacks import BestWeights
from mmser.training.loop.learner import Learner
from mmser.training.loop.plain import PlainTrainer, is_plain
from mmser.training.loop.progress_bar import FoldBar
from mmser.training.loop.quiet import quiet
from mmser.training.loop.watcher import Watcher
from mmser.training.loop.watchers import make_watchers


def fit_epochs(
    model: MultimodalModel,
    stage: Stage,
    data: FoldData,
    folder: Path,
    previous: Path | None,
    seed: int,
    title: str,
    place: Place,
    bar: FoldBar | None = None,
) -> dict[str, Any] | None:
    """Train ``model`` into ``folder``, going on from the state that an interruption left.

    Returns what ``fold.json`` says of it; None in the further processes of a distributed fold.
    """
    settings = stage.settings
    if previous is None and settings.word_vectors:
        start_embeddings(model.encoders, data.transforms.streams, settings.word_vectors)
    learner = make_learner(settings, model, data.task, seed)
    if previous is not None:
        take_over(model, learner.objective, previous, stage.load)
    folder.mkdir(parents=True, exist_ok=True)
    options = settings.trainer
    if options.frozen_memory is not None:
        learner.remember_frozen(options.frozen_memory, bool(data.augmentation))
    if options.compile:
        compile_parts(model)
    if options.cuda_graphs:
        use_cuda_graphs(model)
    best = BestWeights(folder, options.monitor, better(options.monitor))
    watchers = make_watchers(options, folder, title, best, data, bar)
    state = folder / STATE
    is_first = _run(options, learner, data, folder, watchers, place, state)
    if not best.epoch:
        raise MmserError(
            "at least one check of the validation split", "none", "Lower trainer.check_every."
        )
    if not is_first:
        return None
    return {
        "parameters": parameter_count(model),
        "epochs": learner.finished_epochs,
        "device": place.name,
        "monitor": best.monitor,
        "best_score": None if best.monitor == "last" else best.score,
        "best_epoch": best.epoch,
        "network_sizes": network_sizes(model),
    }


def _run(
    options: Trainer,
    learner: Learner,
    data: FoldData,
    folder: Path,
    watchers: list[Watcher],
    place: Place,
    state: Path,
) -> bool:
    """Train the learner; -> whether this is the first process of the fold, which tells of it."""
    resumed = state if state.is_file() else None
    if is_plain(options, place):
        data.transforms.save(folder / TRANSFORMS)
        with quiet():
            trainer = PlainTrainer(options, place, determinism(options, place), watchers)
            trainer.fit(learner, data, resumed)
        return True
    # Here, because it loads Lightning.
    from mmser.training.loop.trainer import fit_with_lightning

    return fit_with_lightning(options, learner, data, folder, watchers, place, resumed)


def make_learner(settings: RunSettings, model: MultimodalModel, task: Task, seed: int) -> Learner:
    """The learner of these settings around a model."""
    objective: nn.Module = completed(
        "the objective", built(settings.objective), task=task, vector_size=model.vector_size
    )
    check_objective(objective)
    trainer = settings.trainer
    return Learner(
        model,
        objective,
        task,
        built(settings.optimizer),
        built(settings.scheduler),
        monitor=trainer.monitor,
        groups=trainer.groups,
        frozen=trainer.freeze,
        clip_norm=trainer.clip_norm,
        clip_mode=trainer.clip_mode,
        seed=seed,
        fuses=trainer.precision not in ("16-mixed", "16", 16),
    )
