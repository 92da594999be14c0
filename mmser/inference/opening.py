"""A trained system by one name: a run's folder, a model folder, or a repository on the hub."""

from __future__ import annotations

from pathlib import Path

from mmser.core.errors import MmserError, UsageError
from mmser.core.hub import PREFIX
from mmser.extraction.extractor_files import Named
from mmser.inference.hub import pull
from mmser.inference.model_folder import ModelFolder, is_model_folder
from mmser.inference.trained import Trained, TrainedRun
from mmser.training.run import Run


def open_trained(
    source: Run | Trained | str | Path,
    revision: str | None = None,
    weights: str | None = None,
    named_files: Named | None = None,
) -> Trained:
    """Open a run, a model folder, or "hf:owner/name[@revision]".

    A run has a ``config.yaml``, a model folder a ``config.json``. A plain owner/name is a folder:
    only ``hf:`` asks the hub. ``weights`` is the folder of the extractors' pretrained weights,
    ``named_files`` those of their files that lie elsewhere. Raises MmserError when there is none,
    or it is damaged.
    """
    if isinstance(source, Run):
        return TrainedRun(source, weights)
    if not isinstance(source, str | Path):
        return source
    if str(source).startswith(PREFIX):
        return ModelFolder(pull(str(source), revision), weights, named_files)
    if revision is not None:
        raise UsageError(f"a revision of {PREFIX}owner/name", f"one of {source}", "Leave it out.")
    folder = Path(source)
    if not folder.is_dir():
        remedy = f"For a repository on the Hugging Face Hub write {PREFIX}owner/name."
        raise MmserError("a run folder or a model folder", f"no folder {folder}", remedy)
    if is_model_folder(folder):
        return ModelFolder(folder, weights, named_files)
    return TrainedRun(Run(folder, named_files), weights)
