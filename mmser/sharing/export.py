"""A trained run becomes a model folder (`mmser.inference.model_folder`): what prediction needs, and
nothing else.

No path of this machine, no speaker and no annotator is passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmser import __version__
from mmser.cache.atomic import write_bytes, write_json
from mmser.cache.layout import TEMPORARY
from mmser.cache.lock import locked
from mmser.cache.tensors import save_module
from mmser.core.errors import MmserError, UsageError
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
from mmser.sharing.card import UNKNOWN, make_card
from mmser.training.components.portable import portable
from mmser.training.run import Run

LOCK = "export.lock"
"""While it stands in a folder, an export is at work there or was killed."""


def export(
    run: Run | str | Path,
    out: str | Path,
    fold: str | None = None,
    seed: int | None = None,
    license: str = UNKNOWN,
) -> Path:
    """Write a run's model as the folder ``out``, which must be new or empty; -> ``out``.

    ``fold`` names one; "all" takes every finished one, and they vote as they do in `mmser predict
    run=DIR`. Nothing need be said where there is only one. ``license`` is a word of the hub's list
    and stands in the card. Raises UsageError, listing the folds, when several fit, and MmserError
    when a part of the model is not mmser's own, a cache is gone, or the folder is not empty.
    """
    trained = TrainedRun(run if isinstance(run, Run) else Run(run))
    members = [trained.member(*item) for item in choose_members(trained.run, fold, seed)]
    folder = Path(out)
    _check_free(folder)
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
        ModelFolder(folder).members()  # what others will read is read once here
    return folder


def _check_free(folder: Path) -> None:
    """Raise MmserError unless the folder is new, empty, or one in which an export was killed."""
    taken = folder.is_dir() and any(folder.iterdir()) and not (folder / LOCK).is_file()
    if taken or (folder.exists() and not folder.is_dir()):
        raise MmserError(
            "a new or empty folder to write to",
            f"{folder} with files in it",
            "Name another with --out.",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other export writes into the folder; nothing is left there of one that was killed, or that
    fails now.
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
    """The (fold, seed) asked for. Raises UsageError, listing them, when none or several fit and not
    "all" was said.
    """
    fitting = choose_named(run.folds, fold, seed)
    if len(fitting) == 1 or (fitting and fold == ALL):
        return fitting
    remedy = "Choose with --fold and --seed; --fold all exports them together, to vote."
    raise UsageError("one fold and seed of the run", list_members(run.folds), remedy)


def describe(trained: TrainedRun, members: Sequence[Member]) -> dict[str, Any]:
    """``config.json``."""
    task, card, protocol = (
        members[0].task,
        trained.settings.card,
        trained.settings.protocol,
    )
    lengths = trained.training_lengths
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "mmser_version": __version__,
        "name": str(card.get("name") or trained.name),
        "protocol": str(protocol["name"]),
        **{kind: list(names) for kind, names in task.names_by_kind.items()},
        "labels": dict(protocol.get("labels") or {}),
        "value_range": {
            key: list(span) for key, span in (protocol.get("value_range") or {}).items()
        },
        "streams": {name: _stream(source) for name, source in trained.sources.items()},
        "data": trained.data,
        "training_seconds": None
        if lengths is None
        else {k: round(v, 3) for k, v in asdict(lengths).items()},
        "model": portable(trained.settings.model, members[0].model),
        "members": [_member(trained, member) for member in members],
    }


def _stream(source: StreamSource) -> dict[str, Any]:
    spec = {name: getattr(source.spec, name) for name in source.spec.__slots__}
    kept = (
        "extractor",
        "class",
        "version",
        "parameters",
        "fingerprint",
        "dtype",
        "random_weights",
        "transcript",
    )
    return {
        "spec": spec,
        "store": {key: source.info.get(key) for key in kept},
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
