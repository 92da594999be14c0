"""Which settings belong to which run folder: a run is what its settings say, wherever it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mmser.cache.atomic import write_bytes
from mmser.core.errors import MmserError
from mmser.core.file_names import file_name
from mmser.core.moved_names import with_earlier_names
from mmser.runs.run_paths import CONFIG
from mmser.runs.run_tables import read_settings, read_written_settings
from mmser.settings.paths import with_base

Settings = Mapping[str, Any]

ELSEWHERE = (
    "run",
    "paths",
    "cache",
    "corpus.root",
    "trainer.jobs",
    "trainer.log_tensorboard",
    "trainer.logger",
    "trainer.save_every",
)
"""Keys that say where and how a run is made, not what it is: two runs that differ in these alone
are the same.
"""

ACCELERATOR = "trainer.accelerator"
CALLED = {
    ACCELERATOR: ("cpu", ("auto", "cpu", "gpu", "cuda", "mps")),
    "trainer.deterministic": (True, ("auto", True)),
}
"""{key: (the one value under which runs are named, the values that make the same run)}.

They say where a run is made, too, but runs were named by them before, and each keeps its name: see
`run_directory`.
"""


def run_directory(settings: Settings) -> Path:
    """``settings["run"]``, or a folder under paths.runs.

    Its name is made of system, protocol and a digest of the settings.
    """
    if settings.get("run"):
        return Path(settings["run"])
    system = (settings.get("card") or {}).get("name") or "system"
    start, content = f"{system}-{settings['protocol']['name']}", identity(settings)
    # Earlier versions gave a run on another accelerator another name, and parts had other names:
    # a run is found under each of those.
    own, others = CALLED[ACCELERATOR]
    accelerators = dict.fromkeys([settings["trainer"].get("accelerator"), own, *others])
    earlier = identity(with_earlier_names(settings))
    digests = [_digest({**content, ACCELERATOR: word}) for word in accelerators]
    digests += [_digest({**earlier, ACCELERATOR: word}) for word in accelerators]
    runs = Path(settings["paths"]["runs"])
    folders = [runs / file_name(f"{start}-{digest}") for digest in digests]
    usual = runs / file_name(f"{start}-{_digest(content)}")
    return next((folder for folder in folders if (folder / CONFIG).is_file()), usual)


def identity(settings: Settings) -> dict[str, Any]:
    """The settings that make a run what it is, flat: {dotted key: value}."""
    return {key: _called(key, value) for key, value in _flat(settings) if not _is_elsewhere(key)}


def claim(directory: Path, settings: Settings) -> None:
    """Write ``config.yaml``.

    Raises MmserError when the folder belongs to a run with another config.
    """
    check_claim(directory, settings)
    if not (directory / CONFIG).is_file():
        directory.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(with_base(settings, Path.cwd()), sort_keys=False, allow_unicode=True)
        write_bytes(directory / CONFIG, text.encode())


def check_claim(directory: Path, settings: Settings) -> None:
    """Raise MmserError when the folder belongs to a run with another config; nothing is written."""
    if not (directory / CONFIG).is_file():
        return
    mine = identity(settings)
    # The same paths may be written from here, or from where the run was made.
    spellings = [read_written_settings(directory), read_settings(directory)]
    theirs = min(map(identity, spellings), key=lambda other: len(_differing(mine, other)))
    differing = _differing(mine, theirs)
    if differing:
        shown = ", ".join(f"{key}={theirs.get(key)} (now {mine.get(key)})" for key in differing[:8])
        raise MmserError(
            f"the config of {directory}",
            f"another one; there {shown}",
            "Choose another folder with run=DIR.",
        )


def _differing(mine: Settings, theirs: Settings) -> list[str]:
    """The keys in which two runs differ; what a card says of the same parts makes no other run."""
    return [
        key
        for key in sorted({*mine, *theirs})
        if mine.get(key) != theirs.get(key) and not _within(key, "card")
    ]


def _called(key: str, value: Any) -> Any:
    name, same = CALLED.get(key, (value, ()))
    return name if value in same else value


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _is_elsewhere(key: str) -> bool:
    return any(_within(key, other) for other in ELSEWHERE)


def _within(key: str, other: str) -> bool:
    return key == other or key.startswith(other + ".")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, name + ".")
        else:
            yield name, value
