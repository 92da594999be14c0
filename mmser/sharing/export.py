"""A trained run becomes a model folder (`mmser.inference.model_folder`).

It holds what prediction needs and nothing else. No path of this machine, no speaker and no
annotator is passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mmser import __version__
from mmser.cache.atomic import write_bytes, write_json
from mmser.cache.layout import TEMPORARY
from mmser.cache.lock import locked
from mmser.cache.tensors import save_module
from mmser.core.errors import MmserError, UsageError
from mmser.extraction.remembered_source import without_files
from mmser.inference.model_folder import (
    CARD,
    CONFIG,
    FORMAT,
    PATTERNS,
    SCHEMA_VERSION,
    TRANSFORMS,
    WEIGHTS,
    ModelFolder,
    member_folder,
)
from mmser.inference.safe_components import check_components
from mmser.inference.trained import ALL, Member, StreamSource, TrainedRun, list_members
from mmser.inference.trained import choose_members as choose_named
from mmser.inference.training_lengths import TrainingLengths
from mmser.sharing.card import UNKNOWN, make_card
from mmser.training.components.portable import portable
from mmser.training.run import Run

LOCK = "export.lock"
"""While this file is in a folder, an export is at work there or was killed."""


def export(
    run: Run | str | Path,
    out: str | Path,
    fold: str | None = None,
    seed: int | None = None,
    license: str = UNKNOWN,
) -> Path:
    """Write a run's model as the folder ``out``, which must be new or empty; -> ``out``.

    ``fold`` names one; "all" takes every finished one, and they vote as they do in `mmser predict
    run=DIR`. It can be left out where there is only one. ``license`` is a word of the hub's list
    and appears in the card. Raises UsageError, listing the folds, when several fit, and MmserError
    when a component of the model is not mmser's own, a cache is gone, or the folder is not empty.
    """
    trained = TrainedRun(run if isinstance(run, Run) else Run(run))
    members = [trained.member(*item) for item in choose_members(trained.run, fold, seed)]
    folder = Path(out)
    # What lies where an export was killed is removed.
    if not (folder / LOCK).is_file():
        check_new(folder, "--out")
    config = describe(trained, members)
    check_components(config["model"])
    with _alone(folder):
        for place, member in enumerate(members):
            target = member_folder(folder, place, len(members))
            target.mkdir(parents=True, exist_ok=True)
            save_module(member.model, target / WEIGHTS)
            member.transforms.save(target / TRANSFORMS)
        write_bytes(folder / CARD, make_card(trained, members, config["streams"], license).encode())
        write_json(folder / CONFIG, config)
        # What others will read is read once here.
        ModelFolder(folder).members()
    return folder


def check_new(folder: Path, option: str) -> None:
    """Raise MmserError unless the folder is new or empty; ``option`` names another."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        remedy = f"Name another with {option}."
        raise MmserError("a new or empty folder to write to", f"{folder} with files in it", remedy)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Write to the folder alone, and leave nothing there when the block fails.

    What an export left that was killed is removed first.
    """
    with locked(folder / LOCK, wait=False):
        _clear(folder)
        try:
            yield
        except BaseException:
            _clear(folder)
            raise


def _clear(folder: Path) -> None:
    """Remove what an export writes, and nothing else."""
    for pattern in PATTERNS:
        for path in [*folder.glob(pattern), *folder.glob(pattern + TEMPORARY)]:
            path.unlink()
    for path in [*folder.glob("members/*"), folder / "members"]:
        with suppress(OSError):
            path.rmdir()


def choose_members(
    run: Run, fold: str | None = None, seed: int | None = None
) -> list[tuple[str, int]]:
    """The (fold, seed) pairs that were asked for.

    Raises UsageError, listing all of them, when none fits, or several do and ``fold`` is not "all".
    """
    fitting = choose_named(run.folds, fold, seed)
    if len(fitting) == 1 or (fitting and fold == ALL):
        return fitting
    remedy = "Choose with --fold and --seed; --fold all exports them together, to vote."
    raise UsageError("one fold and seed of the run", list_members(run.folds), remedy)


def describe(trained: TrainedRun, members: Sequence[Member]) -> dict[str, Any]:
    """``config.json``."""
    task, card, protocol = members[0].task, trained.settings.card, trained.settings.protocol
    value_range = protocol.get("value_range") or {}
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "mmser_version": __version__,
        "name": str(card.get("name") or trained.name),
        "protocol": str(protocol["name"]),
        **{kind: list(names) for kind, names in task.names_by_kind.items()},
        "labels": dict(protocol.get("labels") or {}),
        "value_range": {name: list(span) for name, span in value_range.items()},
        "streams": {name: _stream(source) for name, source in trained.sources.items()},
        "data": trained.data,
        "training_seconds": _rounded_lengths(trained.training_lengths),
        "model": portable(trained.settings.model, members[0].model),
        "members": [_member(trained, member) for member in members],
    }


def _rounded_lengths(lengths: TrainingLengths | None) -> dict[str, float] | None:
    if lengths is None:
        return None
    return {name: round(seconds, 3) for name, seconds in asdict(lengths).items()}


STORE_FACTS = (
    "extractor",
    "class",
    "version",
    "parameters",
    "fingerprint",
    "dtype",
    "random_weights",
    "transcript",
)
"""What a model folder tells of a store: no path, and no date."""


def _stream(source: StreamSource) -> dict[str, Any]:
    facts = {key: source.info.get(key) for key in STORE_FACTS}
    return {
        "spec": {field.name: getattr(source.spec, field.name) for field in fields(source.spec)},
        "store": {**facts, "transcript": without_files(facts["transcript"])},
        "feature_shape": list(source.shape.feature),
        "whole": source.shape.whole,
        "frame_rate": source.frame_rate,
        "word_times": source.word_times,
    }


def _member(trained: TrainedRun, member: Member) -> dict[str, Any]:
    facts = trained.run.fold(member.fold, member.seed).facts
    return {
        "fold": member.fold,
        "seed": member.seed,
        "input_sizes": facts["input_sizes"],
        "class_counts": list(member.task.class_counts),
        "listener_counts": [list(row) for row in member.task.listener_counts],
        "parameters": facts.get("parameters"),
        "best_epoch": facts.get("best_epoch"),
    }
