"""A model folder: trained models with all that prediction needs.

It can be read far from the run's caches, and safely.

::

    config.json            classes, streams and how they are made, parts, members
    model.safetensors      weights                    (several members: members/0/, members/1/, ...)
    transforms.json, transforms.safetensors           scalers and vocabularies of the training split
    README.md              the model card

Nothing in it is run: tensors are safetensors, and the parts that config.json names must be those of
`mmser.models`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from mmser.cache.layout import checked_name
from mmser.core.errors import MmserError, reason_of
from mmser.core.moved_names import with_current_names
from mmser.core.saved import read_saved_json
from mmser.core.task import Task
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms
from mmser.extraction.extractor_files import Named
from mmser.extraction.remembered_source import MAKER, without_files
from mmser.inference.safe_components import check_components, check_values
from mmser.inference.trained import Member, StreamSource
from mmser.inference.training_lengths import TrainingLengths, log_unknown_lengths
from mmser.training.components.construction import saved_model

CONFIG = "config.json"
CARD = "README.md"
WEIGHTS = "model.safetensors"
TRANSFORMS = "transforms"
FORMAT = "mmser model folder"
SCHEMA_VERSION = 1
FILES = (CONFIG, CARD, WEIGHTS, "transforms.json", "transforms.safetensors")
PATTERNS = (*FILES, *(f"members/*/{name}" for name in FILES[2:]))
"""All that a model folder may hold, for going up to the hub and coming down."""

DATA_KEYS = ("alignment", "grid_rate", "word_stream")
"""What ``data`` must say of how streams are aligned."""

STORE_KEYS = ("extractor", "class", "version", "parameters", "fingerprint", "dtype")
"""What each stream must say of the store it was read from."""

_WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def is_model_folder(folder: Path) -> bool:
    """Whether it has a config.json (a run has a config.yaml)."""
    return (folder / CONFIG).is_file()


def member_folder(folder: Path, place: int, members: int) -> Path:
    """Where the files of one member lie; no name from the config takes part."""
    return folder if members == 1 else folder / "members" / str(place)


class ModelFolder:
    """A model folder that is open.

    ``config`` is config.json, checked; ``weights`` the folder of the extractors' pretrained weights
    on this machine; ``named_files`` are those of its extractors that a user named.
    """

    def __init__(
        self, folder: str | Path, weights: str | None = None, named_files: Named | None = None
    ) -> None:
        """Read and check ``config.json``.

        Raises MmserError when the folder is no model folder, of another version, damaged, or names
        what a model folder may not.
        """
        self.directory = Path(folder)
        self.weights = weights or "weights"
        self.named_files: Named = named_files or {}
        self.config = _read_config(self.directory)
        try:
            check_components(self.config["model"])
            data = self.config["data"]
            self.data = {key: data.get(key) for key in DATA_KEYS}
            self.sources: dict[str, StreamSource] = {}
            for name, stream in self.config["streams"].items():
                self.sources[str(name)] = _source(name, stream)
            members = self.config["members"]
            self._tasks = [_task(self.config, member) for member in members]
            self.names = [(str(member["fold"]), int(member["seed"])) for member in members]
        except _WRONG as error:
            raise _damaged(self.directory / CONFIG, error) from error
        if not self._tasks:
            raise MmserError(
                "at least one member", f"none in {self.directory / CONFIG}", "Export the run again."
            )

    @property
    def name(self) -> str:
        return str(self.config.get("name", self.directory.name))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the logits; empty for a purely dimensional model."""
        return self._tasks[0].classes

    @cached_property
    def training_lengths(self) -> TrainingLengths | None:
        """How long its training utterances were; raises MmserError when they are no lengths."""
        stated = self.config.get("training_seconds")
        if stated is None:
            log_unknown_lengths(
                self.name, "it was exported by an earlier version (export it again)"
            )
            return None
        try:
            lengths = TrainingLengths(
                shortest=float(stated["shortest"]),
                median=float(stated["median"]),
                longest=float(stated["longest"]),
            )
        except _WRONG as error:
            raise _damaged(self.directory / CONFIG, error) from error
        if not 0 < lengths.shortest <= lengths.median <= lengths.longest < inf:
            raise _damaged(self.directory / CONFIG, ValueError(f"training_seconds {stated}"))
        return lengths

    @property
    def corpus_files(self) -> None:
        """None: a model folder has no media."""

    def members(self, names: Collection[tuple[str, int]] | None = None) -> list[Member]:
        """The models; raises MmserError when a file is missing or damaged, or weights misfit."""
        places = [place for place, name in enumerate(self.names) if names is None or name in names]
        return [self._member(place) for place in places]

    def _member(self, place: int) -> Member:
        facts, task = self.config["members"][place], self._tasks[place]
        folder = member_folder(self.directory, place, len(self._tasks))
        try:
            sizes = {str(stream): int(size) for stream, size in facts["input_sizes"].items()}
        except _WRONG as error:
            raise _damaged(self.directory / CONFIG, error) from error
        model = saved_model(self.config["model"], sizes, task, folder / WEIGHTS).eval()
        return Member(*self.names[place], model, _transforms(folder / TRANSFORMS), task)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise MmserError(
            "a model folder", f"no {CONFIG} in {folder}", "Name a folder that `mmser export` made."
        )
    config = read_saved_json(path)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise MmserError(
            f'"format": "{FORMAT}" in {path}',
            "another file",
            "Name a folder that `mmser export` made.",
        )
    version = config.get("schema_version")
    if version != SCHEMA_VERSION:
        maker = config.get("mmser_version", "(unknown)")
        remedy = "Install the version of mmser that made it, or export the run again with this one."
        raise MmserError(
            f"schema_version {SCHEMA_VERSION} in {path}",
            f"{version!r}, made by mmser {maker}",
            remedy,
        )
    current: dict[str, Any] = with_current_names(config)
    return current


