"""What the parsers share: the root folder of a corpus, its media files, and the error for a wrong folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmser.core.errors import MmserError

AUDIO_SUFFIXES = (".wav", ".flac")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".flv")


def existing_root(root: str | Path, layout: str) -> Path:
    """The root as an absolute path; raises MmserError saying the expected ``layout`` when it is no folder."""
    folder = Path(root).expanduser().absolute()
    if not folder.is_dir():
        raise MmserError(layout, f"no folder {folder}", "Set corpus.root to the folder the corpus was unpacked to.")
    return folder


def wrong_layout(root: Path, layout: str) -> MmserError:
    """The error for a folder that is not the corpus: what was expected, what lies there, what to do."""
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in root.iterdir())
    shown = ", ".join(entries[:6]) + (f" and {len(entries) - 6} more" if len(entries) > 6 else "")
    return MmserError(
        layout, f"{shown or 'nothing'} in {root}", "Set corpus.root to the folder the corpus was unpacked to."
    )


def media_files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Every file below ``root`` with one of the suffixes (any case), sorted by path; hidden ones (``._x``) left out."""
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file():
            yield path


def read_text(path: Path) -> str:
    """Decode as UTF-8 (with or without mark) and, where the bytes are not UTF-8, as Windows-1252.

    Windows-1252 leaves five bytes undefined; those become U+FFFD instead of stopping a whole corpus.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def duration(path: Path) -> float | None:
    """Seconds by the file's header, or None when it has no readable one (extraction will say why)."""
    import av

    try:
        with av.open(str(path)) as container:
            return container.duration / av.time_base if container.duration else None
    except (av.FFmpegError, OSError):
        return None
