"""What the parsers share: a corpus's root folder, its media files, the error for a wrong folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mmser.core.csv_file import parse_csv
from mmser.core.errors import MmserError
from mmser.core.folders import files_below
from mmser.core.paths import expanded, is_there
from mmser.core.tables import require_columns
from mmser.core.text_file import read_text
from mmser.media.container import MediaFault, open_media

AUDIO_SUFFIXES = (".wav", ".flac")
SOUND_SUFFIXES = (
    *AUDIO_SUFFIXES, ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aiff", ".aif", ".wma"
)  # fmt: skip
"""What people's own recordings come as."""
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".flv")
LONGEST_NUMBER = 12
"""Digits that are read as a number at all."""


def existing_root(root: str | Path, layout: str) -> Path:
    """The root as an absolute path; raises MmserError saying ``layout`` when it is no folder."""
    folder = expanded(root).absolute()
    if not is_there(folder, Path.is_dir):
        raise MmserError(
            layout,
            f"no folder {folder}",
            "Set corpus.root to the folder the corpus was unpacked to.",
        )
    return folder


def wrong_layout(root: Path, layout: str) -> MmserError:
    """The error for a folder that is not the corpus: what was expected, and what lies there."""
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in root.iterdir())
    shown = ", ".join(entries[:6]) + (f" and {len(entries) - 6} more" if len(entries) > 6 else "")
    return MmserError(
        layout,
        f"{shown or 'nothing'} in {root}",
        "Set corpus.root to the folder the corpus was unpacked to.",
    )


def media_files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Every file below ``root`` with one of the suffixes (any case), by path; no hidden ones."""
    return media(files_below(root), suffixes)


def media(files: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Those of the files that have one of the suffixes (any case), no hidden ones (``._x``)."""
    return (
        path for path in files if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )


def clips_by_name(files: Iterable[Path], code: re.Pattern[str]) -> dict[str, Path]:
    """{name without suffix: file} of the files whose names fit the corpus's code.

    Of several files of one name the last counts.
    """
    return {path.stem: path for path in files if code.fullmatch(path.stem)}


def clips_below(root: str | Path, code: re.Pattern[str], layout: str) -> dict[str, Path]:
    """{name: file} of the sound files below ``root`` whose names fit the corpus's code, by name.

    Raises MmserError saying ``layout`` when the root is no folder or holds none.
    """
    folder = existing_root(root, layout)
    clips = clips_by_name(media_files(folder, AUDIO_SUFFIXES), code)
    if not clips:
        raise wrong_layout(folder, layout)
    return dict(sorted(clips.items()))


def named(files: Iterable[Path], *names: str) -> list[Path]:
    """Those of the files that have one of these names, the least deep first."""
    return sorted(
        (path for path in files if path.name in names), key=lambda path: (len(path.parts), path)
    )


def inside(files: Iterable[Path], root: Path, *folders: str) -> list[Path]:
    """Those of the files below ``root`` that lie, at any depth, in one of these folders."""
    return [path for path in files if set(folders) & set(path.relative_to(root).parts[:-1])]


def unpacked(folder: Path) -> Path:
    """``labels/labels`` where an archive lies unpacked in a folder of its name, else the folder."""
    visible = (
        [path for path in folder.iterdir() if not path.name.startswith(".")]
        if folder.is_dir()
        else []
    )
    inner = folder / folder.name
    return inner if visible == [inner] and inner.is_dir() else folder


def read_label_text(path: Path) -> str:
    """A corpus's own text file: UTF-8 or else Windows-1252, as older releases have it.

    Windows-1252 leaves five bytes undefined; those become U+FFFD instead of stopping a whole
    corpus.
    """
    return read_text(path, fallback="cp1252")


def read_label_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a corpus's own csv file, an empty cell as "".

    Raises MmserError when it lacks one of the columns.
    """
    table = parse_csv(read_label_text(path), path)
    require_columns(table, columns, str(path))
    return [
        {str(name): str(cell) for name, cell in row.items()}
        for row in table.fillna("").to_dict("records")
    ]


def whole_number(text: object) -> int | None:
    """A whole number from 0 to below 2^31 (2.0 counts as one), None for any other text."""
    digits = str(text).strip().removesuffix(".0")
    number = int(digits) if digits.isdecimal() and len(digits) <= LONGEST_NUMBER else None
    return number if number is not None and number < 2**31 else None


def duration(path: Path) -> float | None:
    """Seconds by the file's header; None without a readable one (extraction will say why)."""
    import av

    try:
        with open_media(path) as container:
            return container.duration / av.time_base if container.duration else None
    except MediaFault:
        return None