def _source(name: str, stream: Mapping[str, Any]) -> StreamSource:
    # Where files lay on the machine it was trained on is of no use here.
    info = {key: value for key, value in stream["store"].items() if key != "files"}
    checked_name(str(info["extractor"]), "the name of an extractor")
    transcript = without_files(info.get("transcript")) or {}
    info["transcript"] = transcript or None
    checked_name(str(transcript.get("source", "corpus")), "the name of a transcript source")
    made = (transcript.get(MAKER) or {}).get("parameters") or {}
    check_values(
        {key: value for key, value in made.items() if key != "weights"},
        f"streams.{name}.store.transcript.parameters",
    )
    # Weights are named by digest or hub id, and never read from here.
    parameters = {key: value for key, value in info["parameters"].items() if key != "weights"}
    check_values(parameters, f"streams.{name}.store.parameters")
    check_values(stream["spec"], f"streams.{name}.spec")
    shape = Shape(tuple(int(size) for size in stream["feature_shape"]), bool(stream["whole"]))
    return StreamSource(
        StreamSpec(**stream["spec"]), info, shape, stream["frame_rate"], bool(stream["word_times"])
    )


def _task(config: Mapping[str, Any], member: Mapping[str, Any]) -> Task:
    counts = tuple(tuple(map(int, row)) for row in member["listener_counts"])
    task = Task.asking(config)
    if not task.target_sets:
        raise KeyError("classes")
    return replace(
        task,
        class_counts=tuple(map(int, member["class_counts"])),
        # Who the annotators are is not passed on; components need only their number and how many
        # labels each gave.
        listeners=tuple(map(str, range(len(counts)))),
        listener_counts=counts,
    )


def _transforms(path: Path) -> Transforms:
    try:
        return Transforms.load(path)
    except _WRONG as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> MmserError:
    remedy = (
        "Export or download the folder again; a folder of another version of mmser needs "
        "that version."
    )
    return MmserError(f"an undamaged {path}", f"{type(error).__name__}: {reason_of(error)}", remedy)
