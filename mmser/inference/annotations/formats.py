"""The names of the formats, and the files that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mmser.cache.atomic import written_aside
from mmser.core.errors import MmserError, UsageError
from mmser.core.needed_package import need_package
from mmser.corpora.layout import duration
from mmser.inference.annotations.audacity import write_audacity
from mmser.inference.annotations.eaf import write_eaf
from mmser.inference.annotations.label_studio import write_label_studio
from mmser.inference.annotations.textgrid import write_textgrid
from mmser.inference.result_places import Place

EXTRA = "annotations"


@dataclass(frozen=True, slots=True)
class Format:
    """``write(table, recording, seconds of it, target)``; ``package`` is what it needs, if any."""

    suffix: str
    write: Callable[[pd.DataFrame, Path, float, Path], None]
    package: str | None = None


FORMATS = {
    "textgrid": Format("TextGrid", write_textgrid, "praatio"),
    "eaf": Format("eaf", write_eaf, "pympi"),
    "audacity": Format("audacity.txt", write_audacity),
    "labelstudio": Format("labelstudio.json", write_label_studio),
}


def named_formats(text: str) -> list[str]:
    """``textgrid,eaf`` as names.

    Raises UsageError for a name of no format, MmserError for a missing package.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise UsageError(
            f"formats among {', '.join(FORMATS)}", unknown[0] if unknown else "none", "See --help."
        )
    for name in names:
        package = FORMATS[name].package
        if package is not None:
            need_package(package, EXTRA)
    return list(dict.fromkeys(names))


def check_free(places: Sequence[Place], names: Sequence[str]) -> None:
    """Raise MmserError where such a file is there: somebody may have corrected it by hand."""
    paths = [_path(place, name) for place in places for name in names]
    taken = [str(path) for path in paths if path.exists()]
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise MmserError(
            "no annotation files of these names yet",
            ", ".join(taken[:3]) + more,
            "They are never replaced: move them away, or name another folder with --out.",
        )


def write_annotations(
    table: pd.DataFrame, recording: Path, place: Place, names: Sequence[str]
) -> list[Path]:
    """The timeline of a recording in each of the formats; returns the paths."""
    last = float(table["end"].max()) if len(table) else 0.0
    seconds = max(duration(recording) or 0.0, last)
    paths = []
    for name in names:
        target = _path(place, name)
        with written_aside(target) as aside:
            FORMATS[name].write(table, recording, seconds, aside)
        paths.append(target)
    return paths


def _path(place: Place, name: str) -> Path:
    return place.folder / f"{place.stem}.{FORMATS[name].suffix}"
