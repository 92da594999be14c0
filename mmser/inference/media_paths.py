"""What a user names on the command line -> the recordings that are meant, each once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.corpora.layout import AUDIO_SUFFIXES, VIDEO_SUFFIXES, media_files

FURTHER = (
    ".mp3 .m4a .aac .ogg .oga .opus .amr .aif .aiff .au .caf .w64 .sph .ac3 .m4v .3gp .3g2 .mpg "
    ".mpeg .ts .mts .m2ts .wmv .wma .asf .mxf .dv"
)
SUFFIXES = (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES, *FURTHER.split())
"""Endings of the formats that are read, in small letters.

A file that is named itself may have any.
"""


def find_recordings(paths: Sequence[str | Path]) -> list[Path]:
    """Each file as it is named, and of a folder every sound or video file below it, by path.

    Links are followed; a file that is met again under another name is left out. Raises MmserError
    for a folder without any recording.
    """
    recordings: dict[Path, Path] = {}
    for path in map(Path, paths):
        files = list(media_files(path, SUFFIXES)) if path.is_dir() else [path]
        if not files:
            raise MmserError(
                f"sound or video files below {path}", "none", "Name another folder, or the files."
            )
        for file in files:
            recordings.setdefault(file.resolve(), file)
    return list(recordings.values())
